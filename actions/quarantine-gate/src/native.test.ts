// SPDX-License-Identifier: Apache-2.0
// The real steps on a registry with the quarantine policy: what is held, what the gate releases in which order, and what others' marks are worth.
import { formatImage, predicateTypes, type Digest, type Failure } from '@pratique/core';
import { labClients, type Assignment } from '@pratique/lab';
import { buildManifest, emptyBlob, mediaTypes, streamOf, type Repository } from '@pratique/oci';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openGateWorld, type GateWorld, type PushOptions, type QuarantinedImage } from '../../../test/fixtures/gate-world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const role = (client: keyof typeof labClients, ...names: string[]): Assignment[] => names.map((one) => ({ principal: labClients[client].objectId, role: one }));
const assignments: readonly Assignment[] = [
  ...role('builder', 'Repository Writer', 'AcrQuarantineReader'), ...role('gate', 'Repository Contributor', 'AcrQuarantineWriter'), ...role('cluster', 'Repository Reader'),
];

let world: GateWorld;
let count = 0;
beforeAll(async () => {
  world = await openGateWorld({ assignments });
  world.lab.acr.settings.accounts.push({ username: 'node', password: 'node-lab-secret', principal: labClients.cluster.objectId });
});
beforeEach(() => {
  Object.assign(world.lab.acr.settings.quarantine, { enabled: true, repushHolds: false });
  world.lab.acr.faults.clear();
  world.configure();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Signed, held in the repository where it will be released. */
async function held(options: Partial<PushOptions> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name: `native-${(count += 1)}`, platforms: ['linux/amd64', 'linux/arm64'], ...options });
  await world.sign(pushed);
  return { ...pushed, release: { registry: pushed.image.registry, repository: pushed.image.repository } };
}

const judge = (pushed: QuarantinedImage, given: Readonly<Record<string, string>> = {}) => world.judge(pushed, { given: { quarantine: 'acr-native', ...given } });
const cluster = ({ image }: QuarantinedImage): Repository => world.as('node', 'node-lab-secret', image.repository);
const stateOf = async ({ image }: QuarantinedImage, digest: Digest): Promise<string> => (await (await world.registry('gate')).quarantine.state(image.repository, digest)).state;
const failureOf = (work: Promise<unknown>): Promise<Failure> => work.then(() => Promise.reject(new Error('it passed')), (thrown: Failure) => thrown);

/** Digests in the order in which they were marked, while `work` runs. */
async function marksDuring(work: () => Promise<unknown>): Promise<Digest[]> {
  const marked: Digest[] = [];
  world.lab.intercept('acr', async (request) => {
    const digest = /_manifests\/(sha256:[0-9a-f]{64})$/.exec(decodeURIComponent(new URL(request.url).pathname))?.[1];
    if (request.method === 'PATCH' && digest !== undefined && (await request.clone().text()).includes('quarantineState')) marked.push(digest as Digest);
    return undefined;
  });
  try {
    await work();
  } finally {
    world.lab.intercept('acr');
  }
  return marked;
}

