// SPDX-License-Identifier: Apache-2.0
// Puts a request handler on a loopback port: node's http(s) in front, fetch's Request and Response behind, streams both ways.
import { createReadStream } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { Readable } from 'node:stream';
import { Failure } from '@pratique/core';
import { sendFile, type FilePart } from './file-sender.ts';

/** A server as a function. In tests it can stand in for `fetch`; `serve` puts it on a port. */
export type Handler = (request: Request) => Promise<Response>;

/** A served handler. */
export interface Served {
  /** `http://127.0.0.1:PORT` or `https://…`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** Where and how to listen. */
export interface ServeOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** PEM. With it the server speaks TLS only. */
  readonly tls?: { readonly key: string; readonly certificate: string };
}

/** Thrown by a handler to drop the connection without an answer (fault injection); as `fetch` it is a network error. */
export class ConnectionReset extends Error {
  override name = 'ConnectionReset';
}

const chunkBytes = 512 * 1024;
// Shortcuts that spare a copy through web streams when both ends are node streams.
const fileParts = new WeakMap<Response, FilePart>();
const incoming = new WeakMap<Request, IncomingMessage>();

/** A response whose body is a part of a file: read lazily as a web stream, or handed to the socket directly by `serve`. */
export function respondWithFile(part: FilePart, init: ResponseInit): Response {
  const response = new Response(part.end < part.start ? null : fromNode(() => createReadStream(part.path, { start: part.start, end: part.end, highWaterMark: chunkBytes })), init);
  fileParts.set(response, part);
  return response;
}

/** The chunks of a request's body, from the socket itself when there is one. */
export function bodyChunks(request: Request): AsyncIterable<Uint8Array> {
  const req = incoming.get(request);
  return req ? chunksOf(req) : (request.body ?? Readable.from([]));
}

/** Serves `handler`. Fails with `LAB_PORT_TAKEN`. A handler that throws answers 500; a client that leaves aborts `request.signal`. */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<Served> {
  const host = options.host ?? '127.0.0.1';
  const scheme = options.tls ? 'https' : 'http';
  const listener = (req: IncomingMessage, res: ServerResponse): void => void answer({ handler, scheme, req, res });
  const server = options.tls ? createHttps({ key: options.tls.key, cert: options.tls.certificate }, listener) : createHttp(listener);
  // Layers of gigabytes take longer than node's default of five minutes for one request.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  await listen(server, options.port ?? 0, host);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, port, close: () => close(server) };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Failure({ code: 'LAB_PORT_TAKEN', message: `Cannot listen on ${host}:${port}`, hint: 'Choose another port.', cause })));
    server.listen(port, host, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Exchange {
  readonly handler: Handler;
  readonly scheme: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

// A handler that stops reading early still wants to answer, so leaving the loop must not destroy the socket.
function chunksOf(req: IncomingMessage): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => req.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() };
}

async function answer({ handler, scheme, req, res }: Exchange): Promise<void> {
  const { socket } = req;
  const gone = new AbortController();
  res.on('close', () => {
    if (!res.writableFinished) gone.abort(new Error('The client closed the connection.'));
  });
  try {
    await send(await handler(toRequest(req, scheme, gone.signal)), req, res);
  } catch (error) {
    // After the first byte there is no other way to say that the rest will not come.
    if (res.headersSent) return socket.destroySoon();
    if (error instanceof ConnectionReset || gone.signal.aborted) return void socket.destroy();
    const text = error instanceof Error ? error.message : String(error);
    res.writeHead(error instanceof MalformedRequest ? 400 : 500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  }
}

class MalformedRequest extends Error {}

function toRequest(req: IncomingMessage, scheme: string, signal: AbortSignal): Request {
  const method = req.method ?? 'GET';
  const headers = new Headers();
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) headers.append(req.rawHeaders[index] ?? '', req.rawHeaders[index + 1] ?? '');
  const target = req.url ?? '/';
  const url = URL.parse(target.startsWith('/') ? `${scheme}://${req.headers.host ?? 'localhost'}${target}` : target);
  if (!url) throw new MalformedRequest('The request target is not a URL.');
  const hasBody = method !== 'GET' && method !== 'HEAD' && (req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0);
  const request = new Request(url, { method, headers, signal, ...(hasBody ? { body: fromNode(() => chunksOf(req)), duplex: 'half' } : {}) });
  if (hasBody) incoming.set(request, req);
  return request;
}

async function send(response: Response, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  const bodiless = response.body === null || req.method === 'HEAD';
  if (response.body === null && req.method !== 'HEAD' && response.status >= 200 && response.status !== 204 && response.status !== 304) headers['content-length'] = '0';
  res.writeHead(response.status, headers);
  if (bodiless) {
    res.end();
    await response.body?.cancel();
    return;
  }
  const part = fileParts.get(response);
  if (part) await sendFile(part, res);
  else if (response.body) await pump(response.body, res);
}

async function pump(body: ReadableStream<Uint8Array>, res: ServerResponse): Promise<void> {
  const reader = body.getReader();
  const stop = (): void => void reader.cancel().catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  res.once('close', stop);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!res.write(value) && !res.destroyed) await drained(res);
    if (res.destroyed) return;
  }
  res.off('close', stop);
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}

/** A web stream over chunks, which are opened at the first read. */
function fromNode(open: () => AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        iterator ??= open()[Symbol.asyncIterator]();
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
