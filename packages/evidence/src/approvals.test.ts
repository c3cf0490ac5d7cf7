// SPDX-License-Identifier: Apache-2.0
// Whose review counts as the approval of an exception, for histories and reviews as GitHub's API may tell them.
import { Failure, type GitHubReply } from '@pratique/core';
import { parseExceptions, parsePolicy, parseTrust } from '@pratique/policy';
import { describe, expect, test } from 'vitest';
import { proveApprovals, readApprovers } from './approvals.ts';
import type { PolicySet } from './policy-set.ts';

const entry = (id: string, change = ''): string => `  - {id: ${id}, package: a, version: 1, owner: carol, reason: none${change}, approver: bob, expires: 2099-01-01}\n`;
const fileOf = (...entries: string[]): string => `exceptions:\n${entries.join('')}`;
const pull = (number: unknown, other: object = {}): object => ({ number, user: { login: 'ann' }, head: { sha: `head${String(number)}` }, merged_at: '2026-11-01T00:00:00Z', ...other });
const review = (login: string, state: string, commit = 'head1'): object => ({ user: { login }, state, commit_id: commit });

/** A repository: commits that changed the file, newest first, each with its content; pull requests by commit; reviews by number. */
interface Told {
  readonly history: readonly (readonly [sha: unknown, file: string | undefined])[];
  readonly pulls?: Readonly<Record<string, unknown>>;
  readonly reviews?: Readonly<Record<string, unknown>>;
}

const approved: Told = { history: [['c1', fileOf(entry('CVE-1'))]], pulls: { c1: [pull(1)] }, reviews: { 1: [review('bob', 'APPROVED')] } };

function githubOf({ history, pulls = {}, reviews = {} }: Told) {
  const asked: string[] = [];
  const reply = (status: number, data: unknown): GitHubReply => ({ status, data, headers: {} });
  const request = async (route: string, given: Readonly<Record<string, unknown>>, accept: readonly number[] = []): Promise<GitHubReply> => {
    asked.push(`${route.split('/').at(-1)} ${JSON.stringify(given)}`);
    if (given['owner'] !== 'contoso' || given['repo'] !== 'web') throw new Error(`${route} of another repository`);
    if (route.endsWith('/commits')) return reply(200, history.map(([sha]) => ({ sha })));
    if (route.endsWith('/reviews')) return reply(200, reviews[String(given['pull_number'])]);
    if (route.endsWith('/pulls')) {
      const found = pulls[String(given['commit_sha'])];
      if (typeof found !== 'number') return reply(200, found);
      if (!accept.includes(found)) throw new Failure({ code: 'GITHUB_NOT_FOUND', message: 'no such commit' });
      return reply(found, [pull(1)]);
    }
    const file = history.find(([sha]) => sha === given['ref'])?.[1];
    return file === undefined ? reply(404, {}) : reply(200, { type: 'file', encoding: 'base64', content: Buffer.from(file).toString('base64') });
  };
  return { asked, github: { request } };
}

function setOf(file: string, other: Partial<PolicySet> = {}): PolicySet {
  const pinned = { owner: 'contoso', repository: 'web', folder: '.pratique', commit: 'pinned', protection: '' };
  return { policy: parsePolicy(''), trust: parseTrust(''), exceptions: parseExceptions(file), uri: 'u', digest: `sha256:${'0'.repeat(64)}`, origin: 'github', pinned, ...other };
}

async function stateIn(told: Told, file = told.history[0]?.[1] ?? ''): Promise<string> {
  const set = setOf(file);
  const [first] = set.exceptions.exceptions;
  if (first === undefined) throw new Error('a test needs an entry');
  return (await proveApprovals(githubOf(told), set))(first);
}

