// SPDX-License-Identifier: Apache-2.0
// The real step on the whole lab: what passes, what is refused, and what stays behind.
import { formatImage, predicateTypes, type Digest, type Reason } from '@pratique/core';
import { buildManifest, emptyBlob, mediaTypes, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import type { StepResult } from '@pratique/step';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openGateWorld, type GateWorld, type PushOptions, type QuarantinedImage } from '../../../test/fixtures/gate-world.ts';
import type { quarantineGate } from './contract.ts';

const both = ['linux/amd64', 'linux/arm64'];

type Result = StepResult<typeof quarantineGate.outputs>;

// A chain signs and verifies hundreds of times; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: GateWorld;
let count = 0;
beforeAll(async () => {
  world = await openGateWorld();
});
beforeEach(() => {
  world.lab.acr.faults.clear();
  world.lab.acr.settings.referrers = true;
  world.configure();
});
afterAll(() => world[Symbol.asyncDispose]());

/** An image in a repository of its own, signed by the release workflow. */
async function signed(options: Partial<PushOptions> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name: `app-${(count += 1)}`, platforms: both, ...options });
  await world.sign(pushed);
  return pushed;
}

const releasesOf = ({ release }: QuarantinedImage): Promise<Repository> => world.repository('gate', release.repository);
const quarantineOf = ({ image }: QuarantinedImage): Promise<Repository> => world.repository('gate', image.repository);
const reasonsOf = ({ outputs }: Result): Reason[] => JSON.parse(outputs.reasons ?? '[]') as Reason[];
const codesOf = (result: Result): string[] => [...new Set(reasonsOf(result).filter(({ effect }) => effect === 'deny').map(({ code }) => code))].sort();
const digestsOf = async (repository: Repository, subject: Digest): Promise<Digest[]> => (await repository.listReferrers(subject)).map(({ digest }) => digest);

