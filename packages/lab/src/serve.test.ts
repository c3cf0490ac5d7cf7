// SPDX-License-Identifier: Apache-2.0
// The bridge between node's http and fetch: streams, HEAD, aborts, errors, resets, TLS with our own root.
import { request as httpRequest } from 'node:http';
import { get as httpsGet } from 'node:https';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthority } from './authority.ts';
import { bodyChunks, ConnectionReset, respondWithFile, serve, type Handler, type ServeOptions, type Served } from './serve.ts';

const open: Served[] = [];
const start = async (handler: Handler, options?: ServeOptions): Promise<Served> => {
  const served = await serve(handler, options);
  open.push(served);
  return served;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

describe('serve', () => {
  test('echoes a streamed body of several megabytes, by web stream and by chunks', async () => {
    const echo: Handler = async (request) => new Response(request.body);
    const count: Handler = async (request) => {
      let size = 0;
      for await (const chunk of bodyChunks(request)) size += chunk.length;
      return Response.json({ size });
    };
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const big = new Uint8Array(3 * 1024 * 1024).map((_, index) => bytes[index % bytes.length] ?? 0);
    const echoed = await fetch((await start(echo)).url, { method: 'POST', body: big });
    expect(Buffer.from(await echoed.arrayBuffer()).equals(big)).toBe(true);
    const counted = await fetch((await start(count)).url, { method: 'PUT', body: big });
    expect(await counted.json()).toEqual({ size: big.length });
  });

  test('HEAD keeps the Content-Length of the handler and sends no body', async () => {
    const served = await start(async () => new Response('hello', { headers: { 'content-length': '5' } }));
    const head = await fetch(served.url, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['5', '']);
    expect(await (await fetch(served.url)).text()).toBe('hello');
  });

  test('a percent-encoded path and the query arrive as they were sent', async () => {
    const served = await start(async (request) => new Response(new URL(request.url).pathname + new URL(request.url).search));
    expect(await (await fetch(`${served.url}/acr/v1/a%2Fb/_manifests/sha256%3Aab?n=1`)).text()).toBe('/acr/v1/a%2Fb/_manifests/sha256%3Aab?n=1');
  });

  test('a file part is served whole, in part, and through fetch semantics in process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'serve-'));
    const path = join(folder, 'blob');
    await writeFile(path, '0123456789');
    const handler: Handler = async () => respondWithFile({ path, start: 2, end: 5 }, { status: 206, headers: { 'content-length': '4' } });
    expect(await (await fetch((await start(handler)).url)).text()).toBe('2345');
    expect(await (await handler(new Request('http://x/'))).text()).toBe('2345');
    await rm(folder, { recursive: true });
  });

  test('a client that leaves aborts the signal of the request', async () => {
    const aborted = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const served = await start(async (request) => {
      request.signal.addEventListener('abort', () => aborted.resolve());
      arrived.resolve();
      await aborted.promise;
      return new Response('late');
    });
    const client = httpRequest(served.url).on('error', () => undefined);
    client.end();
    await arrived.promise;
    client.destroy();
    await aborted.promise;
  });

  test('a handler that throws answers 500; a reset drops the connection; a failing body ends it early', async () => {
    const failing = await start(async () => Promise.reject(new Error('broken')));
    expect((await fetch(failing.url)).status).toBe(500);
    const reset = await start(async () => Promise.reject(new ConnectionReset()));
    await expect(fetch(reset.url)).rejects.toThrow('fetch failed');
    let sent = 0;
    const half = await start(async () => new Response(new ReadableStream({ pull: (c) => (sent++ < 2 ? c.enqueue(new Uint8Array(1000)) : c.error(new Error('cut'))) }), { headers: { 'content-length': '5000' } }));
    await expect((await fetch(half.url)).arrayBuffer()).rejects.toThrow();
  });

  test('a handler may answer before it has read the whole body', async () => {
    const handler: Handler = async (request) => {
      for await (const chunk of bodyChunks(request)) if (chunk.length > 0) break;
      return new Response('too large', { status: 413 });
    };
    const reply = await fetch((await start(handler)).url, { method: 'PUT', body: new Uint8Array(300_000) });
    expect([reply.status, await reply.text()]).toEqual([413, 'too large']);
  });

  test('a taken port is LAB_PORT_TAKEN', async () => {
    const first = await start(async () => new Response());
    await expect(serve(async () => new Response(), { port: first.port })).rejects.toMatchObject({ code: 'LAB_PORT_TAKEN' });
  });

  test('TLS: trusted with the root, refused without', async () => {
    const authority = await createAuthority();
    const served = await start(async () => new Response('secret'), { tls: await authority.issue(['localhost', '127.0.0.1']) });
    const get = (ca?: string): Promise<string> =>
      new Promise((resolve, reject) => {
        httpsGet(served.url, { ...(ca ? { ca } : {}), agent: false }, (reply) => reply.on('data', (chunk: Buffer) => resolve(chunk.toString()))).on('error', reject);
      });
    expect(await get(authority.certificate)).toBe('secret');
    await expect(get()).rejects.toThrow(/certificate/);
  });
});