describe('an entry', () => {
  const one = fileOf(entry('CVE-1'));
  const two = fileOf(entry('CVE-2'), entry('CVE-1'));
  const cases: readonly (readonly [string, Told, 'approved' | 'unproven'])[] = [
    ['whose pull request its approver approved', approved, 'approved'],
    ['that stands elsewhere in the file since', { ...approved, history: [['c2', two], ['c1', one]] }, 'approved'],
    ['that came into a file without it', { ...approved, history: [['c2', two], ['c1', one], ['c0', fileOf(entry('CVE-3'))]] }, 'approved'],
    ['that came with the file, which was not there', { ...approved, history: [['c1', one], ['c0', undefined]] }, 'approved'],
    ['that came into a file that was broken', { ...approved, history: [['c1', one], ['c0', 'exceptions: 3']] }, 'approved'],
    ['that came with a change that nobody approved', { ...approved, history: [['c1', one], ['c0', ''], ['c1', one]], pulls: { c1: [] } }, 'unproven'],
    ['of which an earlier, other text was approved', { ...approved, history: [['c2', one], ['c1', fileOf(entry('CVE-1', ' yet'))]] }, 'unproven'],
    ['that was taken out, and put back unseen', { ...approved, history: [['c3', one], ['c2', ''], ['c1', one]] }, 'unproven'],
    ['that is not in the newest change', { ...approved, history: [['c2', ''], ['c1', one]] }, 'unproven'],
    ['of a file without history', { ...approved, history: [] }, 'unproven'],
    ['after more than four changes', { ...approved, history: [...['c6', 'c5', 'c4', 'c3', 'c2'].map((sha) => [sha, two] as const), ['c1', one]] }, 'approved'],
    ['that is older than four changes, and was put back', { ...approved, history: [...['c6', 'c5', 'c4', 'c3', 'c2'].map((sha) => [sha, two] as const), ['c0', ''], ['c1', one]] }, 'unproven'],
    ['that is older than 49 changes', { ...approved, history: [...Array.from({ length: 49 }, (_, index) => [`d${index}`, one] as const), ['c1', one]] }, 'unproven'],
    ['that is older than 48 changes', { ...approved, history: [...Array.from({ length: 48 }, (_, index) => [`d${index}`, one] as const), ['c1', one]] }, 'approved'],
    ['beside what is no commit', { ...approved, history: [[3, one], ['c1', one]] }, 'approved'],
    ['whose history names no commits', { ...approved, history: [[3, one]] }, 'unproven'],
    ['of a pull request that is not merged', { ...approved, pulls: { c1: [pull(1, { merged_at: null })] } }, 'unproven'],
    ['of a pull request beside one that is not merged', { ...approved, pulls: { c1: [pull(2, { merged_at: null }), pull(1)] } }, 'approved'],
    ['of a pull request without number', { ...approved, pulls: { c1: [pull('1')] } }, 'unproven'],
    ['of what is no list of pull requests', { ...approved, pulls: { c1: { merged_at: 'x' } } }, 'unproven'],
    ['of a commit that GitHub does not know', { ...approved, pulls: { c1: 404 } }, 'unproven'],
    ['of a commit of which GitHub has no pull requests', { ...approved, pulls: { c1: 422 } }, 'unproven'],
  ];
  test.each(cases)('%s is judged by that', async (_, told, state) => {
    expect(await stateIn(told, one)).toBe(state);
  });
  test('is looked for in the history of the file at the pinned commit, once for each change', async () => {
    const told = githubOf({ ...approved, history: [['c2', two], ['c1', one]], pulls: { c1: [pull(1)], c2: [pull(1)] } });
    await proveApprovals(told, setOf(two));
    expect(told.asked).toEqual([
      'commits {"owner":"contoso","repo":"web","path":".pratique/exceptions.yaml","sha":"pinned","per_page":50}',
      '{path} {"owner":"contoso","repo":"web","path":".pratique/exceptions.yaml","ref":"c2"}',
      '{path} {"owner":"contoso","repo":"web","path":".pratique/exceptions.yaml","ref":"c1"}',
      'pulls {"owner":"contoso","repo":"web","commit_sha":"c2","per_page":20}',
      'reviews {"owner":"contoso","repo":"web","pull_number":1,"per_page":100}',
      'pulls {"owner":"contoso","repo":"web","commit_sha":"c1","per_page":20}',
      'reviews {"owner":"contoso","repo":"web","pull_number":1,"per_page":100}',
    ]);
  });
  test('is not looked for further back than it was added', async () => {
    const { asked, github } = githubOf({ ...approved, history: [['c5', one], ['c4', ''], ['c3', ''], ['c2', ''], ['c1', '']] });
    await proveApprovals({ github }, setOf(one));
    expect(asked.filter((line) => line.includes('"ref"')).length).toBe(4);
  });
  test.each<readonly [string, string, Partial<PolicySet>]>([
    ['where the policy wants no approval', one, { policy: parsePolicy('exceptions: {require-approval: false}') }],
    ['of a workspace', one, { pinned: undefined as never }],
    ['of a file without entries', '', {}],
  ])('%s is asked about nowhere, and unproven', async (_, file, other) => {
    const { asked, github } = githubOf(approved);
    const state = await proveApprovals({ github }, setOf(file, other));
    expect([asked, parseExceptions(one).exceptions.map(state)]).toEqual([[], ['unproven']]);
  });
  test('whose approver is written in another case is approved', async () => {
    const file = one.replace('bob', 'Bob');
    expect(await stateIn({ ...approved, history: [['c1', file]], reviews: { 1: [review('BOB', 'APPROVED')] } }, file)).toBe('approved');
  });
  test('that is not of the set is unproven', async () => {
    expect((await proveApprovals(githubOf(approved), setOf(one)))(parseExceptions(fileOf(entry('CVE-9'))).exceptions[0] as never)).toBe('unproven');
  });
  test('cannot be judged while an old file cannot be read', async () => {
    const { github } = githubOf(approved);
    const failing = { request: async (route: string, ...rest: [Readonly<Record<string, unknown>>]) => {
      if (route.includes('/contents/')) throw new Failure({ code: 'GITHUB_FORBIDDEN', message: 'no' });
      return github.request(route, ...rest);
    } };
    await expect(proveApprovals({ github: failing }, setOf(one))).rejects.toMatchObject({ code: 'GITHUB_FORBIDDEN' });
  });
});

