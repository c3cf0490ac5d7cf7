// SPDX-License-Identifier: Apache-2.0
import { Failure, predicateTypes, type JsonObject } from '@pratique/core';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { createAcrEmulator } from '@pratique/lab';
import { describe, expect, test } from 'vitest';
import { attest, type Attested } from './attest.ts';
import { readAttestation } from './referrer.ts';
import { createStatementSigner } from './signer.ts';
import type { PlannedStatement } from './statement.ts';
import { createTestWorld, type TestWorld } from '../../../test/fixtures/sign-world.ts';
import { loadTrustMaterial } from './trust.ts';
import { verifyAttestation } from './verify.ts';

interface Stage extends AsyncDisposable {
  readonly world: TestWorld;
  readonly repository: Repository;
  readonly index: Descriptor;
  readonly platforms: readonly Descriptor[];
  readonly plan: readonly PlannedStatement[];
  /** Runs `attest` as a run of the same workflow. */
  attest(options?: { claims?: JsonObject; runId?: string; plan?: readonly PlannedStatement[]; trustedRoot?: string }): Promise<readonly Attested[]>;
  referrers(): Promise<Descriptor[]>;
}

/** What stands between the code under test and the registry; `undefined` lets the request pass. */
type Fault = (request: Request) => Response | Promise<Response> | undefined;

async function createStage(fault: { current: Fault } = { current: () => undefined }, registry: { referrers?: boolean } = {}): Promise<Stage> {
  const emulator = createAcrEmulator({ storage: 'memory', anonymous: true, ...registry });
  let claims: JsonObject = {};
  const world = await createTestWorld({ claims: () => claims, hosts: { 'registry.test': async (request) => (await fault.current(request)) ?? emulator.handle(request) } });
  const repository = createRegistry({ registry: 'registry.test', ...world.ctx }).repository('quarantine/web');
  const { index, platforms } = await pushImage(repository);
  const plan = planFor(index, platforms);
  return {
    world, repository, index, platforms, plan,
    async attest(given = {}) {
      claims = given.claims ?? {};
      const trust = await loadTrustMaterial(world.ctx, given.trustedRoot ?? world.trustedRoot);
      return attest({ ctx: world.ctx, repository, plan: given.plan ?? plan, signer: () => createStatementSigner(world.ctx, world.config(2)), trust, runId: given.runId ?? '77' });
    },
    referrers: async () => (await Promise.all([index, ...platforms].map((one) => repository.listReferrers(one.digest)))).flat(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function pushImage(repository: Repository): Promise<{ index: Descriptor; platforms: Descriptor[] }> {
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const platforms = await Promise.all(['amd64', 'arm64'].map(async (architecture) => {
    const built = buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: emptyBlob.descriptor, layers: [], annotations: { architecture } });
    return { ...(await repository.writeManifest(built)), platform: { os: 'linux', architecture } };
  }));
  const index = await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: platforms }));
  return { index, platforms };
}

function planFor(index: Descriptor, platforms: readonly Descriptor[], scanner = 'trivy'): PlannedStatement[] {
  const scans = platforms.flatMap((subject) => {
    const platform = `linux/${subject.platform?.architecture}`;
    return [
      { subject, platform, predicateType: predicateTypes.scan, predicate: { platform, scanner: { name: scanner, version: '1' }, findings: [] } },
      { subject, platform, predicateType: predicateTypes.cyclonedx, predicate: { bomFormat: 'CycloneDX', components: [{ name: platform }] } },
    ];
  });
  return [{ subject: index, predicateType: predicateTypes.signature, predicate: {} }, ...scans];
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(() => 'no failure', (reason: unknown) => reason);
  return thrown instanceof Failure ? thrown.code : String(thrown);
}

const isPut = (request: Request): boolean => request.method === 'PUT' && request.url.includes('/manifests/');
const isList = (request: Request): boolean => request.url.includes('/referrers/');

