// SPDX-License-Identifier: Apache-2.0
import { Failure } from '@pratique/core';
import { expect, test } from 'vitest';
import { requestTerminalIdentity } from './terminal-identity.ts';

const job = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.test/job?v=2', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request' };

test('a token of the job, for the audience', async () => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = (input, init) => {
    asked.push(`${String(input)} ${new Headers(init?.headers).get('authorization')}`);
    return Promise.resolve(Response.json({ value: 'id-token' }));
  };
  expect(await requestTerminalIdentity(job, 'sigstore', fetch)).toBe('id-token');
  expect(asked).toEqual(['https://token.test/job?v=2&audience=sigstore Bearer request']);
});

test.each([
  ['outside a job', {}, () => Promise.resolve(new Response()), 'there is no identity'],
  ['when it is refused', job, () => Promise.resolve(new Response('', { status: 403 })), 'status 403'],
  ['when nobody answers', job, () => Promise.reject(new TypeError('fetch failed')), 'no answer'],
  ['when the answer is no JSON', job, () => Promise.resolve(new Response('<html>')), 'not JSON'],
  ['when the answer holds none', job, () => Promise.resolve(Response.json({})), 'holds no token'],
])('%s there is none', async (_, env, fetch, why) => {
  const thrown = await requestTerminalIdentity(env, 'sigstore', fetch).catch((error: unknown) => error);
  expect(thrown instanceof Failure && thrown.code).toBe('IDENTITY_UNAVAILABLE');
  expect(thrown instanceof Failure && thrown.message).toContain(why);
});