describe('the reviews of a pull request by ann', () => {
  const cases: readonly (readonly [string, unknown, readonly string[]])[] = [
    ['an approval', [review('Bob', 'APPROVED')], ['bob']],
    ['two approvals', [review('bob', 'APPROVED'), review('dave', 'APPROVED')], ['bob', 'dave']],
    ['the approval of the author', [review('Ann', 'APPROVED')], []],
    ['an approval before the last push', [review('bob', 'APPROVED', 'head0')], []],
    ['an approval of the last push after an earlier one', [review('bob', 'APPROVED', 'head0'), review('bob', 'APPROVED')], ['bob']],
    ['an approval of an earlier push told last', [review('bob', 'APPROVED'), review('bob', 'APPROVED', 'head0')], []],
    ['a review that asks for changes', [review('bob', 'CHANGES_REQUESTED')], []],
    ['a comment', [review('bob', 'COMMENTED')], []],
    ['an approval taken back', [review('bob', 'APPROVED'), review('bob', 'CHANGES_REQUESTED')], []],
    ['an approval that was dismissed', [review('bob', 'APPROVED'), review('bob', 'DISMISSED')], []],
    ['an approval after a refusal', [review('bob', 'CHANGES_REQUESTED'), review('bob', 'APPROVED')], ['bob']],
    ['an approval with a comment after it', [review('bob', 'APPROVED'), review('bob', 'COMMENTED')], ['bob']],
    ['an approval of somebody who is gone', [{ state: 'APPROVED', commit_id: 'head1', user: null }, 3], []],
    ['99 approvals', Array.from({ length: 99 }, () => review('bob', 'APPROVED')), ['bob']],
    ['100, of which more may follow', Array.from({ length: 100 }, () => review('bob', 'APPROVED')), []],
    ['no list', { message: 'x' }, []],
  ];
  test.each(cases)('with %s', (_, reviews, logins) => {
    expect(readApprovers(pull(1), reviews)).toEqual(logins);
  });
  test.each<readonly [string, unknown]>([['no author', pull(1, { user: null })], ['no head', pull(1, { head: null })], ['no members', 'pull']])('with %s count for nothing', (_, given) => {
    expect(readApprovers(given, [review('bob', 'APPROVED'), { state: 'APPROVED', user: { login: 'eve' } }])).toEqual([]);
  });
});
