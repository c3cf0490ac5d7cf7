// SPDX-License-Identifier: Apache-2.0
// Where the policy comes from, and whose approval of an exception counts.
import { Failure, type FailureCode } from '@pratique/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { proveApprovals, readApprovers } from './approvals.ts';
import { loadPolicySet } from './policy-set.ts';
import { createWorld, trustText, type World } from './test-world.ts';

let world: World;
let good: string;
beforeAll(async () => {
  world = await createWorld();
  good = world.commit({ 'policy.yaml': 'isolation: any\n', 'trust.yaml': trustText });
});
beforeEach(() => { world.intercept = () => undefined; });
afterAll(() => world[Symbol.asyncDispose]());

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('it succeeded');
}

describe('a policy set', () => {
  test('comes from the default branch, at one commit, whose protection is shown', async () => {
    const set = await loadPolicySet(world.ctx, 'github://contoso/web');
    expect(set).toMatchObject({ origin: 'github', uri: `github://contoso/web/.pratique@${good}`, protection: 'branch main of contoso/web is protected', policy: { isolation: 'any', at: { file: '.pratique/policy.yaml' } }, exceptions: { exceptions: [] } });
    expect(await loadPolicySet(world.ctx, `github://contoso/web/.pratique@${good}`)).toMatchObject({ digest: set.digest, protection: `${good} is not a branch` });
  });
  test('comes from another branch, and says that nobody protects it', async () => {
    const commit = world.commit({ 'policy.yaml': 'isolation: job\n', 'exceptions.yaml': '' }, 'loose');
    const main = await loadPolicySet(world.ctx, 'github://contoso/web');
    const set = await loadPolicySet(world.ctx, 'github://contoso/web/.pratique@refs/heads/loose');
    expect(set).toMatchObject({ uri: `github://contoso/web/.pratique@${commit}`, protection: expect.stringContaining('NOT protected') });
    expect(set.digest).not.toBe(main.digest);
  });
  test('of the workspace needs no trust', async () => {
    await world.ctx.files.write('.pratique/policy.yaml', '');
    expect(await loadPolicySet(world.ctx, '.pratique')).toMatchObject({ origin: 'workspace', uri: 'workspace:.pratique', trust: { gate: [] } });
  });
  const refusals: readonly (readonly [string, string, FailureCode, string, (() => unknown)?])[] = [
    ['a repository that is not there', 'github://contoso/api', 'GITHUB_NOT_FOUND', ''],
    ['a ref that is not there', 'github://contoso/web@v9', 'GITHUB_NOT_FOUND', 'has no ref v9'],
    ['a folder without files', 'github://contoso/web/other', 'POLICY_INVALID', 'has no policy.yaml and no trust.yaml'],
    ['a workspace without files', 'nowhere', 'POLICY_INVALID', 'workspace:nowhere has no policy.yaml'],
    ['a workspace with a file of over 4 MiB', 'large', 'POLICY_INVALID', 'large/policy.yaml is larger than 4 MiB', () => world.ctx.files.write('large/policy.yaml', '#'.repeat(4 * 1024 * 1024 + 1))],
    ['a workspace with the largest file that is looked at', 'largest', 'POLICY_INVALID', 'is larger than 262144 characters', () => world.ctx.files.write('largest/policy.yaml', '#'.repeat(4 * 1024 * 1024))],
    ['a workspace with a folder in the place of a file', 'odd', 'POLICY_INVALID', 'has no policy.yaml', () => world.ctx.files.write('odd/policy.yaml/x', '')],
    ['a file with a problem', 'github://contoso/web@broken', 'POLICY_INVALID', '.pratique/policy.yaml:1:1 isolatio there is no such key; did you mean isolation?', () => world.commit({ 'policy.yaml': 'isolatio: any' }, 'broken')],
    ['a builder that may judge', 'github://contoso/web@overlap', 'POLICY_ROLES_OVERLAP', '.pratique/trust.yaml: the signer of line 2', () => world.commit({ 'trust.yaml': trustText.replaceAll('gate.yml', 'release.yml') }, 'overlap')],
    ['a registry', `oci://r.io/policy@sha256:${'0'.repeat(64)}`, 'POLICY_UNTRUSTED', 'cannot be believed yet'],
    ['another protocol', 'https://contoso.test/policy', 'INPUT_INVALID', 'is not the place of a policy'],
    ['a path that climbs', 'github://contoso/web/../api', 'INPUT_INVALID', ''],
    ['a GitHub that is down', 'github://contoso/web', 'POLICY_UNAVAILABLE', 'the policy cannot be read', () => { world.intercept = (request) => (request.url.includes('/contents/') ? new Response('{}', { status: 503 }) : undefined); }],
    ['a token that may not read', 'github://contoso/web', 'GITHUB_FORBIDDEN', '', () => { world.intercept = (request) => (request.url.includes('/contents/') ? new Response('{}', { status: 403 }) : undefined); }],
  ];
  for (const [name, source, code, message, prepare] of refusals) test(`${name} is refused with ${code}`, async () => {
    await prepare?.();
    expect(await failureOf(loadPolicySet(world.ctx, source))).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe('an approval', () => {
  const entry = (id: string, reason = 'not reachable', approver = 'bob'): string => `  - {id: ${id}, package: a, version: 1, owner: carol, reason: ${reason}, approver: ${approver}, expires: 2099-01-01}\n`;
  const stateOf = async (id: string): Promise<string> => {
    const set = await loadPolicySet(world.ctx, 'github://contoso/web');
    const found = set.exceptions.exceptions.find((one) => one.id === id);
    return found === undefined ? 'absent' : (await proveApprovals(world.ctx, set))(found);
  };
  let file = '';
  beforeEach(() => { file = 'exceptions:\n'; });
  let number = 0;
  const add = (text: string, change: Partial<Parameters<World['propose']>[0]> = {}): string => {
    file += text;
    number += 1;
    return world.propose({ number, files: { 'exceptions.yaml': file }, author: 'ann', reviews: [{ author: 'bob' }], ...change });
  };

  test('by the named approver in the merged pull request counts, also after later changes of the file', async () => {
    add(entry('CVE-1'));
    expect(await stateOf('CVE-1')).toBe('approved');
    add(entry('CVE-2'), { reviews: [] });
    world.commit({ 'exceptions.yaml': `# a comment\n${file}` });
    expect(await stateOf('CVE-1')).toBe('approved');
    expect(await stateOf('CVE-2')).toBe('unproven');
  });
  test.each<readonly [string, string, Partial<Parameters<World['propose']>[0]>]>([
    ['by nobody', entry('CVE-3'), { reviews: [] }],
    ['by the author', entry('CVE-4', 'r', 'ann'), { reviews: [{ author: 'ann' }] }],
    ['by somebody else', entry('CVE-5'), { reviews: [{ author: 'dave' }] }],
    ['taken back', entry('CVE-6'), { reviews: [{ author: 'bob' }, { author: 'bob', state: 'CHANGES_REQUESTED' }] }],
    ['dismissed', entry('CVE-7'), { reviews: [{ author: 'bob', state: 'DISMISSED' }] }],
    ['a mere comment', entry('CVE-8'), { reviews: [{ author: 'bob', state: 'COMMENTED' }] }],
    ['of an earlier head', entry('CVE-9'), { reviews: [{ author: 'bob', commit: 'b'.repeat(40) }] }],
  ])('%s does not count', async (_, text, change) => {
    add(text, change);
    expect(await stateOf(/CVE-\d+/.exec(text)?.[0] ?? '')).toBe('unproven');
  });
  test('survives a comment after it', async () => {
    add(entry('CVE-10'), { reviews: [{ author: 'Bob' }, { author: 'bob', state: 'COMMENTED' }] });
    expect(await stateOf('CVE-10')).toBe('approved');
  });
  test('does not cover what was pushed past the pull request', async () => {
    file += entry('CVE-11');
    world.commit({ 'exceptions.yaml': file });
    expect(await stateOf('CVE-11')).toBe('unproven');
  });
  test('does not cover a changed entry, nor one that was taken out and put back unreviewed', async () => {
    const before = file;
    add(entry('CVE-12'));
    expect(await stateOf('CVE-12')).toBe('approved');
    const approved = file;
    file = before + entry('CVE-12', 'something else');
    world.commit({ 'exceptions.yaml': file });
    expect(await stateOf('CVE-12')).toBe('unproven');
    file = approved;
    world.commit({ 'exceptions.yaml': file });
    expect(await stateOf('CVE-12')).toBe('unproven');
  });
  test('is not looked for further back than fifty changes', async () => {
    const head = add(entry('CVE-13'));
    const content = { type: 'file', encoding: 'base64', content: Buffer.from(file).toString('base64') };
    const answer = (commits: number) => (request: Request) => {
      if (request.url.includes('/commits?')) return Response.json(Array.from({ length: commits }, () => ({ sha: head })));
      return request.url.includes('exceptions.yaml') ? Response.json(content) : undefined;
    };
    world.intercept = answer(49);
    expect(await stateOf('CVE-13')).toBe('approved');
    world.intercept = answer(50);
    expect(await stateOf('CVE-13')).toBe('unproven');
  });
  test('in a pull request that is still open does not count', async () => {
    const head = add(entry('CVE-15'));
    expect(await stateOf('CVE-15')).toBe('approved');
    world.intercept = (request) => (request.url.includes('/pulls?') ? Response.json([{ number, state: 'open', merged_at: null, user: { login: 'ann' }, head: { sha: head } }]) : undefined);
    expect(await stateOf('CVE-15')).toBe('unproven');
  });
  test('is not asked for where the policy does not want it', async () => {
    world.commit({ 'exceptions.yaml': `exceptions:\n${entry('CVE-16')}`, 'policy.yaml': 'exceptions: {require-approval: false}' }, 'lenient');
    const set = await loadPolicySet(world.ctx, 'github://contoso/web@lenient');
    world.intercept = () => new Response('{}', { status: 403 });
    expect((await proveApprovals(world.ctx, set))(set.exceptions.exceptions[0] as never)).toBe('unproven');
  });
  test('needs the permission to read pull requests', async () => {
    add(entry('CVE-14'));
    world.intercept = (request) => (request.url.includes('/pulls') ? new Response('{}', { status: 403, headers: { 'x-accepted-github-permissions': 'pull_requests=read' } }) : undefined);
    expect(await failureOf(stateOf('CVE-14'))).toMatchObject({ code: 'GITHUB_FORBIDDEN', hint: expect.stringContaining('pull-requests: read') });
  });
  test('is unproven when the API says something else', () => {
    expect(readApprovers({ user: null, head: { sha: 'a' } }, [])).toEqual([]);
    expect(readApprovers({ user: { login: 'ann' }, head: { sha: 'a' } }, { message: 'x' })).toEqual([]);
    expect(readApprovers({ user: { login: 'ann' }, head: { sha: 'a' } }, Array.from({ length: 100 }, () => ({ user: { login: 'bob' }, state: 'APPROVED', commit_id: 'a' })))).toEqual([]);
  });
});
