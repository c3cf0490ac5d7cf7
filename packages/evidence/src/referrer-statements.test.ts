// SPDX-License-Identifier: Apache-2.0
// What is made of a list of referrers before any signature is looked at: how many, which are read, and what stops everything.
import { Failure, predicateTypes, type Digest, type FailureCode } from '@pratique/core';
import { hashBytes, type Descriptor, type Repository } from '@pratique/oci';
import { parseTrust } from '@pratique/policy';
import { bundleMediaType } from '@pratique/sign';
import { describe, expect, test } from 'vitest';
import { readReferrers, type ReadReferrers } from './referrer-statements.ts';

const digestOf = (text: string): Digest => hashBytes(new TextEncoder().encode(text));
const [root, platform] = [digestOf('root'), digestOf('platform')] as const;
const noise = (index: number): Descriptor => ({ mediaType: 'x', digest: digestOf(`${index}`), size: 1, artifactType: 'application/vnd.noise' });
const bundle = (annotations?: Readonly<Record<string, string>>): Descriptor => ({ mediaType: 'x', digest: digestOf('bundle'), size: 1, artifactType: bundleMediaType, ...(annotations === undefined ? {} : { annotations }) });

/** A repository of which only the lists can be had; to read one of them ends in `thrown`. */
function read(lists: Readonly<Record<Digest, readonly Descriptor[]>>, thrown: unknown = new Error('nothing may be read'), subjects: readonly Digest[] = [root, platform]) {
  const asked: Digest[] = [];
  const repository = {
    registry: 'registry.test', name: 'web',
    listReferrers: async (digest: Digest) => {
      asked.push(digest);
      return lists[digest] ?? [];
    },
    readManifest: async () => { throw thrown; },
  } as unknown as Repository;
  const result: Promise<ReadReferrers> = readReferrers({ repository, subjects, trust: parseTrust(''), trustMaterial: undefined as never, channel: 'release' });
  return { asked, result };
}

async function codeOf(work: Promise<unknown>): Promise<FailureCode | 'read'> {
  try {
    await work;
    return 'read';
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}

describe('referrers', () => {
  const many = (count: number, from = 0): Descriptor[] => Array.from({ length: count }, (_, index) => noise(from + index));
  test.each<readonly [string, Readonly<Record<Digest, readonly Descriptor[]>>, FailureCode | 'read']>([
    ['200 on one subject', { [root]: many(200) }, 'read'],
    ['201 on one subject', { [root]: many(201) }, 'GATE_REFERRERS_FLOOD'],
    ['200 on two subjects', { [root]: many(100), [platform]: many(100, 100) }, 'read'],
    ['201 on two subjects', { [root]: many(100), [platform]: many(101, 100) }, 'GATE_REFERRERS_FLOOD'],
    ['101 that hang on both subjects', { [root]: many(101), [platform]: many(101) }, 'GATE_REFERRERS_FLOOD'],
    ['101, listed twice', { [root]: [...many(101), ...many(101)] }, 'read'],
  ])('%s', async (_, lists, code) => {
    expect(await codeOf(read(lists).result)).toBe(code);
  });
  test('are told by subject where they are too many', async () => {
    await expect(read({ [root]: many(3), [platform]: many(199, 3) }).result).rejects.toMatchObject({
      message: `202 referrers hang on registry.test/web@${root} and its platforms; at most 200 are read`, facts: { subjects: [{ subject: root, referrers: 3 }, { subject: platform, referrers: 199 }] },
    });
  });
  test('are listed once for each subject; what is no attestation is not read', async () => {
    const { asked, result } = read({ [root]: [noise(1), noise(1)], [platform]: [noise(2)] }, undefined, [root, platform, root]);
    expect(await result).toEqual({ listed: [noise(1), noise(2)], statements: [], disbelieved: [] });
    expect(asked).toEqual([root, platform]);
  });
});

describe('an attestation', () => {
  const quarantined = new Failure({ code: 'ACR_QUARANTINED', message: 'held' });
  const saying = (predicateType: string): Descriptor => bundle({ 'dev.sigstore.bundle.predicateType': predicateType });
  test.each<readonly [string, Descriptor, Failure]>([
    ['that is broken', bundle(), new Failure({ code: 'ATTESTATION_MALFORMED', message: 'two layers' })],
    ['that is gone', bundle(), new Failure({ code: 'REGISTRY_NOT_FOUND', message: 'gone' })],
    ['that is held, and says that it is no verdict', saying(predicateTypes.scan), quarantined],
  ])('%s is not believed, and named', async (_, descriptor, thrown) => {
    expect(await read({ [platform]: [descriptor] }, thrown).result).toEqual({
      listed: [descriptor], statements: [], disbelieved: [{ attestation: descriptor.digest, subject: platform, code: thrown.code, reason: thrown.message, artifactType: bundleMediaType }],
    });
  });
  test.each<readonly [string, Descriptor, Failure]>([
    ['the registry does not answer', bundle(), new Failure({ code: 'REGISTRY_UNAVAILABLE', message: '503' })],
    ['it is held, and says that it is a verdict', saying(predicateTypes.verdict), quarantined],
    ['it is held, and says nothing', bundle({}), quarantined],
    ['it is held, and the list says nothing', bundle(), quarantined],
  ])('leaves everything open while %s', async (_, descriptor, thrown) => {
    expect(await codeOf(read({ [root]: [descriptor] }, thrown).result)).toBe(thrown.code);
  });
  test('leaves everything open when the reader itself is broken', async () => {
    await expect(read({ [root]: [bundle()] }, new TypeError('x')).result).rejects.toBeInstanceOf(TypeError);
    await expect(read({ [root]: [bundle()] }, Object.assign(new Error('x'), { code: 'REGISTRY_NOT_FOUND' })).result).rejects.toMatchObject({ message: 'x' });
    await expect(read({ [root]: [bundle()] }, Object.assign(new Error('x'), { kind: 'refused' })).result).rejects.toMatchObject({ message: 'x' });
  });
});
