// SPDX-License-Identifier: Apache-2.0
// Calls to Resource Manager: token, pages, and what it refuses.
import type { Context } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectResourceManager, type ArmCall, type ResourceManager } from './arm-client.ts';
import type { AzureTokens } from './sign-in.ts';

const endpoint = 'https://management.example';
const objectId = '33333333-3333-4333-8333-333333333333';
const call: ArmCall = { method: 'GET', path: '/subscriptions/s', apiVersion: '2025-10-01', role: 'Reader', scope: "/subscriptions/o'hare" };

function connect(answer: (request: Request) => Response | Promise<Response>, signal = new AbortController().signal) {
  const [requests, audiences, waited]: [Request[], string[], number[]] = [[], [], []];
  const reach: Context['fetch'] = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request.clone());
    return answer(request);
  };
  const tokens: AzureTokens = (audience) => (audiences.push(audience), () => Promise.resolve({ token: 'a-token', until: 0, objectId }));
  const clock: Context['clock'] = { now: () => new Date(0), sleep: (seconds) => Promise.resolve(void waited.push(seconds)) };
  const arm: ResourceManager = connectResourceManager({ fetch: reach, clock, signal }, { endpoint: `${endpoint}/`, tokens });
  return { arm, requests, audiences, waited };
}

describe('a call', () => {
  test('has a token for the endpoint, the version, and its body', async () => {
    const { arm, requests, audiences } = connect(() => Response.json({ a: 1 }));
    expect(await arm.send({ ...call, method: 'POST', query: { format: 'exec' }, body: { b: 2 } })).toEqual({ a: 1 });
    expect(audiences).toEqual([endpoint]);
    expect([requests[0]?.url, requests[0]?.headers.get('authorization'), await requests[0]?.json()]).toEqual([`${endpoint}/subscriptions/s?api-version=2025-10-01&format=exec`, 'Bearer a-token', { b: 2 }]);
  });
  test.each<[string, () => Response | Promise<Response>, object]>([
    ['401', () => Response.json({ error: { code: 'ExpiredAuthenticationToken' } }, { status: 401 }), { code: 'AZURE_LOGIN_FAILED' }],
    ['403', () => Response.json({ error: { code: 'AuthorizationFailed', message: 'no' } }, { status: 403 }), { code: 'AZURE_FORBIDDEN', hint: expect.stringContaining(`--assignee ${objectId} --role "Reader" --scope '/subscriptions/o'\\''hare'`) as string }],
    ['404', () => Response.json({ error: { code: 'SubscriptionNotFound' } }, { status: 404 }), { code: 'AZURE_NOT_FOUND' }],
    ['an error that is not wrapped', () => Response.json({ code: 'BadRequest', message: 'because\u001b[2J' }, { status: 400 }), { code: 'AZURE_REFUSED', message: expect.stringMatching(/BadRequest: because[^\u001b]*$/) as string, facts: { error: 'BadRequest' } }],
    ['a gateway\'s page', () => new Response('<html>', { status: 502 }), { code: 'AZURE_UNAVAILABLE', facts: { status: 502 } }],
    ['202, which nothing here is answered with', () => new Response('', { status: 202 }), { code: 'AZURE_PROTOCOL' }],
    ['a list', () => Response.json([]), { code: 'AZURE_PROTOCOL' }],
    ['nothing', () => Promise.reject(new TypeError('fetch failed')), { code: 'AZURE_UNAVAILABLE' }],
  ])('answered with %s', async (_, answer, failure) => {
    await expect(connect(answer).arm.send(call)).rejects.toMatchObject(failure);
  });
  test('waits as long as it is told', async () => {
    const replies = [new Response('', { status: 429, headers: { 'retry-after': '30' } })];
    const { arm, waited } = connect(() => replies.pop() ?? Response.json({}));
    await arm.send(call);
    expect(waited).toEqual([30]);
  });
  test('ends with the run', async () => {
    const run = new AbortController();
    const { arm } = connect(() => { run.abort(); return Promise.reject(new DOMException('aborted', 'AbortError')); }, run.signal);
    await expect(arm.send(call)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a call that takes its time', () => {
  const later = (location: string): Response => new Response('', { status: 202, headers: { location, 'retry-after': '3' } });
  test('is asked for until it has an answer', async () => {
    const replies = [Response.json({ done: true }), later(`${endpoint}/results/1?api-version=x`), later(`${endpoint}/results/1?api-version=x`)];
    const { arm, requests, waited } = connect(() => replies.pop() ?? Response.json({}));
    expect(await arm.finish({ ...call, method: 'POST', body: { command: 'x' } }, 60)).toEqual({ done: true });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`POST ${endpoint}/subscriptions/s?api-version=2025-10-01`, `GET ${endpoint}/results/1?api-version=x`, `GET ${endpoint}/results/1?api-version=x`]);
    expect(waited).toEqual([3, 3]);
  });
  test.each([['https://evil.example/results/1', 'AZURE_PROTOCOL'], ['', 'AZURE_PROTOCOL']])('and goes on at "%s" is refused', async (location, code) => {
    await expect(connect(() => later(location)).arm.finish(call, 60)).rejects.toMatchObject({ code });
  });
  test('has an end', async () => {
    await expect(connect(() => later(`${endpoint}/r`)).arm.finish(call, 0)).rejects.toMatchObject({ code: 'AZURE_UNAVAILABLE' });
  });
});

describe('a list', () => {
  test('is read page by page', async () => {
    const { arm, requests } = connect(({ url }) => Response.json(url.includes('skip') ? { value: [2] } : { value: [1], nextLink: `${endpoint}/subscriptions/s?$skiptoken=x` }));
    expect(await arm.list(call)).toEqual([1, 2]);
    expect(requests).toHaveLength(2);
  });
  test.each([['goes on at another host', 'https://evil.example/next', 1], ['never ends', `${endpoint}/next`, 20]])('that %s is refused', async (_, nextLink, asked) => {
    const { arm, requests } = connect(() => Response.json({ value: [1], nextLink }));
    await expect(arm.list(call)).rejects.toMatchObject({ code: 'AZURE_PROTOCOL' });
    expect(requests).toHaveLength(asked);
  });
});
