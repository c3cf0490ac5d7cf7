// SPDX-License-Identifier: Apache-2.0
// One call to a server of Sigstore over `ctx.fetch`: with a deadline, a bound, the one retry, and failures that carry no token.
// The clients of @sigstore/sign 5.1.0 are not used: they know neither the signal of the run nor Retry-After, and one puts the identity token into its message.
import { Failure, isJsonObject, retry, type Context, type FailureCode } from '@pratique/core';
import { readBounded } from './document.ts';

/** A POST (with body) or GET (without). */
export interface ServiceCall {
  readonly url: string;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
  readonly timeoutSeconds: number;
  /** Code when the server cannot be reached, limits the rate or answers 5xx. */
  readonly unavailable: FailureCode;
  /** Code when the server refuses the request. */
  readonly refused: FailureCode;
  /** Statuses beside 200 and 201 that are an answer. */
  readonly accept?: readonly number[];
}

export interface ServiceReply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

const replyLimit = 4 * 1024 * 1024;
const transient = new Set([408, 425, 429]);

/** Calls with the retry budget. */
export async function callService(ctx: Context, call: ServiceCall): Promise<ServiceReply> {
  return retry(() => callOnce(ctx, call), { clock: ctx.clock, signal: ctx.signal, attempts: 6, budgetSeconds: 120, firstWaitSeconds: 1 });
}

async function callOnce(ctx: Context, call: ServiceCall): Promise<ServiceReply> {
  const reply = await exchange(ctx, call);
  if (reply.status === 200 || reply.status === 201 || call.accept?.includes(reply.status)) return reply;
  const isTransient = transient.has(reply.status) || reply.status >= 500;
  const retryAfter = Number(reply.headers.get('retry-after'));
  throw new Failure({
    code: isTransient ? call.unavailable : call.refused,
    message: `${call.url} answered ${reply.status}`,
    facts: { status: reply.status, answer: answerOf(reply.bytes), ...(retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {}) },
  });
}

async function exchange(ctx: Context, call: ServiceCall): Promise<ServiceReply> {
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(call.timeoutSeconds * 1000)]);
  const request: RequestInit = call.body === undefined ? { signal, redirect: 'error' } : {
    method: 'POST', signal, redirect: 'error', body: call.body as BodyInit, headers: { 'content-type': call.contentType ?? 'application/json', accept: '*/*' },
  };
  try {
    const response = await ctx.fetch(call.url, request);
    const bytes = await readBounded(response, replyLimit, () => new Failure({ code: call.unavailable, message: `${call.url} answered more than ${replyLimit} bytes` }));
    return { status: response.status, headers: response.headers, bytes };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure({ code: call.unavailable, message: `${call.url} did not answer`, cause });
  }
}

/** The message of an error answer, at most 300 characters; `Failure` redacts it. */
function answerOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 4096));
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) && typeof parsed['message'] === 'string' ? parsed['message'].slice(0, 300) : text.slice(0, 300);
  } catch (notJson) {
    return `${text.slice(0, 300)}${notJson instanceof SyntaxError ? '' : ' …'}`;
  }
}
