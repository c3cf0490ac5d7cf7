// SPDX-License-Identifier: Apache-2.0
// Real processes that write the same tags and the same list of referrers at once; the order is forced by holding one of their requests back.
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { formatImage, type Digest } from '@pratique/core';
import type { JobRequest } from '@pratique/lab';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startProcess, type ActionProcess, type Ended, type Program } from '../../fixtures/action-process.ts';
import { openGateWorld, type GateRole, type GateWorld, type QuarantinedImage } from '../../fixtures/gate-world.ts';

let world: GateWorld;
let count = 0;
beforeAll(async () => {
  world = await openGateWorld();
});
beforeEach(() => {
  world.lab.intercept('acr');
  world.lab.acr.settings.referrers = true;
});
afterAll(() => world[Symbol.asyncDispose]());

function start(role: GateRole, pushed: QuarantinedImage, program: Program, job: Partial<JobRequest> = {}): Promise<ActionProcess> {
  return startProcess({ lab: world.lab, folder: dirname(world.lab.addresses.folder), program, job: { ...world.jobOf(role, pushed), ...job } });
}

function judge(pushed: QuarantinedImage, attempt = 1): Promise<ActionProcess> {
  const { image, release } = pushed;
  const inputs = { ...world.inputsOf('gate'), image: formatImage(image), release: `${release.registry}/${release.repository}` };
  return start('gate', pushed, { action: 'quarantine-gate', inputs }, { runAttempt: attempt });
}

interface Hold {
  /** The request came, and waits. */
  readonly reached: Promise<void>;
  /** Lets the server have it; resolves when it has done what was asked. */
  release(): Promise<void>;
}

