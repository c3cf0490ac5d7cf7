// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClaims, verifyToken } from '../identity-token.ts';
import type { JobRequest } from '../runner/run.ts';
import { createGitHub, type GitHub } from './github.ts';
import type { LabRepository } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'github-'));
const path = join(folder, 'app.git');
const url = 'https://127.0.0.1:1';
const repository: LabRepository = { owner: 'acme', ownerId: 1001, name: 'app', id: 2002, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path };
let github: GitHub;
let commits: { first: string; second: string; branch: string };

const git = (args: string[], input = ''): string =>
  execFileSync('git', ['--git-dir', path, ...args], { input, env: { PATH: process.env['PATH'], GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@acme.test', GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@acme.test', GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z', GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z' } }).toString().trim();
const blob = (content: string): string => git(['hash-object', '-w', '--stdin'], content);
const tree = (entries: readonly string[]): string => git(['mktree'], `${entries.join('\n')}\n`);

beforeAll(async () => {
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path]);
  const inner = tree([`100644 blob ${blob('rules: []\n')}\tpolicy.yaml`]);
  const first = git(['commit-tree', tree([`100644 blob ${blob('hello\n')}\tREADME.md`, `040000 tree ${inner}\t.pratique`]), '-m', 'First']);
  const second = git(['commit-tree', tree([`100644 blob ${blob('hello again\n')}\tREADME.md`, `040000 tree ${inner}\t.pratique`]), '-p', first, '-m', 'Second']);
  const branch = git(['commit-tree', tree([`100644 blob ${blob('proposal\n')}\tREADME.md`]), '-p', second, '-m', 'Propose']);
  git(['update-ref', 'refs/heads/main', second]);
  git(['update-ref', 'refs/heads/feature/x', branch]);
  commits = { first, second, branch };
  github = await createGitHub({ folder, url, repositories: [repository], users: [{ login: 'ann', id: 7, email: 'ann@acme.test' }] });
  github.setPullRequest({
    repository: 'acme/app', number: 12, title: 'Propose', author: 'ann', state: 'open', head: { ref: 'feature/x', sha: branch, repository: 'acme/app' }, base: { ref: 'main', sha: second },
    reviews: [{ id: 5, author: 'bob', state: 'APPROVED', commit: branch, submittedAt: '2026-01-02T00:00:00Z' }],
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const job = (changes: Partial<JobRequest> = {}): JobRequest => ({
  repository: 'acme/app', ref: 'refs/heads/main', sha: commits.second, event: 'push', workflowFile: '.github/workflows/release.yml', workflowName: 'release', jobWorkflowFile: '.github/workflows/gate.yml',
  job: 'gate', runId: '77', runAttempt: 2, actor: 'ann', permissions: { 'id-token': 'write' }, ...changes,
});
const handle = (input: string | URL | Request, init?: RequestInit): Promise<Response> => github.handle(new Request(input, init));
const get = async (route: string, token?: string): Promise<{ status: number; body: unknown; headers: Headers }> => {
  const reply = await handle(`${github.apiUrl}${route}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  return { status: reply.status, body: await reply.json(), headers: reply.headers };
};
const identityToken = async (request: JobRequest, audience = 'sigstore'): Promise<string> => {
  const { requestUrl, requestToken } = await github.issueJob(request);
  const reply = await handle(`${requestUrl ?? ''}&audience=${audience}`, { headers: { authorization: `bearer ${requestToken ?? ''}` } });
  return (await reply.json() as { value: string }).value;
};

describe('ID tokens', () => {
  test('verify through discovery and carry every claim', async () => {
    const checked = await verifyToken({ token: await identityToken(job()), issuers: [github.issuer], audience: 'sigstore', now: new Date(), fetch: handle });
    expect(checked).toMatchObject({
      claims: {
        iss: `${url}/_oidc`, sub: 'repo:acme/app:ref:refs/heads/main', aud: 'sigstore', repository: 'acme/app', repository_id: '2002', repository_owner: 'acme', repository_owner_id: '1001',
        repository_visibility: 'private', ref: 'refs/heads/main', ref_type: 'branch', ref_protected: 'true', sha: commits.second, workflow: 'release', workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
        job_workflow_ref: 'acme/app/.github/workflows/gate.yml@refs/heads/main', event_name: 'push', run_id: '77', run_attempt: '2', runner_environment: 'github-hosted', actor: 'ann', actor_id: '7',
      },
    });
  });

  test.each([
    ['environment', { environment: 'production' }, 'repo:acme/app:environment:production'],
    ['pull request', { event: 'pull_request', ref: 'refs/pull/12/merge' }, 'repo:acme/app:pull_request'],
    ['tag', { ref: 'refs/tags/v1' }, 'repo:acme/app:ref:refs/tags/v1'],
  ])('subject of %s', async (_, changes, sub) => {
    expect(readClaims(await identityToken(job(changes)))).toMatchObject({ sub });
  });

  test('immutable subjects name the ids; pull requests name both branches', async () => {
    const other = await createGitHub({ folder: join(folder, 'immutable'), url, repositories: [repository], subjectFormat: 'immutable' });
    const { requestUrl, requestToken } = await other.issueJob(job());
    const reply = await other.handle(new Request(`${requestUrl ?? ''}&audience=x`, { headers: { authorization: `bearer ${requestToken ?? ''}` } }));
    expect(readClaims((await reply.json() as { value: string }).value)).toMatchObject({ sub: 'repo:acme@1001/app@2002:ref:refs/heads/main' });
    expect(readClaims(await identityToken(job({ event: 'pull_request', ref: 'refs/pull/12/merge' })))).toMatchObject({ head_ref: 'feature/x', base_ref: 'main' });
  });

  test('without id-token: write there is no request URL, and a wrong request token gets nothing', async () => {
    expect(await github.issueJob(job({ permissions: {} }))).not.toHaveProperty('requestUrl');
    expect((await handle(`${github.issuer}/token?audience=x`, { headers: { authorization: 'bearer nonsense' } })).status).toBe(401);
  });
});

describe('REST', () => {
  const all = { contents: 'read', 'pull-requests': 'read' };
  const token = async (permissions: Record<string, string> = all): Promise<string> => (await github.issueJob(job({ permissions }))).githubToken;

  const answers: ReadonlyArray<readonly [string, () => object]> = [
    ['/repos/acme/app', () => ({ id: 2002, default_branch: 'main', private: true, owner: { id: 1001 } })],
    ['/repos/acme/app/branches/main', () => ({ protected: true, commit: { sha: commits.second } })],
    ['/repos/acme/app/branches/feature/x', () => ({ protected: false, commit: { sha: commits.branch } })],
    ['/repos/acme/app/contents/README.md', () => ({ type: 'file', encoding: 'base64', content: Buffer.from('hello again\n').toString('base64') })],
    ['/repos/acme/app/contents/.pratique?ref=main', () => [{ type: 'file', path: '.pratique/policy.yaml', size: 10 }]],
    ['/repos/acme/app/contents?ref=feature/x', () => [{ name: 'README.md' }]],
    ['/repos/acme/app/commits?path=.pratique&sha=main', () => [{ author: { login: 'ann' }, commit: { message: 'First' } }]],
    ['/repos/acme/app/commits?per_page=1&page=2', () => [{ commit: { message: 'First' } }]],
    ['/repos/acme/app/commits/main', () => ({ sha: commits.second, parents: [{ sha: commits.first }] })],
    ['/repos/acme/app/pulls/12', () => ({ state: 'open', head: { sha: commits.branch, repo: { fork: false } }, merge_commit_sha: null })],
    ['/repos/acme/app/pulls/12/reviews', () => [{ user: { login: 'bob' }, state: 'APPROVED', commit_id: commits.branch }]],
  ];
  test.each(answers)('GET %s', async (route, expected) => {
    const reply = await get(route, await token());
    expect(reply).toMatchObject({ status: 200, body: expected() });
    expect(reply.headers.get('x-ratelimit-limit')).toBe('5000');
  });

  test('a ref reads the file as it was; raw gives bytes', async () => {
    expect((await get(`/repos/acme/app/contents/README.md?ref=${commits.first}`, await token())).body).toMatchObject({ content: Buffer.from('hello\n').toString('base64') });
    const raw = await handle(`${github.apiUrl}/repos/acme/app/contents/README.md`, { headers: { authorization: `token ${await token()}`, accept: 'application/vnd.github.raw+json' } });
    expect(await raw.text()).toBe('hello again\n');
  });

  test('pulls of a commit: its head and what it brings, not what was there before', async () => {
    expect((await get(`/repos/acme/app/commits/${commits.branch}/pulls`, await token())).body).toMatchObject([{ number: 12 }]);
    expect((await get(`/repos/acme/app/commits/${commits.second}/pulls`, await token())).body).toEqual([]);
  });

  test.each([
    ['contents: none', {}, '/repos/acme/app/contents/README.md', 403, 'contents=read'],
    ['pull-requests: none', { contents: 'read' }, '/repos/acme/app/pulls/12', 403, 'pull_requests=read'],
    ['file that is not there', all, '/repos/acme/app/contents/nothing', 404, null],
    ['path that looks like an option', all, '/repos/acme/app/contents/--help', 404, null],
    ['ref that looks like an option', all, '/repos/acme/app/commits?sha=--all', 404, null],
    ['other repository', all, '/repos/acme/other', 404, null],
  ])('%s is refused', async (_, permissions, route, status, accepted) => {
    const reply = await get(route, await token(permissions));
    expect([reply.status, reply.headers.get('x-accepted-github-permissions')]).toEqual([status, accepted]);
  });

  test('a private repository is hidden from others; an unknown token is 401', async () => {
    expect((await get('/repos/acme/app')).status).toBe(404);
    expect((await get('/repos/acme/app', 'ghs_unknown')).status).toBe(401);
  });

  test('tables outlive a restart', async () => {
    const again = await createGitHub({ folder, url });
    expect(again.pull('acme/app', 12)).toEqual(github.pull('acme/app', 12));
  });
});