/** Refused, signed as refused in quarantine, and the release repository knows nothing of it. */
async function expectRefused(pushed: QuarantinedImage, result: Result): Promise<void> {
  expect(result.refusal).toMatchObject({ code: 'GATE_REFUSED' });
  expect(result.outputs).toMatchObject({ verdict: 'refused', image: '', tags: '' });
  expect(result.summary).toContain('Refused');
  expect(await digestsOf(await quarantineOf(pushed), pushed.image.digest)).toContain(result.outputs.attestation);
  await expect(world.verdictOn(pushed, { within: pushed.image.repository })).rejects.toMatchObject({ code: 'VERDICT_REFUSED' });
  await expect((await releasesOf(pushed)).readManifest(pushed.image.digest)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
}

describe('an image with all evidence', () => {
  test('is promoted as it is, tagged, locked, and its verdict holds', async () => {
    const pushed = await signed();
    const { outputs, refusal, summary } = await world.judge(pushed);
    expect(refusal).toBeUndefined();
    expect(outputs).toMatchObject({ verdict: 'passed', image: formatImage({ ...pushed.release, digest: pushed.image.digest }), tags: '1.2.0\n1.2\n1\nlatest', code: '', reasons: '[]' });
    const [quarantine, releases] = [await quarantineOf(pushed), await releasesOf(pushed)];
    for (const tag of ['1.2.0', '1.2', '1', 'latest']) expect((await releases.resolve(tag))?.digest).toBe(pushed.image.digest);
    for (const digest of [pushed.image.digest, ...pushed.platforms.map(({ manifest }) => manifest.digest)]) {
      expect((await releases.readManifest(digest)).bytes).toEqual((await quarantine.readManifest(digest)).bytes);
    }
    const { verdict, statement } = await world.verdictOn(pushed);
    expect(verdict).toMatchObject({ result: 'PASSED', channel: 'release', resourceUri: outputs.image, policyUri: `github://acme/app/.pratique@${world.policies.head()}` });
    expect(statement.attestation).toBe(outputs.attestation);
    const hanging = await Promise.all([pushed.image.digest, ...pushed.platforms.map(({ manifest }) => manifest.digest)].map((subject) => digestsOf(releases, subject)));
    expect(hanging.flat().sort()).toEqual([...verdict.inputs, statement.attestation].sort());
    expect(summary).toContain('Released');
  });

  test('cannot be deleted or tagged over afterwards', async () => {
    const pushed = await signed();
    await world.judge(pushed);
    const releases = await releasesOf(pushed);
    const [platform] = pushed.platforms;
    const other = await releases.readManifest(platform?.manifest.digest ?? '');
    await expect(releases.tag(other, '1.2.0')).rejects.toMatchObject({ code: 'REGISTRY_LOCKED' });
    // A locked tag protects its manifest too; without it the manifest still has its own lock.
    await (await world.registry('gate')).properties.lockTag(pushed.release.repository, '1.2.0', { write: true, delete: true });
    await expect(world.asAdministrator(pushed.release.repository).deleteManifest(pushed.image.digest)).rejects.toMatchObject({ code: 'REGISTRY_LOCKED' });
  });

  test('judged again, the same comes out, and one verdict stands', async () => {
    const pushed = await signed();
    const first = await world.judge(pushed);
    const releases = await releasesOf(pushed);
    const before = await digestsOf(releases, pushed.image.digest);
    const second = await world.judge(pushed, { job: { runAttempt: 2 } });
    expect({ ...second.outputs, attestation: '' }).toEqual({ ...first.outputs, attestation: '' });
    const after = await digestsOf(releases, pushed.image.digest);
    expect(after.filter((digest) => digest !== second.outputs.attestation).sort()).toEqual(before.filter((digest) => digest !== first.outputs.attestation).sort());
    expect((await world.verdictOn(pushed)).statement.attestation).toBe(second.outputs.attestation);
  });

  test('is not in the release repository while its verdict cannot be signed', async () => {
    const pushed = await signed();
    world.lab.intercept('sigstore', async (request) => (request.url.includes('signingCert') ? new Response('{}', { status: 503 }) : undefined));
    await expect(world.judge(pushed)).rejects.toMatchObject({ code: 'SIGN_CERTIFICATE_FAILED' });
    world.lab.intercept('sigstore');
    expect(await (await releasesOf(pushed)).resolve(pushed.image.digest)).toBeUndefined();
    expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
  });

  test('passes where the registry knows no referrers API, and fallback tags are no versions', async () => {
    world.lab.acr.settings.referrers = false;
    const pushed = await signed();
    const { outputs } = await world.judge(pushed);
    expect(outputs).toMatchObject({ verdict: 'passed', tags: '1.2.0\n1.2\n1\nlatest' });
    expect((await world.verdictOn(pushed)).verdict.result).toBe('PASSED');
  });

  test('with only the roles that the example asks for, everything works, also a second time', async () => {
    const { settings } = world.lab.acr;
    const kept = [...settings.assignments];
    const { objectId } = world.lab.addresses.entra.clients.gate;
    const writer = (prefix: string) => ({ principal: objectId, role: 'Container Registry Repository Writer', prefix });
    settings.assignments.splice(0, kept.length, ...kept.filter(({ principal }) => principal !== objectId), writer('quarantine/'), writer('acme/'));
    try {
      const pushed = await signed();
      expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
      expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
      expect((await world.verdictOn(pushed)).verdict.result).toBe('PASSED');
    } finally {
      settings.assignments.splice(0, settings.assignments.length, ...kept);
    }
  });

  test('what else hangs on it stays in quarantine, and is named', async () => {
    const pushed = await signed();
    const quarantine = await world.repository('builder', pushed.image.repository);
    const planted = await plant(quarantine, pushed.root);
    await world.sign(pushed, { job: { jobWorkflowFile: '.github/workflows/evil.yml' }, given: { predicates: 'signature' } });
    const all = await digestsOf(quarantine, pushed.image.digest);
    const { outputs, summary } = await world.judge(pushed);
    expect(outputs.verdict).toBe('passed');
    const released = await digestsOf(await releasesOf(pushed), pushed.image.digest);
    const left = all.filter((digest) => !released.includes(digest));
    expect(left).toHaveLength(3);
    expect(left).toEqual(expect.arrayContaining([planted, pushed.evidence.digest]));
    expect(summary.slice(summary.indexOf('3 referrers stay in quarantine')).split('\n')).toEqual(expect.arrayContaining(left));
    expect(summary).toContain('ATTESTATION\\_SIGNER\\_UNKNOWN');
  });
});

async function plant(repository: Repository, subject: Descriptor): Promise<Digest> {
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const { mediaType, digest, size } = subject;
  return (await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/vnd.planted', config: emptyBlob.descriptor, layers: [emptyBlob.descriptor], subject: { mediaType, digest, size } }))).digest;
}

describe('refused', () => {
  test('a finding: the reason names package, versions, rule and the line of the policy', async () => {
    const pushed = await signed({ findings: ['CVE-2021-23337'] });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(result.outputs.code).toBe('GATE_FINDING_DENIED');
    const [reason] = reasonsOf(result);
    expect(reason).toMatchObject({ code: 'GATE_FINDING_DENIED', rule: 'no known way in', subject: 'linux/amd64, linux/arm64', finding: { package: 'lodash', installed: '4.17.20', fixed: '4.17.21' }, policy: { file: '.pratique/policy.yaml' } });
    expect(result.refusal?.message).toContain(`(no known way in, .pratique/policy.yaml:${reason?.policy?.line})`);
    expect(result.refusal?.message).toMatch(/CVE-2021-23337 .*lodash 4\.17\.20 .*4\.17\.21/);
  });

  test('an image that nobody signed', async () => {
    const pushed = await world.pushImage({ name: `app-${(count += 1)}` });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_EVIDENCE_MISSING', 'GATE_PLATFORM_UNSCANNED', 'GATE_UNSIGNED']);
    expect(result.outputs.code).toBe('GATE_UNSIGNED');
  });

  test.each([
    ['another workflow', { jobWorkflowFile: '.github/workflows/evil.yml' }],
    ['the gate itself', { jobWorkflowFile: '.github/workflows/gate.yml' }],
    ['a branch', { ref: 'refs/heads/main' }],
    ['a pull request', { event: 'pull_request', ref: 'refs/pull/5/merge' }],
    ['a manual run', { event: 'workflow_dispatch' }],
  ])('signed by %s', async (_, job) => {
    const pushed = await world.pushImage({ name: `app-${(count += 1)}` });
    await world.sign(pushed, { job });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toContain('GATE_SIGNER_UNTRUSTED');
    expect(reasonsOf(result).find(({ code }) => code === 'GATE_SIGNER_UNTRUSTED')?.message).toContain('ATTESTATION_SIGNER_UNKNOWN');
  });

  test('a platform without scan', async () => {
    const pushed = await signed();
    const quarantine = world.asAdministrator(pushed.image.repository);
    const platform = pushed.platforms[1]?.manifest.digest ?? pushed.image.digest;
    for (const { digest, annotations } of await quarantine.listReferrers(platform)) {
      if (annotations?.['dev.sigstore.bundle.predicateType'] === predicateTypes.scan) await quarantine.deleteManifest(digest);
    }
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_PLATFORM_UNSCANNED']);
    expect(reasonsOf(result)[0]).toMatchObject({ subject: platform });
  });

  test('evidence that was never signed does not count, and what is signed must be all', async () => {
    const pushed = await world.pushImage({ name: `app-${(count += 1)}` });
    await world.sign(pushed, { given: { predicates: 'signature\nprovenance\nscan' } });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_EVIDENCE_MISSING']);
  });

  test('a database that was old when it was used', async () => {
    const pushed = await signed({ databaseHours: 49 });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_DATABASE_STALE']);
  });

  test('one job that did everything', async () => {
    const pushed = await signed({ change: (evidence) => ({ ...evidence, build: { ...evidence.build, isolation: 'none' }, scans: evidence.scans.map((scan) => ({ ...scan, run: { ...scan.run, isolation: 'none' } })) }) });
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_ISOLATION_MISSING']);
  });

  test('a scan of yesterday; a new scan heals', async () => {
    const name = `app-${(count += 1)}`;
    const pushed = await signed({ name });
    world.advance(25);
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(codesOf(result)).toEqual(['GATE_SCAN_STALE']);
    const again = await signed({ name, version: '1.2.1' });
    expect((await world.judge(again)).outputs.tags).toBe('1.2.1\n1.2\n1\nlatest');
  });

  test('a refusal is renewed, not piled up', async () => {
    const pushed = await signed({ findings: ['CVE-2021-44906'] });
    await world.judge(pushed);
    const quarantine = await quarantineOf(pushed);
    const before = await digestsOf(quarantine, pushed.image.digest);
    const result = await world.judge(pushed);
    await expectRefused(pushed, result);
    expect(await digestsOf(quarantine, pushed.image.digest)).toHaveLength(before.length);
  });
});