describe('attest', () => {
  test('signs the whole plan with one certificate, and everything can be verified from the registry', async () => {
    await using stage = await createStage();
    const attested = await stage.attest();
    expect(attested.map(({ subject, predicateType, reused }) => ({ subject, predicateType, reused }))).toEqual(stage.plan.map((one) => ({ subject: one.subject.digest, predicateType: one.predicateType, reused: false })));
    const trust = await loadTrustMaterial(stage.world.ctx, stage.world.trustedRoot);
    const verified = await Promise.all(attested.map(async (one) => verifyAttestation({ bundle: await readAttestation(stage.repository, one.attestation), subject: one.subject, trust })));
    expect(verified.map((one) => one.predicate)).toEqual(stage.plan.map((one) => one.predicate));
    expect(stage.world.seen.filter(({ url }) => url.pathname.endsWith('/signingCert'))).toHaveLength(1);
  });

  test('writes referrer manifests as cosign 3 does', async () => {
    await using stage = await createStage();
    const [first] = await stage.attest();
    const { content } = await stage.repository.readManifest(first?.attestation ?? '');
    const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json';
    expect(content).toEqual({
      schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: bundle, config: emptyBlob.descriptor,
      layers: [{ mediaType: bundle, digest: expect.stringMatching(/^sha256:/), size: expect.any(Number) }],
      subject: { mediaType: stage.index.mediaType, digest: stage.index.digest, size: stage.index.size },
      annotations: {
        'dev.sigstore.bundle.content': 'dsse-envelope', 'dev.sigstore.bundle.predicateType': predicateTypes.signature,
        'org.opencontainers.image.created': expect.stringMatching(/^20.*Z$/), 'dev.pratique.reuse-key': expect.stringMatching(/^sha256:/),
      },
    });
  });

  test('a second attempt of the same run reuses everything and logs nothing', async () => {
    await using stage = await createStage();
    const first = await stage.attest();
    const entries = stage.world.sigstore.entries.v2;
    const second = await stage.attest({ claims: { run_attempt: '2' } });
    expect(second).toEqual(first.map((one) => ({ ...one, reused: true })));
    expect(stage.world.sigstore.entries.v2).toBe(entries);
    expect(await stage.referrers()).toHaveLength(stage.plan.length);
  });

  test('a registry without the referrers API is served by the fallback index', async () => {
    await using stage = await createStage(undefined, { referrers: false });
    await stage.attest();
    expect(await stage.referrers()).toHaveLength(stage.plan.length);
    const again = await stage.attest({ runId: '78', claims: { run_id: '78' } });
    expect((await stage.referrers()).map((one) => one.digest).sort()).toEqual(again.map((one) => one.attestation).sort());
  });

  test('a run that was killed while it wrote is healed by running it again', async () => {
    const fault: { current: Fault } = { current: () => undefined };
    await using stage = await createStage(fault);
    let puts = 0;
    fault.current = (request) => (isPut(request) && (puts += 1) > 2 ? new Response('', { status: 403 }) : undefined);
    expect(await codeOf(stage.attest())).toBe('REGISTRY_FORBIDDEN');
    expect(await stage.referrers()).toHaveLength(2);
    fault.current = () => undefined;
    const healed = await stage.attest();
    expect(healed.filter((one) => one.reused)).toHaveLength(2);
    expect(await stage.referrers()).toHaveLength(stage.plan.length);
  });

  test('another run signs anew and removes its predecessors, but neither another scanner nor what it cannot verify', async () => {
    await using stage = await createStage();
    const grype = planFor(stage.index, stage.platforms, 'grype').filter((one) => one.predicateType === predicateTypes.scan);
    const first = await stage.attest({ plan: [...stage.plan, ...grype] });
    const garbage = await stage.repository.writeManifest(buildManifest({
      schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', config: emptyBlob.descriptor,
      layers: [{ ...emptyBlob.descriptor, mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }], subject: stage.index,
    }));
    const second = await stage.attest({ runId: '78', claims: { run_id: '78' } });
    expect(second.every((one) => !one.reused)).toBe(true);
    const kept = [...second, ...first.slice(stage.plan.length)].map((one) => one.attestation);
    expect((await stage.referrers()).map((one) => one.digest).sort()).toEqual([...kept, garbage.digest].sort());
  });

  test('another workflow reuses nothing and removes nothing', async () => {
    await using stage = await createStage();
    await stage.attest();
    const others = await stage.attest({ claims: { job_workflow_ref: 'contoso/web/.github/workflows/other.yml@refs/heads/main' } });
    expect(others.every((one) => !one.reused)).toBe(true);
    expect(await stage.referrers()).toHaveLength(2 * stage.plan.length);
  });

  test('when deleting is refused the predecessor stays, with a warning', async () => {
    const fault: { current: Fault } = { current: (request) => (request.method === 'DELETE' ? Response.json({ errors: [{ code: 'DENIED', message: 'no' }] }, { status: 403 }) : undefined) };
    await using stage = await createStage(fault);
    await stage.attest();
    await stage.attest({ runId: '78', claims: { run_id: '78' } });
    expect(await stage.referrers()).toHaveLength(2 * stage.plan.length);
    expect(stage.world.lines.join('\n')).toContain('REGISTRY_FORBIDDEN');
  });

  test('waits for a registry that lists late', async () => {
    const fault: { current: Fault } = { current: () => undefined };
    await using stage = await createStage(fault);
    let lists = 0;
    fault.current = (request) => (isList(request) && (lists += 1) < 9 ? Response.json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }) : undefined);
    expect(await stage.attest()).toHaveLength(stage.plan.length);
  });

  test('a registry that never lists ends in SIGN_NOT_LISTED', async () => {
    await using stage = await createStage({ current: (request) => (isList(request) ? Response.json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] }) : undefined) });
    expect(await codeOf(stage.attest())).toBe('SIGN_NOT_LISTED');
  });

  test('a trusted root that does not fit the signing config ends in SIGN_VERIFY_FAILED', async () => {
    await using other = await createTestWorld();
    await using stage = await createStage();
    expect(await codeOf(stage.attest({ trustedRoot: other.trustedRoot }))).toBe('SIGN_VERIFY_FAILED');
  });

  test('an empty plan asks for no certificate', async () => {
    await using stage = await createStage();
    expect(await stage.attest({ plan: [] })).toEqual([]);
    expect(stage.world.seen.filter(({ url }) => url.pathname.endsWith('/signingCert'))).toHaveLength(0);
  });
});