describe('an image with all evidence', () => {
  test('is nobody\'s before the gate, and everybody\'s after it: children and evidence first, the index last, then tags', async () => {
    const pushed = await held();
    expect(await failureOf(cluster(pushed).readManifest(pushed.image.digest))).toMatchObject({ code: 'ACR_QUARANTINED' });
    let result: Awaited<ReturnType<typeof judge>> | undefined;
    const marked = await marksDuring(async () => (result = await judge(pushed)));
    expect(result?.outputs).toMatchObject({ verdict: 'passed', image: formatImage(pushed.image), tags: '1.2.0\n1.2\n1\nlatest' });
    const children = pushed.platforms.map(({ manifest }) => manifest.digest);
    expect(marked.slice(-2)).toEqual([result?.outputs.attestation, pushed.image.digest]);
    expect(marked).toEqual(expect.arrayContaining(children));
    const seen = cluster(pushed);
    for (const tag of ['1.2.0', 'latest']) expect((await seen.resolve(tag))?.digest).toBe(pushed.image.digest);
    for (const digest of [...children, ...marked]) expect((await seen.readManifest(digest)).descriptor.digest).toBe(digest);
    expect((await world.verdictOn(pushed)).verdict).toMatchObject({ result: 'PASSED', channel: 'release' });
    // The unsigned evidence of the build is no part of the verdict and stays held.
    expect(await failureOf(seen.readManifest(pushed.evidence.digest))).toMatchObject({ code: 'ACR_QUARANTINED' });
    expect(await stateOf(pushed, pushed.image.digest)).toBe('Passed');
  });

  test('judged again is not marked again, and has the same tags', async () => {
    const pushed = await held();
    await judge(pushed);
    const marked = await marksDuring(() => judge(pushed));
    expect(marked).not.toContain(pushed.image.digest);
    expect((await cluster(pushed).resolve('1.2.0'))?.digest).toBe(pushed.image.digest);
  });

  test('killed between two marks goes on where it ended, and no tag was there before', async () => {
    const pushed = await held();
    world.lab.acr.faults.add({ method: 'PATCH', path: `/_manifests/${pushed.image.digest}`, times: 99, action: { kind: 'status', status: 500 } });
    expect(await failureOf(judge(pushed))).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(await stateOf(pushed, pushed.image.digest)).toBe('pending');
    expect(await cluster(pushed).listTags()).toEqual([]);
    world.lab.acr.faults.clear();
    const marked = await marksDuring(() => judge(pushed));
    // The new verdict and the index; everything else bears our mark.
    expect([marked.length, marked.at(-1)]).toEqual([2, pushed.image.digest]);
    expect((await cluster(pushed).resolve('latest'))?.digest).toBe(pushed.image.digest);
  });

  test('has its tags also where a push by tag is held anew', async () => {
    world.lab.acr.settings.quarantine.repushHolds = true;
    const pushed = await held();
    expect((await judge(pushed)).outputs.tags).toBe('1.2.0\n1.2\n1\nlatest');
    for (const tag of ['1.2.0', 'latest']) expect((await cluster(pushed).resolve(tag))?.digest).toBe(pushed.image.digest);
  });

  test('is no release when a mark is not read back', async () => {
    const pushed = await held();
    world.lab.acr.faults.add({ method: 'PATCH', path: `/_manifests/${pushed.image.digest}`, times: 99, action: { kind: 'status', status: 200 } });
    expect(await failureOf(judge(pushed))).toMatchObject({ code: 'GATE_PROMOTION_MISMATCH' });
    expect(await cluster(pushed).listTags()).toEqual([]);
  });
});

describe('a refusal', () => {
  test('marks the image Failed, can be read by all, and gives no tag', async () => {
    const pushed = await held({ findings: ['CVE-2021-23337'] });
    const { outputs, refusal } = await judge(pushed);
    expect([refusal?.code, outputs.code]).toEqual(['GATE_REFUSED', 'GATE_FINDING_DENIED']);
    expect(await stateOf(pushed, pushed.image.digest)).toBe('Failed');
    expect(await cluster(pushed).listTags()).toEqual([]);
    expect(await failureOf(cluster(pushed).readManifest(pushed.image.digest))).toMatchObject({ code: 'ACR_QUARANTINED' });
    const { attestation = '' } = outputs;
    await expect(cluster(pushed).readManifest(attestation)).resolves.toBeDefined();
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_REFUSED' });
  });
});

describe('marks of others', () => {
  const mark = async ({ image }: QuarantinedImage, quarantineState: string, scanner: string): Promise<void> => {
    const { oci } = await world.registry('gate');
    await oci.request({ method: 'PATCH', path: `/acr/v1/${image.repository}/_manifests/${image.digest}`, scopes: [`repository:${image.repository}:metadata_write`], body: JSON.stringify({ quarantineState, quarantineDetails: JSON.stringify({ scanner }) }) });
  };

  test('Passed is no proof: no verdict holds, and the gate refuses all the same, and says so', async () => {
    const pushed = await held({ findings: ['CVE-2021-23337'] });
    await mark(pushed, 'Passed', 'qualys');
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_MISSING' });
    const before = world.lines.length;
    expect((await judge(pushed)).refusal?.code).toBe('GATE_REFUSED');
    expect(world.lines.slice(before).join('\n')).toMatch(/ACR_QUARANTINE_NOT_ISOLATED[^]*marked Passed by qualys/);
  });

  test('Passed with our name is no proof either', async () => {
    const pushed = await held();
    await mark(pushed, 'Passed', 'pratique');
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_MISSING' });
  });

  test('Failed is not overruled', async () => {
    const pushed = await held();
    await mark(pushed, 'Failed', 'other-scanner');
    expect(await failureOf(judge(pushed))).toMatchObject({ code: 'ACR_QUARANTINED', message: expect.stringContaining('marked Failed by other-scanner') });
    expect(await stateOf(pushed, pushed.image.digest)).toBe('Failed');
  });
});

