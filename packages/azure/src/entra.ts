// SPDX-License-Identifier: Apache-2.0
// Entra tokens: federated assertion, managed identity, or the sign-in of the Azure CLI.
import { Failure, parseJsonObject, retry, type Context } from '@pratique/core';
import { jwtClaims } from '@pratique/oci';
import { createAzureHttpClient, type AzureRefusal } from './azure-http.ts';
import { entraFailure } from './entra-failure.ts';
import type { EntraWay } from './entra-way.ts';

/** A token and when it ends. */
export interface EntraToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Object id of the principal, for hints. */
  readonly objectId: string | undefined;
}

/**
 * Gives the same token as long as it is good for `leastSeconds` more, 300 by default; callers at the same time share one request.
 * Fails with `AZURE_LOGIN_FAILED`, `AZURE_UNAVAILABLE`, `IDENTITY_UNAVAILABLE`.
 */
export type EntraTokens = (leastSeconds?: number) => Promise<EntraToken>;

/** Where tokens come from, and for whom. */
export interface EntraTarget {
  /** https URL. */
  readonly authorityHost: string;
  /** The scope is `AUDIENCE/.default`. */
  readonly audience: string;
}

const exchangeAudience = 'api://AzureADTokenExchange';
const marginSeconds = 300;

/** Tokens for one audience. Nothing is asked before the first call. */
export function createEntraTokens(ctx: Context, way: EntraWay, target: EntraTarget): EntraTokens {
  let kept: Promise<EntraToken> | undefined;
  const fetchToken = async (): Promise<EntraToken> => {
    const { token, until } = await requestToken(ctx, way, target);
    ctx.mask(token);
    const objectId = jwtClaims(token)?.['oid'];
    return { token, until, objectId: typeof objectId === 'string' && /^[0-9a-f-]{36}$/i.test(objectId) ? objectId : undefined };
  };
  return async (leastSeconds = marginSeconds) => {
    const current = kept;
    const valid = current === undefined ? undefined : await current;
    if (valid !== undefined && valid.until - leastSeconds * 1000 > ctx.clock.now().getTime()) return valid;
    if (kept === current) {
      const next = fetchToken();
      kept = next;
      // A failure is told to whoever waits, and not kept.
      next.catch(() => {
        if (kept === next) kept = undefined;
      });
    }
    return kept ?? fetchToken();
  };
}

type RawToken = Pick<EntraToken, 'token' | 'until'>;

async function requestToken(ctx: Context, way: EntraWay, target: EntraTarget): Promise<RawToken> {
  if (way.kind === 'cli') return requestFromCli(ctx, target.audience, way.tenantId);
  // Once, and before all else: MSAL would ask twice for one token, and a missing permission shall be told as itself.
  const assertion = way.kind === 'federated' ? await ctx.identity(exchangeAudience) : undefined;
  return retry(async () => {
    let refusal: AzureRefusal | undefined;
    try {
      const credential = await openCredential(ctx, way, { assertion: assertion ?? '', authorityHost: target.authorityHost, onRefusal: (reply) => void (refusal = reply) });
      const reply = await credential.getToken(`${target.audience}/.default`);
      return { token: reply.token, until: reply.expiresOnTimestamp };
    } catch (thrown) {
      throw entraFailure(thrown, way, { assertion, refusal, now: ctx.clock.now() });
    }
  }, { clock: ctx.clock, signal: ctx.signal, attempts: 3 });
}

interface TokenSource {
  getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number }>;
}

interface CredentialOptions {
  readonly assertion: string;
  readonly authorityHost: string;
  readonly onRefusal: (reply: AzureRefusal) => void;
}

// A new object for each attempt: MSAL throttles an object that once saw a 429. Retries are ours (core), so theirs are off.
async function openCredential(ctx: Context, way: Exclude<EntraWay, { kind: 'cli' }>, options: CredentialOptions): Promise<TokenSource> {
  const { ClientAssertionCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const shared = { httpClient: createAzureHttpClient(ctx.fetch, ctx.signal, options.onRefusal), retryOptions: { maxRetries: 0 } };
  if (way.kind === 'managed-identity') return new ManagedIdentityCredential({ ...shared, ...(way.clientId === undefined ? {} : { clientId: way.clientId }) });
  return new ClientAssertionCredential(way.tenantId, way.clientId, () => Promise.resolve(options.assertion), { ...shared, authorityHost: options.authorityHost, disableInstanceDiscovery: true });
}

/** By `az` itself and not by the library's credential, which would start a process behind the back of `ctx`. */
async function requestFromCli(ctx: Context, audience: string, tenantId: string | undefined): Promise<RawToken> {
  const args = ['account', 'get-access-token', '--output', 'json', '--resource', audience, ...(tenantId === undefined ? [] : ['--tenant', tenantId])];
  const hint = 'Run az login, or set azure-client-id and azure-tenant-id for a federated sign-in, or choose another registry-sign-in.';
  const fail = (message: string, cause?: unknown): Failure => new Failure({ code: 'AZURE_LOGIN_FAILED', message, hint, facts: { way: 'cli' }, cause });
  const run = async () => {
    try {
      return await ctx.exec.run({ file: 'az', args, timeoutSeconds: 120 });
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code === 'TOOL_MISSING') throw fail('the registry sign-in is cli, but the Azure CLI is not installed', thrown);
      throw thrown;
    }
  };
  const { exitCode, stdout, stderr } = await run();
  if (exitCode !== 0) throw fail(`the Azure CLI gives no token: ${stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? `exit code ${exitCode}`}`);
  const { accessToken, expires_on: expiresOn } = parseJsonObject(stdout, 'the answer of az account get-access-token', 'AZURE_LOGIN_FAILED');
  if (typeof accessToken !== 'string' || accessToken === '') throw fail('the Azure CLI answered without a token');
  return { token: accessToken, until: Number(expiresOn) * 1000 || ctx.clock.now().getTime() + 2000 * marginSeconds };
}
