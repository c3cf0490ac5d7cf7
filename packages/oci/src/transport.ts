// SPDX-License-Identifier: Apache-2.0
// Authorised, retried calls to one registry.
import { isJsonObject, retry, type Clock } from '@pratique/core';
import type { Authenticator, TokenCall } from './authentication.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import { exchange, type Body, type HttpReply, type Wire } from './exchange.ts';
import { resolveLocation } from './location.ts';
import { registryFailure } from './registry-failure.ts';

/** A call to the registry. */
export interface RegistryCall {
  readonly method: string;
  /** Path with query, or a location that the registry gave. */
  readonly path: string | URL;
  /** The first one is named in hints. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Statuses that are answers. Default: 200 to 299. */
  readonly accept?: readonly number[];
  /** How often to try. Default 5. */
  readonly attempts?: number;
}

export interface Transport {
  readonly base: URL;
  readonly plainHttp: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Fails with `REGISTRY_*` codes, facts `{ method, url, status, errors }`. */
  send(call: RegistryCall): Promise<HttpReply>;
  /** The header for `scopes`, after the challenge that the registry gives to anybody; `undefined` = none needed. Fails with `REGISTRY_UNAUTHORIZED` when there are no credentials. */
  authorize(scopes: readonly string[]): Promise<string | undefined>;
}

export interface TransportOptions {
  readonly registry: string;
  readonly base: URL;
  readonly wire: Wire;
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  readonly forbiddenHint?: (scope: string) => string;
}

const errorBodyLimit = 64 * 1024;

/** Opens the way to one registry. A call is authorised at most twice: with what is known, and after one challenge. */
export function createTransport(options: TransportOptions): Transport {
  const { base, wire, clock } = options;
  const call = tokenCallOf(options);

  const refuse = async (request: RegistryCall, reply: HttpReply, challenge: Challenge | undefined): Promise<never> => {
    const body = await readErrorBody(reply);
    const [scope] = request.scopes;
    throw registryFailure({
      method: request.method, url: reply.url.href, status: reply.status, headers: reply.headers, body, now: clock.now(), foreign: reply.url.origin !== base.origin,
      ...(challenge === undefined ? {} : { challenge }),
      ...(options.forbiddenHint && scope !== undefined ? { forbiddenHint: () => options.forbiddenHint?.(scope) ?? '' } : {}),
    });
  };

  const sendOnce = async (request: RegistryCall): Promise<HttpReply> => {
    const url = request.path instanceof URL ? request.path : resolveLocation(request.path, base, wire.plainHttp);
    const own = url.origin === base.origin;
    const accepted = (reply: HttpReply): boolean => (request.accept === undefined ? reply.status >= 200 && reply.status < 300 : request.accept.includes(reply.status));
    const attempt = (authorization: string | undefined): Promise<HttpReply> => exchange(wire, {
      method: request.method, url, headers: { ...request.headers, ...(authorization === undefined || !own ? {} : { authorization }) }, ...(request.body === undefined ? {} : { body: request.body }),
    });
    const ask = { registry: options.registry, scopes: request.scopes, call, now: () => clock.now() };
    const known = own ? await options.authenticator.authorize(ask) : undefined;
    const first = await attempt(known);
    if (accepted(first)) return first;
    const challenge = first.status === 401 ? parseChallenge(first.headers.get('www-authenticate')) : undefined;
    if (challenge === undefined || first.url.origin !== base.origin) return refuse(request, first, challenge);
    const renewed = await options.authenticator.authorize({ ...ask, challenge, ...(known === undefined ? {} : { refused: known }) });
    if (renewed === undefined || renewed === known) return refuse(request, first, challenge);
    await first.discard();
    const second = await attempt(renewed);
    return accepted(second) ? second : refuse(request, second, second.status === 401 ? parseChallenge(second.headers.get('www-authenticate')) : undefined);
  };

  return {
    base, plainHttp: wire.plainHttp, clock, signal: wire.signal,
    async authorize(scopes) {
      const reply = await retry(() => exchange(wire, { method: 'GET', url: new URL('/v2/', base), headers: {} }), { clock, signal: wire.signal });
      const challenge = parseChallenge(reply.headers.get('www-authenticate'));
      if (reply.status !== 401 || challenge === undefined) {
        await reply.discard();
        return undefined;
      }
      const header = await options.authenticator.authorize({ registry: options.registry, scopes, call, now: () => clock.now(), challenge });
      if (header === undefined) return refuse({ method: 'GET', path: '/v2/', scopes }, reply, challenge);
      await reply.discard();
      return header;
    },
    send: (request) => retry(() => sendOnce(request), { clock, signal: wire.signal, attempts: request.attempts ?? 5 }),
  };
}

async function readErrorBody(reply: HttpReply): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.stream()) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= errorBodyLimit) break;
    }
  } catch (thrown) {
    return `(the body broke off: ${thrown instanceof Error ? thrown.message : String(thrown)})`;
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, errorBodyLimit));
}

function tokenCallOf({ base, wire, clock }: TransportOptions): TokenCall {
  const answers = new Set([200, 400, 401, 403]);
  return async ({ method, url, headers = {}, form }) => {
    const target = resolveLocation(url, base, wire.plainHttp);
    const body = form === undefined ? {} : { body: new TextEncoder().encode(form.toString()) };
    const allHeaders = { accept: 'application/json', ...headers, ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) };
    return retry(async () => {
      const reply = await exchange(wire, { method, url: target, headers: allHeaders, ...body });
      const text = await readErrorBody(reply);
      if (!answers.has(reply.status)) throw registryFailure({ method, url: target.href, status: reply.status, headers: reply.headers, body: text, now: clock.now(), foreign: false });
      return { status: reply.status, body: parseBody(text) };
    }, { clock, signal: wire.signal });
  };
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    // Not JSON is an empty answer: whoever asked for a token finds none in it.
    return {};
  }
}
