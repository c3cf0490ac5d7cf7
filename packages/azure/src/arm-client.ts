// SPDX-License-Identifier: Apache-2.0
// Azure Resource Manager over an injected fetch: few calls, so no SDK (https://learn.microsoft.com/rest/api/azure/).
import { Failure, parseJsonObject, retry, type Context, type JsonObject } from '@pratique/core';
import { readAll, readRetryAfter } from '@pratique/oci';
import { armFailure } from './arm-failure.ts';
import type { EntraTokens } from './entra.ts';
import type { AzureTokens } from './sign-in.ts';

/** One call. */
export interface ArmCall {
  readonly method: 'GET' | 'POST';
  /** Path below the endpoint: the id of a resource, and what is asked of it. */
  readonly path: string;
  readonly apiVersion: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  /** The least built-in role that may do this, for the hint of a refusal, and the resource that it is assigned on. */
  readonly role: string;
  readonly scope: string;
}

/** Resource Manager of one cloud, signed in to. Fails with `AZURE_FORBIDDEN`, `AZURE_NOT_FOUND`, `AZURE_REFUSED`, `AZURE_UNAVAILABLE`, `AZURE_PROTOCOL`, `AZURE_LOGIN_FAILED`. */
export interface ResourceManager {
  send(call: ArmCall): Promise<JsonObject>;
  /** A call that takes its time: accepted, and then asked for until it has an answer, at most `seconds`. */
  finish(call: ArmCall, seconds: number): Promise<JsonObject>;
  /** The items of a list, page by page; at most 20 pages. */
  list(call: ArmCall): Promise<readonly unknown[]>;
}

const replyLimit = 4 * 1024 * 1024;
const patienceSeconds = 60;
const mostPages = 20;
/** Between two questions whether a call has ended, where Resource Manager does not say. */
const pollSeconds = 2;

/** `endpoint`: `https://management.azure.com`; it is the audience of the token as well. Nothing is sent yet. Fails with `INPUT_INVALID`. */
export function connectResourceManager(ctx: Pick<Context, 'fetch' | 'clock' | 'signal'>, { endpoint, tokens }: { readonly endpoint: string; readonly tokens: AzureTokens }): ResourceManager {
  const base = endpoint.replace(/\/+$/, '');
  if (!URL.canParse(base) || new URL(base).protocol !== 'https:' || new URL(base).origin !== base) throw new Failure({ code: 'INPUT_INVALID', message: `azure-resource-manager "${endpoint}" is no https address without a path` });
  const token = tokens(base);
  const ask = (url: URL, call: ArmCall): Promise<Answer> => retry(() => sendOnce(ctx, url, { call, token }), { clock: ctx.clock, signal: ctx.signal });
  const sendTo = async (url: URL, call: ArmCall): Promise<JsonObject> => readAnswer(await ask(url, call), call);
  return {
    send: (call) => sendTo(urlOf(base, call), call),
    async finish(call, seconds) {
      const end = ctx.clock.now().getTime() + seconds * 1000;
      let answer = await ask(urlOf(base, call), call);
      while (answer.status === 202) {
        const { body: _body, ...question } = call;
        const url = sameHost(base, answer.location ?? '', call);
        if (ctx.clock.now().getTime() >= end) throw new Failure({ code: 'AZURE_UNAVAILABLE', message: `${call.method} ${call.path} did not end within ${seconds} s` });
        await ctx.clock.sleep(Math.min(answer.retryAfterSeconds ?? pollSeconds, seconds), ctx.signal);
        answer = await ask(url, { ...question, method: 'GET' });
      }
      return readAnswer(answer, call);
    },
    async list(call) {
      const items: unknown[] = [];
      let url = urlOf(base, call);
      for (let page = 0; page < mostPages; page += 1) {
        const { value, nextLink } = await sendTo(url, call);
        if (Array.isArray(value)) items.push(...(value as unknown[]));
        if (typeof nextLink !== 'string' || nextLink === '') return items;
        url = sameHost(base, nextLink, call);
      }
      throw new Failure({ code: 'AZURE_PROTOCOL', message: `${call.path} has more than ${mostPages} pages` });
    },
  };
}

function urlOf(base: string, { path, apiVersion, query }: ArmCall): URL {
  const url = new URL(base + path);
  for (const [key, value] of Object.entries({ 'api-version': apiVersion, ...query })) url.searchParams.set(key, value);
  return url;
}

/** The token is for this host alone. */
function sameHost(base: string, url: string, { path }: ArmCall): URL {
  if (URL.canParse(url) && new URL(url).origin === base) return new URL(url);
  throw new Failure({ code: 'AZURE_PROTOCOL', message: `what follows ${path} is at another host` });
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
  readonly retryAfterSeconds?: number;
}

async function sendOnce(ctx: Pick<Context, 'fetch' | 'clock' | 'signal'>, url: URL, { call, token: tokens }: { readonly call: ArmCall; readonly token: EntraTokens }): Promise<Answer> {
  const { token, objectId } = await tokens();
  const what = `${call.method} ${call.path}`;
  const { status, retryAfter, location, body } = await reach(ctx.signal, what, async () => {
    const response = await ctx.fetch(url, {
      method: call.method, redirect: 'manual', signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(patienceSeconds * 1000)]),
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const bytes = response.body === null ? new Uint8Array() : await readAll(response.body, replyLimit, `the reply to ${what}`);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), location: response.headers.get('location'), body: new TextDecoder().decode(bytes) };
  });
  if (status >= 400) throw armFailure({ status, body, retryAfter, what, role: call.role, scope: call.scope, assignee: objectId, now: ctx.clock.now() });
  const retryAfterSeconds = readRetryAfter(retryAfter, ctx.clock.now());
  return { status, body, ...(location !== null && { location }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

function readAnswer({ status, body }: Answer, { method, path }: ArmCall): JsonObject {
  if (status !== 200) throw new Failure({ code: 'AZURE_PROTOCOL', message: `Resource Manager answered ${method} ${path} with status ${status}` });
  return parseJsonObject(body, `the reply to ${method} ${path}`, 'AZURE_PROTOCOL');
}

async function reach<T>(signal: AbortSignal, what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    if (signal.aborted) throw signal.reason instanceof Failure ? signal.reason : new Failure({ code: 'CANCELLED', message: `${what} was cancelled`, cause: thrown });
    throw new Failure({ code: 'AZURE_UNAVAILABLE', message: `Resource Manager did not answer ${what}`, hint: 'Check azure-resource-manager and the network.', cause: thrown });
  }
}
