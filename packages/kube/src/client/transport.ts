// SPDX-License-Identifier: Apache-2.0
// One call to the API server: credentials, deadline, bounded body, retry of what may be repeated.
import { Failure, parseJsonObject, retry, type Context, type JsonObject } from '@pratique/core';
import { openCredential } from './credential.ts';
import { kubeFailure, networkFailure, type Attempt } from './failure.ts';
import type { ClusterAccess } from './kubeconfig.ts';

/** The ports that a cluster connection needs. */
export type KubeContext = Pick<Context, 'fetchOver' | 'exec' | 'mask' | 'clock' | 'signal'>;

/** A call. */
export interface KubeCall extends Attempt {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Statuses that are a reply and no failure, beside 2xx. */
  readonly accept?: readonly number[];
  /** For the whole call. Default 30. */
  readonly seconds?: number;
  /** Whether the same call twice is as good as once. Default: GET and DELETE. Others are repeated only when the server says that it did nothing. */
  readonly repeatable?: boolean;
  /** Ends the call before its deadline. */
  readonly signal?: AbortSignal;
}

/** A reply, read whole. */
export interface KubeReply {
  readonly status: number;
  readonly object: JsonObject;
}

/** The way to one API server. */
export interface KubeTransport {
  readonly signal: AbortSignal;
  readonly clock: Context['clock'];
  /** Reads the reply as a JSON object. */
  send(call: KubeCall): Promise<KubeReply>;
  /** The reply as it comes, once, without retry. */
  open(call: KubeCall): Promise<Response>;
  /** Like `send` for replies that are plain text; at most `limit` bytes, the rest is cut off. */
  readText(call: KubeCall, limit: number): Promise<{ readonly status: number; readonly text: string }>;
}

const mostBytes = 64 * 1024 * 1024;
const errorBytes = 64 * 1024;

/** Opens the way; nothing is sent yet. */
export function createTransport(access: ClusterAccess, ctx: KubeContext): KubeTransport {
  const open = createOpener(access, ctx);
  const read = async (call: KubeCall, limit: number, cut: boolean): Promise<{ status: number; text: string }> => {
    const response = await open(call);
    try {
      return { status: response.status, text: await readLimited(response, limit, cut ? undefined : call.path) };
    } catch (thrown) {
      throw networkFailure(thrown, call, ctx.signal);
    }
  };
  const again = { clock: ctx.clock, signal: ctx.signal, attempts: 5, budgetSeconds: 60 };
  return {
    signal: ctx.signal, clock: ctx.clock, open,
    send: (call) => repeat(call, again, async () => {
      const { status, text } = await read(call, mostBytes, false);
      // A group or version that is not served is answered in plain text; any other answer that is no JSON comes from a proxy.
      return { status, object: text === '' || (status === 404 && text.trim() === '404 page not found') ? {} : parseJsonObject(text, `the answer to ${call.verb} ${call.path}`, 'KUBE_PROTOCOL') };
    }),
    readText: (call, limit) => repeat(call, again, () => read(call, limit, true)),
  };
}

/** Sends with the credential of the moment, and once more with a new one after a 401. */
function createOpener(access: ClusterAccess, ctx: KubeContext): KubeTransport['open'] {
  const credentials = openCredential(access, ctx);
  const plain = ctx.fetchOver(access.tls);
  const sendOnce = async (call: KubeCall): Promise<Response> => {
    const { token, client } = await credentials.current();
    const url = new URL(access.server + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(key, String(value));
    return (client === undefined ? plain : ctx.fetchOver({ ...access.tls, client }))(url, {
      method: call.method, redirect: 'manual',
      signal: AbortSignal.any([ctx.signal, AbortSignal.timeout((call.seconds ?? 30) * 1000), ...(call.signal === undefined ? [] : [call.signal])]),
      headers: { accept: 'application/json', 'user-agent': 'pratique', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
  };
  return async (call) => {
    try {
      let response = await sendOnce(call);
      if (response.status === 401 && credentials.renew()) {
        await response.body?.cancel();
        response = await sendOnce(call);
      }
      if (response.ok || call.accept?.includes(response.status)) return response;
      throw kubeFailure({ status: response.status, headers: response.headers, body: await readLimited(response, errorBytes), now: ctx.clock.now() }, call);
    } catch (thrown) {
      throw networkFailure(thrown, call, ctx.signal);
    }
  };
}

async function repeat<T>(call: KubeCall, options: Parameters<typeof retry>[1], work: () => Promise<T>): Promise<T> {
  const repeatable = call.repeatable ?? (call.method === 'GET' || call.method === 'DELETE');
  const result = await retry(async () => {
    try {
      return { value: await work() };
    } catch (thrown) {
      if (repeatable || !(thrown instanceof Failure) || wasNotDone(thrown)) throw thrown;
      return { thrown };
    }
  }, options);
  if ('thrown' in result) throw result.thrown;
  return result.value;
}

/** Whether the server cannot have done anything: it said so (also while it starts: 503 with a time to come back), or was not reached. */
function wasNotDone({ facts }: Failure): boolean {
  return facts['status'] === 429 || (facts['status'] === 503 && facts['retryAfterSeconds'] !== undefined) || facts['network'] === 'ECONNREFUSED' || facts['network'] === 'ENOTFOUND';
}

/** At most `limit` bytes as text. More is cut off, or, when `what` names it, a failure. */
async function readLimited(response: Response, limit: number, what?: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= limit) continue;
    if (what !== undefined) throw new Failure({ code: 'KUBE_PROTOCOL', message: `the answer to ${what} is larger than ${limit} bytes` });
    break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, limit));
}