/** Holds back the first PUT of `reference` in `repository` whose body `wanted` takes. */
function hold(repository: string, reference: string, wanted: (digest: Digest) => boolean = () => true): Hold {
  const [reached, gate, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let held = false;
  world.lab.intercept('acr', async (request, next) => {
    if (held || request.method !== 'PUT' || new URL(request.url).pathname !== `/v2/${repository}/manifests/${reference}`) return undefined;
    const body = Buffer.from(await request.arrayBuffer());
    const again = new Request(request.url, { method: 'PUT', headers: request.headers, body });
    if (held || !wanted(`sha256:${createHash('sha256').update(body).digest('hex')}`)) return next(again);
    held = true;
    reached.resolve();
    await gate.promise;
    const reply = await next(again);
    done.resolve();
    return reply;
  });
  return { reached: reached.promise, release: () => (gate.resolve(), done.promise) };
}

async function tagsOf(repository: string): Promise<Record<string, Digest | undefined>> {
  const releases = await world.repository('gate', repository);
  return Object.fromEntries(await Promise.all((await releases.listTags()).map(async (tag) => [tag, (await releases.resolve(tag))?.digest] as const)));
}

/** Signed and ready to be judged, all for one repository of releases. */
async function candidates(versions: readonly string[]): Promise<Record<string, QuarantinedImage>> {
  const name = `race-${(count += 1)}`;
  const images: Record<string, QuarantinedImage> = {};
  for (const version of versions) {
    const pushed = await world.pushImage({ name, version });
    await world.sign(pushed);
    images[version] = pushed;
  }
  return images;
}

const claimed = ({ outputs }: Ended): string[] => (outputs['tags'] ?? '').split('\n').sort();
const naming = (tags: Readonly<Record<string, Digest | undefined>>, digest: Digest): string[] => Object.entries(tags).filter(([, named]) => named === digest).map(([tag]) => tag).sort();

describe('releases at once', () => {
  const highest = { '1.1.9': { '1.1': '1.1.9' }, '1.2.1': { '1.2': '1.2.1' }, '1.3.0': { '1.3': '1.3.0', '1': '1.3.0', latest: '1.3.0' } } as const;
  const schedules: readonly (readonly [keyof typeof highest, string, readonly (keyof typeof highest)[]])[] = [
    ['1.2.1', '1.2.1', ['1.3.0']], ['1.2.1', '1.2', ['1.3.0']], ['1.2.1', '1', ['1.3.0']], ['1.2.1', 'latest', ['1.3.0']],
    ['1.3.0', '1.3.0', ['1.2.1']], ['1.3.0', '1.3', ['1.2.1']], ['1.3.0', 'latest', ['1.2.1']],
    ['1.1.9', 'latest', ['1.2.1', '1.3.0']],
  ];
  test.each(schedules)('%s waits at its tag %s while others go by', { timeout: 600_000 }, async (slow, tag, others) => {
    const images = await candidates([slow, ...others]);
    const imageOf = (version: string): QuarantinedImage => images[version] ?? (() => { throw new RangeError(version); })();
    const { digest } = imageOf(slow).image;
    const { repository } = imageOf(slow).release;
    const held = hold(repository, tag, (written) => written === digest);
    const waiting = await judge(imageOf(slow));
    await held.reached;
    const ended = await Promise.all(others.map(async (version) => (await judge(imageOf(version))).ended));
    const between = await tagsOf(repository);
    expect(ended.map(({ status }) => status)).toEqual(others.map(() => 0));
    // Whoever ended last told the truth; the tags of an earlier one may have gone on since.
    if (others.length === 1) for (const [index, version] of others.entries()) expect(ended.slice(index, index + 1).map(claimed)).toEqual([naming(between, imageOf(version).image.digest)]);
    await held.release();
    const last = await waiting.ended;
    expect(last.status === 0 ? '' : last.log).toBe('');
    const after = await tagsOf(repository);
    const wanted = Object.assign({}, ...[slow, ...others].sort().map((version) => ({ [version]: version, ...highest[version] }))) as Record<string, string>;
    expect(after).toEqual(Object.fromEntries(Object.entries(wanted).map(([name, version]) => [name, imageOf(version).image.digest])));
    expect(claimed(last)).toEqual(naming(after, digest));
  });

  test('killed after its late write took a tag from the higher release, the next attempt gives it back', { timeout: 600_000 }, async () => {
    const { '1.2.1': low, '1.3.0': high } = await candidates(['1.2.1', '1.3.0']);
    if (low === undefined || high === undefined) throw new RangeError('no images');
    const { repository } = low.release;
    const held = hold(repository, 'latest', (written) => written === low.image.digest);
    const killed = await judge(low);
    await held.reached;
    expect((await (await judge(high)).ended).status).toBe(0);
    await killed.signal('SIGKILL');
    await held.release();
    expect((await tagsOf(repository))['latest']).toBe(low.image.digest);
    expect((await (await judge(low, 2)).ended).status).toBe(0);
    expect(await tagsOf(repository)).toMatchObject({ '1.2': low.image.digest, '1.3': high.image.digest, '1': high.image.digest, latest: high.image.digest });
  });
});

test('two signers on a registry without the referrers API lose nothing of each other', { timeout: 600_000 }, async () => {
  world.lab.acr.settings.referrers = false;
  const pushed = await world.pushImage({ name: `race-${(count += 1)}` });
  const { image, evidence, root } = pushed;
  const fallback = root.digest.replace(':', '-');
  const inputs = { ...world.inputsOf('builder'), image: formatImage(image) };
  const held = hold(image.repository, fallback);
  const slow = await start('builder', pushed, { action: 'sign-and-attest', inputs: { ...inputs, evidence: formatImage({ ...image, digest: evidence.digest }) } });
  await held.reached;
  // Another workflow, which replaces nothing of the first. It writes the list that the first has read already.
  const quick = await start('builder', pushed, { action: 'sign-and-attest', inputs }, { runId: '99', jobWorkflowFile: '.github/workflows/other.yml' });
  const quarantine = await world.repository('gate', image.repository);
  while ((await quarantine.listReferrers(root.digest)).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  await held.release();
  const ended = await Promise.all([slow.ended, quick.ended]);
  expect(ended.map(({ status, outputs }) => [status, outputs['count']])).toEqual([[0, '7'], [0, '2']]);
  const written = ended.flatMap(({ outputs }) => (JSON.parse(outputs['attestations'] ?? '[]') as { subject: string; attestation: string }[]).filter(({ subject }) => subject === root.digest).map(({ attestation }) => attestation));
  expect((await quarantine.listReferrers(root.digest)).map(({ digest }) => digest).sort()).toEqual([...written, evidence.digest].sort());
});
