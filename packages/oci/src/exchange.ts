// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange: deadlines, redirects by hand, bodies that can be sent again, replies that are read within bounds.
import { createDeadline, guardStream, raceSignal, type Deadline } from './deadline.ts';
import { resolveLocation } from './location.ts';
import { networkFailure } from './registry-failure.ts';
import { readAll } from './verified-stream.ts';

/** A body that can be sent more than once. */
export type Body = Uint8Array | { readonly size: number; open(): Promise<ReadableStream<Uint8Array>> };

export interface HttpCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** A reply whose body is read once, within bounds. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Headers;
  /** Where the reply came from, after redirects. */
  readonly url: URL;
  /** Fails with `REGISTRY_UNAVAILABLE` when it breaks off or stalls. */
  stream(): ReadableStream<Uint8Array>;
  /** Fails with `REGISTRY_TOO_LARGE` over `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
  /** Reads what is left of a short reply, so that the connection serves the next call; a long one is cut off. */
  discard(): Promise<void>;
}

/** The network as this package sees it. */
export interface Wire {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  readonly plainHttp: boolean;
  /** Seconds to the reply's headers, and between two chunks. */
  readonly patienceSeconds: number;
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const redirectLimit = 3;
/** Bytes; at most 64 pieces. */
const drainLimit = 64 * 1024;

/** Sends a call; follows at most three redirects of GET and HEAD, and takes Authorization along only to the same origin. */
export async function exchange(wire: Wire, call: HttpCall): Promise<HttpReply> {
  let next = call;
  for (let hop = 0; ; hop += 1) {
    const reply = await exchangeOnce(wire, next);
    const follow = redirectStatuses.has(reply.status) && (call.method === 'GET' || call.method === 'HEAD') && hop < redirectLimit;
    if (!follow) return reply;
    await reply.discard();
    const url = resolveLocation(reply.headers.get('location'), next.url, wire.plainHttp);
    next = { ...next, url, headers: url.origin === next.url.origin ? next.headers : withoutAuthorization(next.headers) };
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

async function exchangeOnce(wire: Wire, call: HttpCall): Promise<HttpReply> {
  const what = `${call.method} ${call.url.origin}${call.url.pathname}`;
  const deadline = createDeadline(wire.signal, wire.patienceSeconds, what);
  try {
    const init = await requestOf(wire, call, deadline, what);
    return replyOf(wire, call, await raceSignal(wire.fetch(call.url.href, init), deadline.signal));
  } catch (thrown) {
    throw networkFailure(thrown, { method: call.method, url: call.url.href, signal: wire.signal });
  } finally {
    deadline.clear();
  }
}

async function requestOf(wire: Wire, call: HttpCall, deadline: Deadline, what: string): Promise<RequestInit> {
  // Without identity a proxy may compress a blob, and its bytes would not be the blob's.
  const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'pratique', ...call.headers };
  const init = { method: call.method, headers, redirect: 'manual', signal: deadline.signal } as const;
  if (call.body === undefined) return init;
  if (call.body instanceof Uint8Array) return { ...init, body: call.body as Uint8Array<ArrayBuffer> };
  headers['content-length'] = String(call.body.size);
  const guarded = guardStream(await call.body.open(), { signal: wire.signal, seconds: wire.patienceSeconds, what, onChunk: () => deadline.touch() });
  // fetch demands `duplex` with a stream (https://fetch.spec.whatwg.org/#dom-requestinit-duplex).
  return { ...init, body: guarded, duplex: 'half' } as RequestInit;
}

function replyOf(wire: Wire, call: HttpCall, response: Response): HttpReply {
  const what = `${call.method} ${call.url.origin}${call.url.pathname}`;
  const failed = (thrown: unknown): Error => networkFailure(thrown, { method: call.method, url: call.url.href, signal: wire.signal });
  const stream = (): ReadableStream<Uint8Array> => {
    if (response.body === null) return new ReadableStream({ start: (controller) => controller.close() });
    return guardStream(response.body, { signal: wire.signal, seconds: wire.patienceSeconds, what, convert: failed });
  };
  return {
    status: response.status, headers: response.headers, url: call.url, stream,
    bytes: (limit) => readAll(stream(), limit, `the reply to ${what}`),
    discard: async () => {
      try {
        await drain(stream());
      } catch (thrown) {
        // The reply is not wanted any more; only a cancelled run is of interest.
        if (wire.signal.aborted) throw failed(thrown);
      }
    },
  };
}

// fetch closes the connection of a body that is cancelled before its end: over TLS that would cost a handshake for each call.
async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  let left = drainLimit;
  for await (const chunk of body) {
    left -= Math.max(chunk.byteLength, drainLimit / 64);
    if (left <= 0) break;
  }
}
