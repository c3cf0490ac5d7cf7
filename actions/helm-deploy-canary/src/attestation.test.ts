// SPDX-License-Identifier: Apache-2.0
// The signed record of a deployment on the lab: written by a deploy workflow, read by a second path, replaced by the next, and asked for beforehand.
import { formatImage, predicateTypes, type Context, type PinnedImage } from '@pratique/core';
import { readDeployments } from '@pratique/evidence';
import type { Cluster } from '@pratique/kube';
import { readAttestation, verifyAttestation } from '@pratique/sign';
import { parseInputs } from '@pratique/step';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleImage } from '../../../test/fixtures/debian-image.ts';
import { openGateWorld, type GateRole, type GateWorld } from '../../../test/fixtures/gate-world.ts';
import { openAdmission, type Admission } from './admission.ts';
import { attestRun, requireAttestable } from './attestation.ts';
import { inputs, type Inputs } from './inputs.ts';
import { judgedRun } from './report/sample-run.fixture.ts';
import type { RunRecord } from './run-record.ts';

const deployJob = { jobWorkflowFile: '.github/workflows/deploy.yml', workflowFile: '.github/workflows/deploy.yml' };
const good = judgedRun({ failures: 0.002, slow: 0.05 });
const bad = judgedRun({ failures: 0.03, slow: 0.06 });
let world: GateWorld;
/** On which nothing is ever written. */
let bare: PinnedImage;
beforeAll(async () => {
  world = await openGateWorld();
  bare = await released('bare');
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

interface Stage {
  readonly given: Inputs;
  readonly ctx: Context;
  readonly admission: Admission;
}

/** An image where releases stand; what is tried here asks for no verdict. */
async function released(name: string): Promise<PinnedImage> {
  const repository = world.asAdministrator(`acme/${name}`);
  const { index } = await writeSampleImage(repository);
  return { registry: repository.registry, repository: repository.name, digest: index.digest };
}

let runs = 9000;
async function stageFor(image: PinnedImage, { role = 'gate', job = {}, given = {} }: { role?: GateRole; job?: object; given?: Record<string, string> } = {}): Promise<Stage> {
  const ctx = await world.ctxFor(role, { ...deployJob, runId: String((runs += 1)), ...job });
  const values = { image: formatImage(image), chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://prometheus.test', ...world.inputsOf(role), ...given };
  const read = parseInputs(inputs, values);
  return { ctx, given: read, admission: await openAdmission(read, ctx) };
}

const cluster = { get: () => Promise.resolve({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'b7c1' } }) } as unknown as Cluster;
const write = ({ given, ctx, admission }: Stage, record: RunRecord) => attestRun({ given, ctx, admission, cluster, manifest: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop' } }] }, { ...record, image: admission.image });
const believed = ({ admission: { repository, image, trust, trustMaterial } }: Stage) => readDeployments({ repository, image, trust, trustMaterial });

describe('the record', () => {
  test('hangs on the image, verifies by itself, and says where and how it ended; the right to write there is enough', async () => {
    const stage = await stageFor(await released('recorded'), { job: { environment: 'production' }, given: { 'azure-client-id': world.lab.addresses.entra.clients.deployer.clientId } });
    await requireAttestable(stage.given, stage.ctx, stage.admission);
    const attestation = await write(stage, good);
    const { repository, image, trustMaterial } = stage.admission;
    const verified = await verifyAttestation({ bundle: await readAttestation(repository, attestation ?? image.digest), subject: image.digest, trust: trustMaterial });
    expect(verified).toMatchObject({
      predicateType: predicateTypes.deployment, signer: { identity: expect.stringContaining('/deploy.yml@') as string },
      predicate: { result: 'promoted', revision: 8, weights: { canary: 50 }, target: { cluster: { server: good.server, id: expect.stringMatching(/^sha256:/) as string }, namespace: 'web', release: 'shop' }, judge: { metrics: [{ name: 'failed requests', canary: { requests: 6320 } }, {}] } },
    });
    expect((await believed(stage)).map((one) => [one.result, one.statement.attestation])).toEqual([['promoted', attestation]]);
  });

  test('of the next run about the same release replaces it; that of a failure stays beside', async () => {
    const image = await released('replaced');
    const first = await write(await stageFor(image), good);
    const failed = await write(await stageFor(image), bad);
    const stage = await stageFor(image);
    const second = await write(stage, good);
    const elsewhere = await write(stage, { ...good, namespace: 'other' });
    expect(new Set((await believed(stage)).map(({ statement }) => statement.attestation))).toEqual(new Set([failed, second, elsewhere]));
    expect(second).not.toBe(first);
  });

  test('is written once by a run that repeats itself', async () => {
    const stage = await stageFor(await released('repeated'));
    expect(await write(stage, good)).toBe(await write(stage, good));
    expect(await believed(stage)).toHaveLength(1);
  });

  test('by another workflow is signed, told, and believed by nobody', async () => {
    const stage = await stageFor(await released('foreign'), { job: { jobWorkflowFile: '.github/workflows/other.yml' } });
    expect(await write(stage, good)).toMatch(/^sha256:/);
    expect(world.lines.some((line) => line.includes('Nobody believes the record'))).toBe(true);
    expect(await believed(stage)).toEqual([]);
  });

  test.each([['nothing was proven', { ...good, result: 'insufficient' as const }, {}], ['it failed', { ...good, result: 'failed' as const }, {}], ['attest is false', good, { attest: 'false' }]])('is not written when %s', async (_name, record, given) => {
    const stage = await stageFor(bare, { given });
    expect(await write(stage, record)).toBeUndefined();
  });
});

describe('beforehand', () => {
  const codeOf = (stage: Stage): Promise<unknown> => requireAttestable(stage.given, stage.ctx, stage.admission).then(() => 'may', (thrown: unknown) => thrown);

  test('an identity that may write is let through', async () => {
    expect(await codeOf(await stageFor(bare))).toBe('may');
  });

  test('one that may not is refused with the role that it lacks, and the way without a record; or let through without one', async () => {
    const environment = { environment: 'production' };
    const reader = { 'azure-client-id': world.lab.addresses.entra.clients.cluster.clientId };
    const refused = await codeOf(await stageFor(bare, { job: environment, given: reader }));
    expect(refused).toMatchObject({ code: 'REGISTRY_FORBIDDEN', message: expect.stringContaining('may not write there') as string, hint: expect.stringMatching(/set attest: false\.[\s\S]*"Container Registry Repository Writer"/) as string });
    expect(await codeOf(await stageFor(bare, { job: environment, given: { ...reader, attest: 'false' } }))).toBe('may');
  });

  test('where 40 referrers hang, only an identity that may replace its own is let through', async () => {
    const { given, ctx, admission } = await stageFor(bare);
    const full = { ...admission.repository, listReferrers: () => Promise.resolve(Array.from({ length: 40 }, () => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: bare.digest, size: 1 }))) };
    const writer = { ...admission.registry, canObtain: (scope: string) => Promise.resolve(!scope.endsWith(':delete')) };
    expect(await codeOf({ given, ctx, admission: { ...admission, repository: full } })).toBe('may');
    expect(await codeOf({ given, ctx, admission: { ...admission, repository: full, registry: writer } })).toMatchObject({ code: 'REGISTRY_FORBIDDEN', message: expect.stringContaining('40 referrers hang on it') as string });
  });

  test('a run that has no identity to sign with is refused', async () => {
    const stage = await stageFor(bare);
    const ctx = await world.ctxFor('gate', { ...deployJob, permissions: {} });
    expect(await codeOf({ ...stage, ctx })).toMatchObject({ code: 'IDENTITY_UNAVAILABLE', hint: expect.stringContaining('attest: false') as string });
  });
});
