// SPDX-License-Identifier: Apache-2.0
// The real step on the whole lab: versions and tags, whose policy counts, exceptions, and what the job or the identity lacks.
import { Failure, type Reason } from '@pratique/core';
import type { Repository } from '@pratique/oci';
import type { StepResult } from '@pratique/step';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openGateWorld, type GateWorld, type PushOptions, type QuarantinedImage } from '../../../test/fixtures/gate-world.ts';
import { exampleFiles } from '../../../test/fixtures/policy-repository.ts';
import type { quarantineGate } from './contract.ts';

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
  world.configure();
});
afterAll(() => world[Symbol.asyncDispose]());

const newName = (): string => `app-${(count += 1)}`;

async function signed(options: Partial<PushOptions> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name: newName(), ...options });
  await world.sign(pushed);
  return pushed;
}

async function release(name: string, version: string): Promise<QuarantinedImage & { readonly tags: string }> {
  const pushed = await signed({ name, version });
  const { outputs } = await world.judge(pushed);
  expect(outputs.verdict).toBe('passed');
  return { ...pushed, tags: outputs.tags ?? '' };
}

const releasesOf = ({ release: { repository } }: QuarantinedImage): Promise<Repository> => world.repository('gate', repository);
const reasonsOf = ({ outputs }: Result): Reason[] => JSON.parse(outputs.reasons ?? '[]') as Reason[];
const codesOf = (result: Result): string[] => [...new Set(reasonsOf(result).map(({ code }) => code))].sort();

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(() => undefined, (reason: unknown) => reason);
  if (thrown instanceof Failure) return thrown;
  throw new Error('no Failure', { cause: thrown });
}

async function namedBy(repository: Repository, tags: readonly string[]): Promise<Record<string, string | undefined>> {
  return Object.fromEntries(await Promise.all(tags.map(async (tag) => [tag, (await repository.resolve(tag))?.digest] as const)));
}

test('a version that another run took just before the lock is not told as ours', async () => {
  const pushed = await signed();
  const releases = await releasesOf(pushed);
  const other = await release(pushed.release.repository.replace('acme/', ''), '1.1.0');
  world.lab.intercept('acr', async (request) => {
    if (request.method === 'PATCH' && new URL(request.url).pathname.endsWith('/_tags/1.2.0')) await releases.tag(await releases.readManifest(other.image.digest), '1.2.0');
    return undefined;
  });
  expect(await failureOf(world.judge(pushed).finally(() => world.lab.intercept('acr')))).toMatchObject({ code: 'GATE_VERSION_TAKEN' });
});

test('the release is not where the image waits', async () => {
  const pushed = await world.pushImage({ name: newName() });
  const failure = await failureOf(world.judge(pushed, { given: { release: `${pushed.image.registry}/${pushed.image.repository}` } }));
  expect(failure).toMatchObject({ code: 'INPUT_INVALID', exitStatus: 2 });
});

describe('the version', () => {
  test.each<readonly [string, string | undefined, string | undefined, string | undefined]>([
    ['none in the image', undefined, undefined, 'GATE_VERSION_MISMATCH'],
    ['no semantic version', '1.2', undefined, 'GATE_VERSION_MISMATCH'],
    ['another one asked for', '1.2.0', '1.3.0', 'GATE_VERSION_MISMATCH'],
    ['the one that was built, with a v', '1.2.0', 'v1.2.0', undefined],
  ])('%s', async (_, version, asked, code) => {
    const pushed = await signed({ version });
    const result = await world.judge(pushed, { given: { version: asked } });
    expect(codesOf(result)).toEqual(code === undefined ? [] : [code]);
    expect(result.refusal?.code).toBe(code === undefined ? undefined : 'GATE_REFUSED');
    expect(await (await releasesOf(pushed)).listTags()).toEqual(code === undefined ? expect.arrayContaining(['1.2.0']) : []);
  });

  test('once released, names one digest for ever', async () => {
    const name = newName();
    const first = await release(name, '1.2.0');
    const second = await signed({ name, version: '1.2.0' });
    const result = await world.judge(second);
    expect(codesOf(result)).toEqual(['GATE_VERSION_TAKEN']);
    expect(result.refusal?.message).toContain(first.image.digest);
    const releases = await releasesOf(first);
    expect((await releases.resolve('1.2.0'))?.digest).toBe(first.image.digest);
    expect(await releases.resolve(second.image.digest)).toBeUndefined();
  });
});

