// SPDX-License-Identifier: Apache-2.0
// Planned trouble: requests that match a fault get a status, a reset, a delay or damaged bytes instead of what they asked for.
import { isJsonObject, type Clock } from '@pratique/core';
import { bodyChunks, ConnectionReset, type Handler } from '../serve.ts';
import { json, Refusal } from './refusal.ts';

/** What happens to a matching request. */
export type FaultAction =
  | { readonly kind: 'status'; readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** Drops the connection: at once, or after so many bytes of the request's body (`request`) or of the reply's (`response`, the default). */
  | { readonly kind: 'reset'; readonly afterBytes?: number; readonly side?: 'request' | 'response' }
  | { readonly kind: 'delay'; readonly seconds: number }
  /** Flips one bit of the byte at this place of the reply's body; default 0. The length stays. */
  | { readonly kind: 'corrupt'; readonly at?: number };

/** Which requests, and what befalls them. */
export interface Fault {
  /** Every method when absent. */
  readonly method?: string;
  /** Regular expression, searched in path and query. */
  readonly path: string;
  /** The first matching request that it befalls; default 1. */
  readonly nth?: number;
  /** How many requests it befalls from there; default 1. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** The plan of one emulator; changed in process, or at `/_lab/faults` where that is enabled. */
export interface FaultPlan {
  add(...faults: readonly Fault[]): void;
  clear(): void;
  /** Every fault with the number of requests that matched it so far. */
  list(): readonly (Fault & { readonly matched: number })[];
  /** Answers with `next`, or with what the plan says. */
  around(request: Request, next: Handler): Promise<Response>;
}

/** A refusal as a firewalled registry gives it (Microsoft Learn, "Troubleshoot network issues with registry"). */
export function networkRefusal(address: string): FaultAction {
  return { kind: 'status', status: 403, body: { errors: [{ code: 'DENIED', message: `client with IP '${address}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.` }] } };
}

/** An empty plan; delays are waited for on `clock`. */
export function createFaultPlan(clock: Clock): FaultPlan {
  let planned: { fault: Fault; pattern: RegExp; matched: number }[] = [];
  const due = (request: Request): FaultAction[] => {
    const url = new URL(request.url);
    const target = decodeURIComponent(url.pathname) + url.search;
    const matching = planned.filter(({ fault, pattern }) => (fault.method === undefined || fault.method.toUpperCase() === request.method) && pattern.test(target));
    return matching.flatMap((entry) => {
      entry.matched += 1;
      const first = entry.fault.nth ?? 1;
      return entry.matched >= first && entry.matched < first + (entry.fault.times ?? 1) ? [entry.fault.action] : [];
    });
  };
  return {
    add: (...faults) => void planned.push(...faults.map((fault) => ({ fault, pattern: new RegExp(fault.path), matched: 0 }))),
    clear: () => void (planned = []),
    list: () => planned.map(({ fault, matched }) => ({ ...fault, matched })),
    async around(request, next) {
      if (planned.length === 0) return next(request);
      return due(request).reduceRight<Handler>((inner, action) => (asked) => befall(action, { request: asked, inner, clock }), next)(request);
    },
  };
}

async function befall(action: FaultAction, { request, inner, clock }: { request: Request; inner: Handler; clock: Clock }): Promise<Response> {
  if (action.kind === 'status') {
    return json(action.body ?? { errors: [{ code: 'UNKNOWN', message: 'planned fault' }] }, { status: action.status, ...(action.headers ? { headers: action.headers } : {}) });
  }
  if (action.kind === 'corrupt') return changeBody(await inner(request), flipAt(action.at ?? 0));
  if (action.kind === 'delay') {
    await clock.sleep(action.seconds, request.signal);
    return inner(request);
  }
  if (action.afterBytes === undefined || (action.side === 'request' && !request.body)) throw new ConnectionReset();
  if (action.side === 'request') return inner(cutRequest(request, action.afterBytes));
  return changeBody(await inner(request), cutAfter(action.afterBytes));
}

type Change = (chunk: Uint8Array, offset: number) => Uint8Array;

function flipAt(at: number): Change {
  return (chunk, offset) => {
    if (at < offset || at >= offset + chunk.length) return chunk;
    const damaged = Uint8Array.from(chunk);
    damaged[at - offset] = (damaged[at - offset] ?? 0) ^ 1;
    return damaged;
  };
}

function cutAfter(bytes: number): Change {
  return (chunk, offset) => {
    if (offset >= bytes) throw new ConnectionReset();
    return chunk.subarray(0, bytes - offset);
  };
}

function changeBody(response: Response, change: Change): Response {
  if (!response.body) return response;
  return new Response(toStream(changed(response.body, change)), { status: response.status, headers: response.headers });
}

// The part that arrived reaches the route; then its body ends as a broken connection would end it.
function cutRequest(request: Request, bytes: number): Request {
  const init: RequestInit & { duplex: 'half' } = { method: request.method, headers: request.headers, signal: request.signal, body: toStream(changed(bodyChunks(request), cutAfter(bytes))), duplex: 'half' };
  return new Request(request.url, init);
}

function toStream(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => chunks.return(undefined).then(() => undefined),
  });
}

async function* changed(chunks: AsyncIterable<Uint8Array>, change: Change): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for await (const chunk of chunks) {
    const result = change(chunk, offset);
    yield result;
    offset += chunk.length;
    if (result.length < chunk.length) throw new ConnectionReset();
  }
}

/** `/_lab/faults`: GET lists, POST adds one fault or a list, DELETE clears. Only for callers that name a loopback host, so that no web page can reach it by a name of its own. */
export async function controlFaults(request: Request, plan: FaultPlan): Promise<Response> {
  if (!/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(new URL(request.url).hostname)) throw new Refusal({ status: 403, code: 'DENIED', message: 'the control path answers on loopback only' });
  if (request.method === 'DELETE') plan.clear();
  else if (request.method === 'POST') plan.add(...readFaults(await request.text()));
  else if (request.method !== 'GET') throw new Refusal({ status: 405, code: 'UNSUPPORTED', message: 'GET, POST or DELETE' });
  return json(plan.list());
}

function readFaults(text: string): Fault[] {
  const invalid = (message: string): Refusal => new Refusal({ status: 400, code: 'INVALID_BODY', message });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'not JSON');
  }
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (!isFault(item)) throw invalid('a fault is { method?, path, nth?, times?, action: { kind: status | reset | delay | corrupt, … } }');
    return item;
  });
}

function isFault(value: unknown): value is Fault {
  if (!isJsonObject(value) || typeof value['path'] !== 'string' || !isJsonObject(value['action'])) return false;
  const { kind, status, seconds } = value['action'];
  if (kind === 'status') return typeof status === 'number' && status >= 200 && status <= 599;
  return kind === 'delay' ? typeof seconds === 'number' : kind === 'reset' || kind === 'corrupt';
}