describe('a reader without a role of quarantine', () => {
  const plant = async ({ image }: QuarantinedImage, predicateType: string): Promise<void> => {
    const repository = await world.repository('builder', image.repository);
    const { mediaType, digest, size } = (await repository.readManifest(image.digest)).descriptor;
    await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
    await repository.writeManifest(buildManifest({
      schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', config: emptyBlob.descriptor, layers: [emptyBlob.descriptor],
      subject: { mediaType, digest, size }, annotations: { 'dev.sigstore.bundle.predicateType': predicateType },
    }));
  };

  test('believes the released verdict and passes over what is held beside it, but not over what may be a later verdict', async () => {
    const pushed = await held();
    await judge(pushed);
    await plant(pushed, predicateTypes.scan);
    expect((await world.verdictOn(pushed, { reader: cluster(pushed) })).verdict.result).toBe('PASSED');
    await plant(pushed, predicateTypes.verdict);
    await expect(world.verdictOn(pushed, { reader: cluster(pushed) })).rejects.toMatchObject({ code: 'ACR_QUARANTINED' });
    expect((await world.verdictOn(pushed)).verdict.result).toBe('PASSED');
  });
});

test('a gate without AcrQuarantineWriter releases nothing and is told the role', async () => {
  const pushed = await held();
  const { assignments: now } = world.lab.acr.settings;
  const writer = now.splice(now.findIndex((one) => one.role === 'AcrQuarantineWriter'), 1, ...role('gate', 'AcrQuarantineReader'));
  try {
    expect(await failureOf(judge(pushed))).toMatchObject({ code: 'ACR_ROLE_MISSING', hint: expect.stringContaining('--role AcrQuarantineWriter') });
    expect(await cluster(pushed).listTags()).toEqual([]);
  } finally {
    now.push(...writer);
  }
});

describe('inputs that contradict each other', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    ['acr-native with another repository', { quarantine: 'acr-native', release: 'RELEASES' }, /stays where it is/],
    ['none for a release', { quarantine: 'none' }, /none never yields a release/],
    ['none with another repository', { quarantine: 'none', channel: 'preview', release: 'RELEASES' }, /stays where it is/],
    ['repository with the same one', { quarantine: 'repository' }, /names the repository in which the image waits/],
    ['retention without a quarantine repository', { quarantine: 'acr-native', 'quarantine-retention-days': '7' }, /there is none/],
  ])('%s', async (_, given, message) => {
    const pushed = await world.pushImage({ name: `inputs-${(count += 1)}` });
    const at = `${pushed.image.registry}/${pushed.image.repository}`;
    const failure = await failureOf(world.judge(pushed, { given: { ...given, release: given['release'] === undefined ? at : `${pushed.image.registry}/acme/other` } }));
    expect(failure).toMatchObject({ code: 'INPUT_INVALID', exitStatus: 2, message: expect.stringMatching(message) });
  });
});

describe('none', () => {
  beforeEach(() => void (world.lab.acr.settings.quarantine.enabled = false));
  const tryOut = (pushed: QuarantinedImage) => world.judge(pushed, { given: { quarantine: 'none', channel: 'preview' } });

  test('writes tags in the final repository, and its verdict counts for previews only', async () => {
    const pushed = await held();
    const { outputs } = await tryOut(pushed);
    expect(outputs).toMatchObject({ verdict: 'passed', tags: '1.2.0\n1.2\n1\nlatest' });
    expect((await cluster(pushed).resolve('latest'))?.digest).toBe(pushed.image.digest);
    expect((await world.verdictOn(pushed, { channel: 'preview' })).verdict.channel).toBe('preview');
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_CHANNEL' });
  });

  test('gives a refused image no tag', async () => {
    const pushed = await held({ findings: ['CVE-2021-23337'] });
    expect((await tryOut(pushed)).refusal?.code).toBe('GATE_REFUSED');
    expect(await cluster(pushed).listTags()).toEqual([]);
  });

  test('does not touch the tags of releases', async () => {
    world.lab.acr.settings.quarantine.enabled = true;
    const name = `mixed-${(count += 1)}`;
    const released = await held({ name, version: '1.2.0' });
    await judge(released);
    world.lab.acr.settings.quarantine.enabled = false;
    const pushed = await held({ name, version: '1.3.0' });
    expect(await failureOf(tryOut(pushed))).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('names a release') });
    expect((await cluster(pushed).resolve('latest'))?.digest).toBe(released.image.digest);
  });
});