describe('moving tags', () => {
  test('a backport moves its own line only, a prerelease none, and the next release goes on', async () => {
    const name = newName();
    const highest = await release(name, '1.2.0');
    const backport = await release(name, '1.1.9');
    expect(backport.tags).toBe('1.1.9\n1.1');
    const prerelease = await release(name, '2.0.0-rc.1');
    expect(prerelease.tags).toBe('2.0.0-rc.1');
    const releases = await releasesOf(highest);
    expect(await namedBy(releases, ['1.1', '1.2', '1', 'latest'])).toEqual({ '1.1': backport.image.digest, 1.2: highest.image.digest, 1: highest.image.digest, latest: highest.image.digest });
    const next = await release(name, '1.10.0');
    expect(next.tags).toBe('1.10.0\n1.10\n1\nlatest');
    expect((await releases.resolve('1.2'))?.digest).toBe(highest.image.digest);
  });

  test('a stray tag without verdict owns nothing', async () => {
    const name = newName();
    const first = await release(name, '1.2.0');
    const releases = await releasesOf(first);
    const [platform] = first.platforms;
    await releases.tag(await releases.readManifest(platform?.manifest.digest ?? ''), '9.9.9');
    const next = await release(name, '1.2.1');
    expect(next.tags).toBe('1.2.1\n1.2\n1\nlatest');
  });

  test('an expired verdict still owns its tags', async () => {
    const name = newName();
    const highest = await release(name, '1.2.0');
    world.advance(31 * 24);
    await expect(world.verdictOn(highest)).rejects.toMatchObject({ code: 'VERDICT_EXPIRED' });
    const backport = await release(name, '1.1.9');
    expect(backport.tags).toBe('1.1.9\n1.1');
    expect((await (await releasesOf(highest)).resolve('latest'))?.digest).toBe(highest.image.digest);
  });

  test('two releases at once end with each in its place', async () => {
    const name = newName();
    const pushed = [await signed({ name, version: '1.3.0' }), await signed({ name, version: '1.4.0' })];
    const results = await Promise.all(pushed.map((one) => world.judge(one)));
    expect(results.map(({ outputs }) => outputs.verdict)).toEqual(['passed', 'passed']);
    const [low, high] = pushed.map(({ image }) => image.digest);
    const [first] = pushed;
    if (first === undefined) throw new Error('nothing was pushed');
    expect(await namedBy(await releasesOf(first), ['1.3.0', '1.3', '1.4.0', '1.4', '1', 'latest'])).toEqual({ '1.3.0': low, 1.3: low, '1.4.0': high, 1.4: high, 1: high, latest: high });
  });

  test('are left alone when nobody wants them', async () => {
    const pushed = await signed();
    const { outputs } = await world.judge(pushed, { given: { 'moving-tags': 'false', lock: 'false' } });
    expect(outputs.tags).toBe('1.2.0');
    expect(await (await releasesOf(pushed)).listTags()).toEqual(['1.2.0']);
  });
});

