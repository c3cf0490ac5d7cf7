// SPDX-License-Identifier: Apache-2.0
// What is made of GitHub's replies about a ref and a file.
import { Failure, type FailureCode, type GitHubReply } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { askGitHub, pinFolder, readFileAt, textOf } from './github-folder.ts';

const commit = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';
const source = { kind: 'github', owner: 'contoso', repository: 'web', folder: '.pratique' } as const;
const pinned = { owner: 'contoso', repository: 'web', folder: '.pratique', commit, protection: '' };

/** Answers by the end of the route; a status that nobody accepts is a failure, as in the real port. */
function githubOf(replies: Readonly<Record<string, readonly [number, unknown]>>) {
  const asked: string[] = [];
  const request = async (route: string, given: Readonly<Record<string, unknown>>, accept: readonly number[] = []): Promise<GitHubReply> => {
    asked.push(`${route} ${Object.values(given).join(' ')}`);
    const [status, data] = replies[route.split('/').slice(-2).join('/')] ?? [404, {}];
    if (status !== 200 && !accept.includes(status)) throw new Failure({ code: 'GITHUB_NOT_FOUND', message: `${status}` });
    return { status, data, headers: {} };
  };
  return { asked, github: { request } };
}

const whole = { '{owner}/{repo}': [200, { default_branch: 'main' }], 'commits/{ref}': [200, { sha: commit }], 'branches/{branch}': [200, { protected: true }] } as const;

describe('a ref', () => {
  test('is the default branch where none is named', async () => {
    const { asked, github } = githubOf(whole);
    expect(await pinFolder({ github }, source)).toEqual({ ...pinned, protection: 'branch main of contoso/web is protected' });
    expect(asked).toEqual(['GET /repos/{owner}/{repo} contoso web', 'GET /repos/{owner}/{repo}/commits/{ref} contoso web main', 'GET /repos/{owner}/{repo}/branches/{branch} contoso web main']);
  });
  test('is looked up as a branch by its short name', async () => {
    const { asked, github } = githubOf({ ...whole, 'branches/{branch}': [200, { protected: 'yes' }] });
    expect((await pinFolder({ github }, { ...source, ref: 'refs/heads/next' })).protection).toBe('branch next of contoso/web is NOT protected: whoever can push to it can change the policy');
    expect(asked.at(-1)).toBe('GET /repos/{owner}/{repo}/branches/{branch} contoso web next');
  });
  test('may have refs/heads/ inside its name', async () => {
    const { asked, github } = githubOf(whole);
    await pinFolder({ github }, { ...source, ref: 'x/refs/heads/next' });
    expect(asked.at(-1)).toContain(' x/refs/heads/next');
  });
  test.each<readonly [string, readonly [number, unknown]]>([['a tag', [404, {}]], ['no object', [200, 'x']]])('that is %s is no branch', async (_, reply) => {
    expect((await pinFolder(githubOf({ ...whole, 'branches/{branch}': reply }), { ...source, ref: 'v1' })).protection).toBe('v1 is not a branch');
  });
  test.each<readonly [string, readonly [number, unknown]]>([
    ['GitHub does not know', [404, { sha: commit }]], ['GitHub cannot read', [422, { sha: commit }]], ['has no commit', [200, {}]], ['has half a commit', [200, { sha: commit.slice(1) }]],
    ['has a longer commit', [200, { sha: `${commit}x` }]], ['has a commit behind something', [200, { sha: `x${commit}` }]],
  ])('that %s is refused', async (_, reply) => {
    await expect(pinFolder(githubOf({ ...whole, 'commits/{ref}': reply }), { ...source, ref: 'v1' })).rejects.toMatchObject({ code: 'GITHUB_NOT_FOUND', message: 'github://contoso/web has no ref v1' });
  });
  test('may be a commit of 64 digits', async () => {
    expect(await pinFolder(githubOf({ ...whole, 'commits/{ref}': [200, { sha: 'a'.repeat(64) }] }), source)).toMatchObject({ commit: 'a'.repeat(64) });
  });
  test('cannot be found in a repository without default branch', async () => {
    await expect(pinFolder(githubOf({ ...whole, '{owner}/{repo}': [200, {}] }), source)).rejects.toMatchObject({ code: 'GITHUB_NOT_FOUND', message: 'github://contoso/web has no default branch' });
  });
});

describe('a file', () => {
  const file = (other: object = {}): object => ({ type: 'file', encoding: 'base64', content: Buffer.from('a: 1\n').toString('base64'), ...other });
  test('is read at the pinned commit, or at another', async () => {
    const { asked, github } = githubOf({ 'contents/{path}': [200, file()] });
    expect([await readFileAt({ github }, pinned, 'policy.yaml'), await readFileAt({ github }, pinned, 'policy.yaml', 'other')]).toEqual(['a: 1\n', 'a: 1\n']);
    expect(asked).toEqual([commit, 'other'].map((at) => `GET /repos/{owner}/{repo}/contents/{path} contoso web .pratique/policy.yaml ${at}`));
  });
  test('that is not there is nothing', async () => {
    expect(await readFileAt(githubOf({ 'contents/{path}': [404, file()] }), pinned, 'policy.yaml')).toBeUndefined();
  });
  test.each<readonly [string, unknown]>([
    ['a folder', [file()]], ['a link', file({ type: 'symlink' })], ['too large', file({ encoding: 'none' })], ['without content', file({ content: undefined })],
  ])('that is %s is refused', async (_, data) => {
    await expect(readFileAt(githubOf({ 'contents/{path}': [200, data] }), pinned, 'policy.yaml')).rejects.toMatchObject({ code: 'POLICY_INVALID' });
  });
});

test.each<readonly [FailureCode, FailureCode]>([['GITHUB_UNAVAILABLE', 'POLICY_UNAVAILABLE'], ['GITHUB_FORBIDDEN', 'GITHUB_FORBIDDEN']])('%s while the policy is read ends in %s', async (thrown, code) => {
  const request = async (): Promise<GitHubReply> => { throw new Failure({ code: thrown, message: 'no', facts: { status: 503 } }); };
  await expect(askGitHub({ github: { request } }, 'GET /', {})).rejects.toMatchObject({ code, facts: { status: 503 } });
});

test('what is no failure stays what it is', async () => {
  const thrown = Object.assign(new Error('x'), { code: 'GITHUB_UNAVAILABLE' });
  await expect(askGitHub({ github: { request: async () => { throw thrown; } } }, 'GET /', {})).rejects.toBe(thrown);
});

test.each<readonly [unknown, string | undefined]>([[{ a: 'x' }, 'x'], [{ a: 1 }, undefined], ['a', undefined], [null, undefined]])('the text of %j is %s', (value, text) => {
  expect(textOf(value, 'a')).toBe(text);
});
