// SPDX-License-Identifier: Apache-2.0
// A fetch over node:https: Node's own fetch takes neither a certificate authority nor a client certificate for one server.
import type { IncomingMessage } from 'node:http';
import { Agent, request as send } from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import type { TlsSettings } from '@pratique/core';
import type { Environment } from './environment.ts';

const bodiless = new Set([101, 204, 205, 304]);

/**
 * A fetch with TLS settings of its own. Connections are kept and shared; redirects are not followed, so that credentials stay where they
 * were sent. A proxy is used as for Node's own fetch: when `NODE_USE_ENV_PROXY` is `1`.
 */
export function createTlsFetch(tls: TlsSettings, env: Environment): typeof fetch {
  const agent = new Agent({
    keepAlive: true, maxSockets: 32, minVersion: 'TLSv1.2',
    ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
    ...(tls.client === undefined ? {} : { cert: tls.client.certificate, key: tls.client.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(env['NODE_USE_ENV_PROXY'] === '1' ? { proxyEnv: { ...env } } : {}),
  });
  return async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    return toResponse(await exchange(request, body, agent));
  };
}

function exchange(request: Request, body: Buffer | undefined, agent: Agent): Promise<IncomingMessage> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    const outgoing = send(request.url, { agent, method: request.method, headers: { ...Object.fromEntries(request.headers), ...(body === undefined ? {} : { 'content-length': String(body.byteLength) }) } });
    const stop = (): void => void outgoing.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    outgoing.on('close', () => signal.removeEventListener('abort', stop));
    outgoing.on('response', (incoming) => {
      // A stream that is cut off by the signal must end with its reason, and not with "aborted".
      signal.addEventListener('abort', () => incoming.destroy(signal.reason as Error), { once: true });
      resolve(incoming);
    });
    outgoing.on('error', (cause) => reject(signal.aborted ? (signal.reason as Error) : new TypeError('fetch failed', { cause })));
    outgoing.end(body);
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
  if (bodiless.has(status)) incoming.resume();
  const body = bodiless.has(status) ? null : (Readable.toWeb(incoming) as NodeStream<Uint8Array> as ReadableStream<Uint8Array<ArrayBuffer>>);
  return new Response(body, { status, statusText: incoming.statusMessage ?? '', headers });
}