describe('the policy', () => {
  async function writeWorkspace(): Promise<void> {
    const { files } = await world.ctxFor('gate');
    for (const [name, text] of Object.entries(exampleFiles(world.lab.addresses.github.issuer))) await files.write(`own/${name}`, text);
  }

  test('of the workspace decides on no release', async () => {
    await writeWorkspace();
    const pushed = await signed();
    expect(await failureOf(world.judge(pushed, { given: { policy: 'own' } }))).toMatchObject({ code: 'POLICY_UNTRUSTED', exitStatus: 3 });
    expect(await (await releasesOf(pushed)).resolve(pushed.image.digest)).toBeUndefined();
  });

  test('of the workspace may decide on a preview, which has no tags and counts for nothing else', async () => {
    await writeWorkspace();
    const pushed = await signed();
    const { outputs } = await world.judge(pushed, { given: { policy: 'own', channel: 'preview' } });
    expect(outputs).toMatchObject({ verdict: 'passed', tags: '' });
    expect(await (await releasesOf(pushed)).listTags()).toEqual([]);
    expect((await world.verdictOn(pushed, { channel: 'preview' })).verdict).toMatchObject({ result: 'PASSED', channel: 'preview' });
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_CHANNEL' });
  });

  const broken: readonly (readonly [string, Readonly<Record<string, string>>, string, RegExp])[] = [
    ['an unknown key', { 'policy.yaml': 'version: 1\nevidense:\n  require: [scan]\n' }, 'POLICY_INVALID', /\.pratique\/policy\.yaml:2.*evidense.*evidence/s],
    ['a key twice', { 'policy.yaml': 'version: 1\nisolation: job\nisolation: any\n' }, 'POLICY_INVALID', /\.pratique\/policy\.yaml:3.*isolation/s],
    ['no YAML', { 'trust.yaml': 'build: [\n' }, 'POLICY_INVALID', /\.pratique\/trust\.yaml:\d/],
    ['an exception without owner', { 'exceptions.yaml': 'version: 1\nexceptions:\n  - id: CVE-2021-23337\n    package: lodash\n    version: any\n    reason: r\n    expires: 2027-01-01\n    approver: bob\n' }, 'POLICY_INVALID', /\.pratique\/exceptions\.yaml:3.*owner/s],
  ];
  test.each(broken)('with %s is refused with file and line, and the same command passes once it is mended', async (_, files, code, message) => {
    const pushed = await signed();
    world.configure(files);
    const failure = await failureOf(world.judge(pushed));
    expect(failure).toMatchObject({ code, exitStatus: 2, hint: expect.stringContaining('pratique policy check') as string });
    expect(failure.message).toMatch(message);
    world.configure();
    expect((await world.judge(pushed)).outputs.image).toBe(`${pushed.release.registry}/${pushed.release.repository}@${pushed.image.digest}`);
  });

  test('in which the builder may also judge is refused', async () => {
    const { 'trust.yaml': trust } = exampleFiles(world.lab.addresses.github.issuer);
    world.configure({ 'trust.yaml': trust.replaceAll('gate\\.yml', 'release\\.yml') });
    expect(await failureOf(world.judge(await signed()))).toMatchObject({ code: 'POLICY_ROLES_OVERLAP' });
  });

  test('that is not there decides nothing', async () => {
    const pushed = await signed();
    expect(await failureOf(world.judge(pushed, { given: { policy: 'github://acme/app/nowhere' } }))).toMatchObject({ code: 'POLICY_INVALID' });
    expect(await failureOf(world.judge(pushed, { given: { policy: 'github://acme/app/.pratique@gone' } }))).toMatchObject({ code: 'GITHUB_NOT_FOUND' });
    expect(await failureOf(world.judge(pushed, { given: { policy: `oci://${pushed.image.registry}/policy@${pushed.image.digest}` } }))).toMatchObject({ code: 'POLICY_UNTRUSTED' });
  });
});

describe('exceptions', () => {
  const day = (days: number): string => new Date(world.now().getTime() + days * 86_400_000).toISOString().slice(0, 10);
  const exception = (expires: number): string => `version: 1\nexceptions:\n  - id: CVE-2021-23337\n    package: lodash\n    version: 4.17.20\n    owner: team-app\n    reason: the function is never called\n    added: ${day(expires < 0 ? expires - 5 : 0)}\n    expires: ${day(expires)}\n    approver: bob\n`;
  const vulnerable = (): Promise<QuarantinedImage> => signed({ findings: ['CVE-2021-23337'] });
  let number = 0;
  const propose = (expires: number, change: Partial<Parameters<GateWorld['propose']>[0]> = {}): string => world.propose({ number: (number += 1), author: 'ann', reviews: [{ author: 'bob' }], files: { 'exceptions.yaml': exception(expires) }, ...change });

  test('approved by the review of another person let a finding pass, and the verdict says so', async () => {
    propose(30);
    const pushed = await vulnerable();
    const result = await world.judge(pushed);
    expect(result.outputs.verdict).toBe('passed');
    expect(reasonsOf(result)).toMatchObject([{ code: 'GATE_FINDING_EXCEPTED', effect: 'info' }]);
    expect(result.summary).toContain('the function is never called');
    expect((await world.verdictOn(pushed)).statement.predicate).toMatchObject({ reasons: [{ code: 'GATE_FINDING_EXCEPTED' }] });
  });

  test.each<readonly [string, () => unknown, string]>([
    ['expired', () => propose(-1), 'POLICY_EXCEPTION_EXPIRED'],
    ['longer than the policy allows', () => propose(200), 'POLICY_EXCEPTION_INVALID'],
    ['without any review', () => world.configure({ 'exceptions.yaml': exception(30) }), 'POLICY_EXCEPTION_INVALID'],
    ['approved by their own author', () => propose(30, { author: 'bob' }), 'POLICY_EXCEPTION_INVALID'],
    ['of which the approver asked for changes', () => propose(30, { reviews: [{ author: 'bob', state: 'CHANGES_REQUESTED' }] }), 'POLICY_EXCEPTION_INVALID'],
    ['approved before the last push', () => propose(30, { reviews: [{ author: 'bob', commit: 'd'.repeat(40) }] }), 'POLICY_EXCEPTION_INVALID'],
  ])('%s do not count, and the same command passes with one that does', async (_, arrange, code) => {
    arrange();
    const pushed = await vulnerable();
    const result = await world.judge(pushed);
    expect(result.refusal?.code).toBe('GATE_REFUSED');
    expect(codesOf(result)).toEqual(['GATE_FINDING_DENIED', code].sort());
    expect(reasonsOf(result).filter(({ mend }) => mend.length < 10)).toEqual([]);
    // Another entry: a review counts for the change that brought what stands there.
    propose(29);
    expect((await world.judge(pushed)).outputs).toMatchObject({ verdict: 'passed', image: `${pushed.release.registry}/${pushed.release.repository}@${pushed.image.digest}` });
  });

  test('cannot be looked up without the permission: nothing is decided, and the hint names it', async () => {
    propose(30);
    const failure = await failureOf(world.judge(await vulnerable(), { job: { permissions: { contents: 'read', 'id-token': 'write' } } }));
    expect(failure).toMatchObject({ code: 'GITHUB_FORBIDDEN', exitStatus: 2 });
    expect(`${failure.message} ${failure.hint}`).toContain('pull-requests: read');
  });
});

