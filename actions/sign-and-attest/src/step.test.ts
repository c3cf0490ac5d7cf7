// SPDX-License-Identifier: Apache-2.0
// The real step on the emulated registry and a local sigstore.
import { Failure, formatImage, type JsonObject } from '@pratique/core';
import { createAcrEmulator } from '@pratique/lab';
import { createRegistry, type Repository } from '@pratique/oci';
import type { EvidenceManifest } from '@pratique/scan';
import { isBundleReferrer, loadTrustMaterial, readAttestation, verifyAttestation, type Attested } from '@pratique/sign';
import { parseInputs, type StepResult } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { pushSample, type PushedSample } from '../../../test/fixtures/build-evidence.ts';
import { createTestWorld, pushIdentity, type TestWorld } from '../../../test/fixtures/sign-world.ts';
import { signAndAttest } from './contract.ts';

type Given = Readonly<Record<string, string | undefined>>;

interface Stage extends AsyncDisposable {
  readonly world: TestWorld;
  readonly repository: Repository;
  readonly pushed: PushedSample;
  /** Runs the step; `given` overrides inputs. */
  run(given?: Given): Promise<StepResult<typeof signAndAttest.outputs>>;
}

async function createStage(options: { change?: (evidence: EvidenceManifest) => EvidenceManifest; claims?: JsonObject } = {}): Promise<Stage> {
  const emulator = createAcrEmulator({ storage: 'memory', anonymous: true });
  const world = await createTestWorld({ hosts: { 'registry.test': emulator.handle }, claims: () => options.claims ?? {} });
  const repository = createRegistry({ registry: 'registry.test', ...world.ctx }).repository('quarantine/web');
  const pushed = await pushSample(repository, options.change);
  const name = (digest: string): string => `registry.test/quarantine/web@${digest}`;
  return {
    world, repository, pushed,
    run: async (given = {}) => signAndAttest.run(parseInputs(signAndAttest.inputs, {
      image: name(pushed.index.digest), evidence: name(pushed.evidence.digest), 'signing-config': world.config(2), 'trusted-root': world.trustedRoot, 'registry-sign-in': 'anonymous', ...given,
    }), world.ctx),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const attestedIn = (result: { outputs: { attestations?: string } }): Attested[] => JSON.parse(result.outputs.attestations ?? '[]') as Attested[];

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(() => undefined, (reason: unknown) => reason);
  if (thrown instanceof Failure) return thrown;
  throw new Error('no Failure', { cause: thrown });
}

describe('sign-and-attest', () => {
  test('signs index and platforms, and all of it verifies from the registry', async () => {
    await using stage = await createStage();
    const { outputs, summary } = await stage.run();
    const image = { registry: 'registry.test', repository: 'quarantine/web', digest: stage.pushed.index.digest };
    expect(outputs).toMatchObject({ image: formatImage(image), signer: pushIdentity, count: '11', reused: '0' });
    const trust = await loadTrustMaterial(stage.world.ctx, stage.world.trustedRoot);
    const attested = attestedIn({ outputs });
    const verified = await Promise.all(attested.map(async (one) => verifyAttestation({ bundle: await readAttestation(stage.repository, one.attestation), subject: one.subject, trust })));
    expect(verified.map((one) => one.predicateType)).toEqual(attested.map((one) => one.predicateType));
    expect(stage.world.sigstore.entries.v2).toBe(11);
    expect(summary.split('\n').filter((line) => line.includes('| signed |'))).toHaveLength(11);
  });

  test('run again, everything is reused and nothing is logged', async () => {
    await using stage = await createStage();
    const first = await stage.run();
    const { outputs } = await stage.run();
    expect(outputs).toMatchObject({ count: '11', reused: '11' });
    expect(attestedIn({ outputs }).map((one) => one.attestation)).toEqual(attestedIn(first).map((one) => one.attestation));
    expect(stage.world.sigstore.entries.v2).toBe(11);
  });

  test('without evidence: signature and provenance', async () => {
    await using stage = await createStage();
    const { outputs } = await stage.run({ evidence: '' });
    expect(outputs).toMatchObject({ count: '2' });
  });

  const changes: readonly (readonly [string, Failure['code'], { change?: (evidence: EvidenceManifest) => EvidenceManifest; claims?: JsonObject }])[] = [
    ['failed tests', 'BUILD_TESTS_FAILED', { change: (e) => ({ ...e, ...(e.tests && { tests: { ...e.tests, result: 'failed' } }) }) }],
    ['a token of another commit', 'SIGN_SOURCE_MISMATCH', { claims: { sha: 'b'.repeat(40) } }],
    ['evidence of another version', 'SIGN_SOURCE_MISMATCH', { change: (e) => ({ ...e, build: { ...e.build, version: '9.9.9' } }) }],
    ['evidence of another run', 'SIGN_SOURCE_MISMATCH', { change: (e) => ({ ...e, build: { ...e.build, run: { ...e.build.run, id: '1' } } }) }],
    ['a scan that lacks a platform', 'BUILD_EVIDENCE_INVALID', { change: (e) => ({ ...e, scans: e.scans.slice(1) }) }],
    ['reports that changed places', 'SCAN_NOT_BOUND', { change: (e) => ({ ...e, scans: e.scans.map((one, index) => ({ ...one, report: e.scans[1 - index]?.report ?? one.report })) }) }],
    ['a token that Fulcio refuses', 'SIGN_IDENTITY_REFUSED', { claims: { aud: 'other' } }],
  ];
  test.each(changes)('%s: %s, and nothing is attached', async (_, code, options) => {
    await using stage = await createStage(options);
    expect((await failureOf(stage.run())).code).toBe(code);
    const listed = await stage.repository.listReferrers(stage.pushed.index.digest);
    expect(listed.map((one) => one.digest)).toEqual([stage.pushed.evidence.digest]);
  });

  const inputs: readonly (readonly [string, Failure['code'], (pushed: PushedSample) => Given])[] = [
    ['an image by tag', 'INPUT_INVALID', () => ({ image: 'registry.test/quarantine/web:latest' })],
    ['a misspelt predicate', 'INPUT_INVALID', () => ({ predicates: 'signature\nspdxx' })],
    ['a misspelt input', 'INPUT_UNKNOWN', () => ({ 'sign-config': 'x' })],
    ['evidence of another repository', 'INPUT_INVALID', (pushed) => ({ evidence: `registry.test/other@${pushed.evidence.digest}` })],
    ['an image that is not there', 'REGISTRY_NOT_FOUND', () => ({ image: `registry.test/quarantine/web@sha256:${'0'.repeat(64)}` })],
    ['the image as its own evidence', 'BUILD_EVIDENCE_INVALID', (pushed) => ({ evidence: `registry.test/quarantine/web@${pushed.index.digest}` })],
    ['a signing config that is missing', 'SIGN_CONFIG_INVALID', () => ({ 'signing-config': 'nowhere.json' })],
    ['a trusted root that is none', 'SIGN_CONFIG_INVALID', () => ({ 'trusted-root': '{}' })],
  ];
  test.each(inputs)('%s: %s', async (_, code, given) => {
    await using stage = await createStage();
    expect((await failureOf(stage.run(given(stage.pushed)))).code).toBe(code);
  });

  test('killed at any manifest that it writes, a re-run heals and signs only what is missing', async () => {
    await using stage = await createStage();
    const subjects = [stage.pushed.index, ...stage.pushed.platforms.map((one) => one.manifest)];
    for (const standing of [3, 6, 9]) {
      let puts = 0;
      stage.world.intercept(async (request) => (request.method === 'PUT' && request.url.includes('/manifests/') && (puts += 1) > 3 ? new Response('{}', { status: 403 }) : undefined));
      expect((await failureOf(stage.run())).code).toBe('REGISTRY_FORBIDDEN');
      const listed = (await Promise.all(subjects.map((one) => stage.repository.listReferrers(one.digest)))).flat().filter(isBundleReferrer);
      expect(listed).toHaveLength(standing);
    }
    stage.world.intercept(undefined);
    expect((await stage.run()).outputs).toMatchObject({ count: '11', reused: '9' });
  });
});
