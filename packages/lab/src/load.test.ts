// SPDX-License-Identifier: Apache-2.0
// Load: refused beyond its bounds and elsewhere than in the lab; paced; counted as the server that it meets has answered.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '@pratique/core';
import { afterAll, describe, expect, test } from 'vitest';
import { sendLoad } from './load.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterAll(() => servers.forEach((server) => server.closeAllConnections() === undefined && server.close()));

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const refusal = (options: Parameters<typeof sendLoad>[0]) => sendLoad(options).then(() => 'sent', (thrown: unknown) => (thrown instanceof Failure ? thrown.code : String(thrown)));

describe('what is refused before anything is sent', () => {
  test.each(['http://192.0.2.1/', 'http://10.203.64.1/', 'http://10.0.0.1/', 'http://example.com/', 'https://127.0.0.1/', 'http://[2001:db8::1]/', 'http://127.0.0.1.example.com/', 'file:///etc/passwd', 'nonsense'])('%s', async (url) => {
    expect(await refusal({ url, rate: 1, seconds: 1 })).toBe('LAB_LOAD_REFUSED');
  });
  test.each([{ rate: 1001 }, { rate: 0 }, { rate: Number.NaN }, { seconds: 3601 }, { seconds: 0 }, { concurrency: 101 }, { concurrency: 0 }])('%o', async (change) => {
    expect(await refusal({ url: 'http://127.0.0.1:1/', rate: 1, seconds: 1, ...change })).toBe('LAB_LOAD_REFUSED');
  });
});

test('statuses, versions, failures and the Host header', async () => {
  let count = 0;
  const hosts = new Set<string | undefined>();
  const url = await listen((request, response) => {
    count += 1;
    hosts.add(request.headers.host);
    response.writeHead(count % 4 === 0 ? 500 : 200, { 'x-app-version': count % 2 === 0 ? 'b' : 'a' }).end('text');
  });
  const report = await sendLoad({ url, rate: 40, seconds: 1, host: 'app.example' });
  expect(report).toMatchObject({ requests: 40, heldBack: 0, statuses: { 200: 30, 500: 10 }, versions: { a: 20, b: 20 }, failedVersions: { b: 10 }, failures: { 0: 10 } });
  expect([...hosts]).toEqual(['app.example']);
});

test('a server that breaks connections is an error, not a status', async () => {
  const url = await listen((request) => request.socket.destroy());
  expect(await sendLoad({ url, rate: 5, seconds: 1 })).toMatchObject({ requests: 5, statuses: { error: 5 }, failures: { 0: 5 } });
});

test('never more on their way than allowed: the rest is held back', async () => {
  let most = 0;
  const waiting = new Set<ServerResponse>();
  const url = await listen((_, response) => {
    waiting.add(response);
    most = Math.max(most, waiting.size);
    if (waiting.size === 2) setTimeout(() => [...waiting].forEach((one) => waiting.delete(one) && one.end()), 400);
  });
  const report = await sendLoad({ url, rate: 50, seconds: 1, concurrency: 2 });
  expect(most).toBe(2);
  expect(report.requests + report.heldBack).toBe(50);
  expect(report.heldBack).toBeGreaterThan(20);
});
