// SPDX-License-Identifier: Apache-2.0
// Promotion on an emulated registry: exactly what was verified, in the order in which nothing half stands there, and read back.
import type { Digest, Evidence, PinnedImage, Verdict } from '@pratique/core';
import { systemClock } from '@pratique/host';
import { createAcrEmulator } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { describe, expect, test } from 'vitest';
import { writeSampleImage } from '../../../test/fixtures/debian-image.ts';
import { leftBehind, promote, requireSameImage } from './promotion.ts';

const none = `sha256:${'0'.repeat(64)}` as const;
const verdictOn = (inputs: readonly Digest[]): Verdict => ({ result: 'passed', channel: 'release', reasons: [], policy: { uri: 'x', digest: none }, inputs, decidedAt: new Date(0), validUntil: new Date(1) });

async function createStage() {
  const acr = createAcrEmulator({ anonymous: true });
  const written: string[] = [];
  const route: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    const digest = /\/v2\/web\/manifests\/(.+)$/.exec(decodeURIComponent(new URL(request.url).pathname))?.[1];
    if (request.method === 'PUT' && digest !== undefined) written.push(digest);
    return acr.handle(request);
  };
  const registry = createRegistry({ registry: 'registry.test', fetch: route, clock: { ...systemClock, sleep: () => Promise.resolve() }, signal: new AbortController().signal });
  const [from, to] = [registry.repository('quarantine/web'), registry.repository('web')];
  const { index, platforms } = await writeSampleImage(from);
  const attestations = [await hang(from, index, 'one'), await hang(from, index, 'two')];
  const image: PinnedImage = { registry: 'registry.test', repository: 'quarantine/web', digest: index.digest };
  return { acr, from, to, image, platforms, attestations, written };
}

async function hang(repository: Repository, subject: Descriptor, name: string): Promise<Digest> {
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const { mediaType, digest, size } = subject;
  return (await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/x', config: emptyBlob.descriptor, layers: [], subject: { mediaType, digest, size }, annotations: { name } }))).digest;
}

describe('promote', () => {
  test('copies the image and the attestations of the verdict, the index last', async () => {
    const { from, to, image, platforms, attestations, written } = await createStage();
    const [kept = none, left = none] = attestations;
    const manifest = await promote({ from, to, image, attestations: [kept] });
    expect(manifest.descriptor.digest).toBe(image.digest);
    expect(written.at(-1)).toBe(image.digest);
    expect([...written].sort()).toEqual([kept, image.digest, ...platforms.map((one) => one.manifest.digest)].sort());
    expect(await to.hasManifest(left)).toBe(false);
    expect((await to.listReferrers(image.digest)).map(({ digest }) => digest)).toEqual([kept]);
  });

  test('a second time changes nothing of the image', async () => {
    const { from, to, image, attestations, written } = await createStage();
    await promote({ from, to, image, attestations });
    const first = written.length;
    await promote({ from, to, image, attestations });
    expect(written.slice(first).sort()).toEqual([...attestations].sort());
  });

  test('an attestation that is not there afterwards is no promotion', async () => {
    const { acr, from, to, image, attestations } = await createStage();
    acr.faults.add({ method: 'HEAD', path: `/v2/web/manifests/${attestations[0]}`, times: 99, action: { kind: 'status', status: 404 } }, { method: 'GET', path: `/v2/web/manifests/${attestations[0]}`, times: 99, action: { kind: 'status', status: 404 } });
    await expect(promote({ from, to, image, attestations })).rejects.toMatchObject({ code: 'GATE_PROMOTION_MISMATCH' });
  });

  test('a blob that the registry changes on the way is not accepted', async () => {
    const { acr, from, to, image, attestations } = await createStage();
    acr.faults.add({ method: 'GET', path: `/v2/web/manifests/${image.digest}`, times: 99, action: { kind: 'corrupt', at: 5 } });
    await expect(promote({ from, to, image, attestations })).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
  });
});

test('evidence about another image or repository is no evidence', () => {
  const image: PinnedImage = { registry: 'r.io', repository: 'quarantine/web', digest: none };
  const evidence = (changed: Partial<PinnedImage>): Evidence => ({ image: { ...image, ...changed }, platforms: [], statements: [], disbelieved: [], collectedAt: new Date(0) });
  expect(() => requireSameImage(evidence({}), image)).not.toThrow();
  for (const changed of [{ digest: `sha256:${'1'.repeat(64)}` as const }, { repository: 'other' }, { registry: 'other.io' }]) {
    expect(() => requireSameImage(evidence(changed), image)).toThrow(expect.objectContaining({ code: 'GATE_PROMOTION_MISMATCH' }));
  }
});

test('what the verdict does not rest on is left behind', () => {
  expect(leftBehind(['sha256:a', 'sha256:b'], verdictOn(['sha256:b']))).toEqual(['sha256:a']);
});
