// SPDX-License-Identifier: Apache-2.0
// The real octokit against answers as GitHub gives them.
import { Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { createGitHubApi } from './github-api.ts';

const json = (status: number, body: unknown, headers: Record<string, string> = {}) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

function open(answers: readonly (() => Response)[], token: string | undefined = 'token') {
  const seen: { url: string; authorization: string | null }[] = [];
  const waits: number[] = [];
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    seen.push({ url: String(input), authorization: new Headers(init?.headers).get('authorization') });
    const answer = answers[Math.min(seen.length, answers.length) - 1];
    return answer === undefined ? Promise.reject(new TypeError('fetch failed')) : Promise.resolve(answer());
  };
  const clock = { ...systemClock, sleep: (seconds: number) => Promise.resolve(void waits.push(seconds)) };
  const api = createGitHubApi({ env: { GITHUB_API_URL: 'https://api.github.test/v3' }, token, fetch, clock, signal: new AbortController().signal });
  return { api, seen, waits };
}

const readme = 'GET /repos/{owner}/{repo}/contents/{path}';
const parameters = { owner: 'contoso', repo: 'web', path: 'a b' };

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(() => undefined, (error: unknown) => error);
  if (thrown instanceof Failure) return thrown;
  throw new Error(`expected a Failure, got ${String(thrown)}`);
}

describe('GitHub', () => {
  test('a reply has status, data and headers; the route is filled in', async () => {
    const { api, seen } = open([() => json(200, { name: 'x' }, { etag: '"1"' })]);
    expect(await api.request(readme, parameters)).toMatchObject({ status: 200, data: { name: 'x' }, headers: { etag: '"1"' } });
    expect(seen).toEqual([{ url: 'https://api.github.test/v3/repos/contoso/web/contents/a%20b', authorization: 'token token' }]);
  });

  test.each([
    ['in the words of GitHub', { 'x-accepted-github-permissions': 'contents=read; pull_requests=write' }, 'permissions: contents: read or pull-requests: write'],
    ['by the route otherwise', {}, 'permissions: contents: read'],
  ])('a refusal names the permission %s', async (_, headers, hint) => {
    const failure = await failureOf(open([() => json(403, { message: 'Resource not accessible by integration' }, headers)]).api.request(readme, parameters));
    expect(failure.code).toBe('GITHUB_FORBIDDEN');
    expect(failure.message).toContain('Resource not accessible by integration');
    expect(failure.hint).toContain(hint);
  });

  test.each([
    ['502', () => json(502, {})],
    ['429', () => json(429, { message: 'slow down' })],
    ['a secondary rate limit', () => json(403, { message: 'You have exceeded a secondary rate limit' })],
    ['a spent rate limit', () => json(403, { message: 'no' }, { 'x-ratelimit-remaining': '0' })],
  ])('%s is asked again', async (_, first) => {
    const { api, seen } = open([first, () => json(200, {})]);
    expect((await api.request(readme, parameters)).status).toBe(200);
    expect(seen).toHaveLength(2);
  });

  test('the wait that GitHub asks for is kept', async () => {
    const { api, waits } = open([() => json(429, {}, { 'retry-after': '17' }), () => json(200, {})]);
    await api.request(readme, parameters);
    expect(waits).toEqual([17]);
  });

  test.each([
    ['404', () => json(404, { message: 'Not Found' }), 'GITHUB_NOT_FOUND', 1],
    ['422', () => json(422, { message: 'no' }), 'INTERNAL_DEFECT', 1],
    ['503 for ever', () => json(503, {}), 'GITHUB_UNAVAILABLE', 4],
  ])('%s', async (_, answer, code, calls) => {
    const { api, seen } = open([answer]);
    expect((await failureOf(api.request(readme, parameters))).code).toBe(code);
    expect(seen).toHaveLength(calls);
  });

  test('no answer at all', async () => {
    const { api, seen } = open([]);
    expect((await failureOf(api.request(readme, parameters))).code).toBe('GITHUB_UNAVAILABLE');
    expect(seen).toHaveLength(4);
  });

  test('a status that the caller accepts is a reply', async () => {
    expect((await open([() => json(404, {})]).api.request(readme, parameters, [404])).status).toBe(404);
  });

  test('without a token nothing is sent', async () => {
    const { api, seen } = open([() => json(200, {})], '');
    expect((await failureOf(api.request(readme, parameters))).code).toBe('GITHUB_FORBIDDEN');
    expect(seen).toEqual([]);
  });
});