describe('what is missing is named', () => {
  async function withGateRoles(roles: readonly { readonly role: string; readonly prefix?: string }[], work: () => Promise<void>): Promise<void> {
    const { assignments } = world.lab.acr.settings;
    const { objectId } = world.lab.addresses.entra.clients.gate;
    const kept = [...assignments];
    const own = roles.map((role) => ({ principal: objectId, ...role }));
    assignments.splice(0, kept.length, ...kept.filter(({ principal }) => principal !== objectId), ...own);
    try {
      await work();
    } finally {
      assignments.splice(0, assignments.length, ...kept);
    }
  }
  const { reader, writer } = { reader: 'Container Registry Repository Reader', writer: 'Container Registry Repository Writer' };

  test.each<readonly [string, readonly { readonly role: string; readonly prefix?: string }[], string, 'quarantine' | 'acme']>([
    ['no role at all', [], reader, 'quarantine'],
    ['Reader everywhere', [{ role: reader }], writer, 'quarantine'],
    ['Writer on quarantine only', [{ role: writer, prefix: 'quarantine/' }], reader, 'acme'],
    ['Reader on releases', [{ role: writer, prefix: 'quarantine/' }, { role: reader, prefix: 'acme/' }], writer, 'acme'],
  ])('the role of the identity: %s', async (_, roles, wanted, where) => {
    const pushed = await signed();
    await withGateRoles(roles, async () => {
      const failure = await failureOf(world.judge(pushed));
      const name = where === 'acme' ? pushed.release.repository : pushed.image.repository;
      expect(failure).toMatchObject({ code: 'ACR_ROLE_MISSING', exitStatus: 2 });
      expect(failure.hint).toContain(`az role assignment create --assignee ${world.lab.addresses.entra.clients.gate.objectId} --role "${wanted}"`);
      expect(failure.hint).toContain(`StringEqualsIgnoreCase '\\''${name}'\\''`);
    });
    expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
  });

  test('a refusal that cannot be stored is a missing role, not a silent no', async () => {
    const pushed = await signed({ findings: ['CVE-2021-23337'] });
    await withGateRoles([{ role: reader }], async () => {
      const failure = await failureOf(world.judge(pushed));
      expect(failure.code).toBe('ACR_ROLE_MISSING');
      expect(failure.hint).toContain(`--role "${writer}"`);
    });
  });

  test('the permission of the job', async () => {
    const pushed = await signed();
    const failure = await failureOf(world.judge(pushed, { job: { permissions: { contents: 'read' } } }));
    expect(failure).toMatchObject({ code: 'IDENTITY_UNAVAILABLE', exitStatus: 4 });
    expect(failure.hint).toContain('permissions: id-token: write');
  });

  test('the federated credential: a job of the build is not the gate', async () => {
    const failure = await failureOf(world.judge(await signed(), { job: { environment: 'quarantine' } }));
    expect(failure).toMatchObject({ code: 'AZURE_LOGIN_FAILED', exitStatus: 2 });
    expect(failure.hint).toContain('repo:acme/app:environment:quarantine');
  });
});
