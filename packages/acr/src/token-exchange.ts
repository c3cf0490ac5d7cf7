// SPDX-License-Identifier: Apache-2.0
// Entra token -> refresh token -> access token per scope set (Azure/acr docs/AAD-OAuth.md), each kept until shortly before its end.
import { addSecret, Failure } from '@pratique/core';
import { anonymousAuthenticator, createGrantCache, jwtClaims, readGrant, type Authenticator, type AuthorizationRequest, type Grant } from '@pratique/oci';
import type { EntraToken, EntraTokens } from '@pratique/azure';
import { parseScope, roleHint } from './role-hint.ts';

export interface ExchangeOptions {
  readonly entra: EntraTokens;
  readonly tenantId: string | undefined;
  readonly mode: 'abac' | 'legacy';
  /** Whether the registry is Azure's by its name, so that no challenge has to be waited for. */
  readonly known: boolean;
  /** Whether an Entra token may be shown to this host at all. */
  readonly trusted: boolean;
}

interface RefreshToken {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly objectId: string | undefined;
}

const marginMilliseconds = 60_000;

/**
 * Authorises calls to ACR. A registry whose challenge is not ACR's gets anonymous token authentication: an Entra token
 * for registries is good at every registry of its audience, so no other host may see it.
 * Fails with `ACR_EXCHANGE_REFUSED`, and with `ACR_ROLE_MISSING` as soon as the token lacks an action of the first scope.
 */
export function exchangeAuthenticator(options: ExchangeOptions): Authenticator {
  const grants = createGrantCache();
  const others = anonymousAuthenticator();
  let azure: boolean | undefined = options.known ? true : undefined;
  let service: string | undefined;
  let refresh: Promise<RefreshToken> | undefined;

  const refreshToken = async (request: AuthorizationRequest): Promise<RefreshToken> => {
    const current = refresh;
    const kept = await settle(current);
    if (kept !== undefined && kept.until - marginMilliseconds > request.now().getTime()) return kept;
    if (refresh === current) refresh = exchangeToken(request, service ?? request.registry, await options.entra(), options.tenantId);
    return refresh ?? exchangeToken(request, service ?? request.registry, await options.entra(), options.tenantId);
  };

  const grant = async (request: AuthorizationRequest): Promise<Grant> => {
    const first = await refreshToken(request);
    const reply = await postToken(request, service ?? request.registry, first.value);
    if (reply.status !== 401 && reply.status !== 403) return checkGrant(readGrant(reply, request), request, first, options.mode);
    // Every issued credential ends when the role mode of a registry is switched: one new exchange, then it is final.
    refresh = undefined;
    const second = await refreshToken(request);
    return checkGrant(readGrant(await postToken(request, service ?? request.registry, second.value), request), request, second, options.mode);
  };

  return {
    async authorize(request) {
      if (request.challenge !== undefined) {
        azure = options.trusted && isAzureChallenge(request);
        service = request.challenge.service;
      }
      if (azure === undefined) return undefined;
      return azure ? grants.take(request, () => grant(request)) : others.authorize(request);
    },
  };
}

async function settle<T>(pending: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await pending;
  } catch {
    // Told to whoever asked for it; the next caller tries anew.
    return undefined;
  }
}

function isAzureChallenge({ challenge, registry }: AuthorizationRequest): boolean {
  return challenge?.scheme === 'bearer' && challenge.realm !== undefined && URL.canParse(challenge.realm) && new URL(challenge.realm).host === registry.replace(/:443$/, '') && new URL(challenge.realm).pathname === '/oauth2/token';
}

async function exchangeToken(request: AuthorizationRequest, service: string, entra: EntraToken, tenantId: string | undefined): Promise<RefreshToken> {
  const form = new URLSearchParams({ grant_type: 'access_token', service, access_token: entra.token, ...(tenantId === undefined ? {} : { tenant: tenantId }) });
  const reply = await request.call({ method: 'POST', url: `https://${request.registry}/oauth2/exchange`, form });
  const value = reply.body['refresh_token'];
  if (reply.status !== 200 || typeof value !== 'string' || value === '') {
    throw new Failure({
      code: 'ACR_EXCHANGE_REFUSED', message: `${request.registry} does not take the Entra token (status ${reply.status})`,
      hint: 'Check that the registry belongs to the tenant of the sign-in and that azure-audience is https://containerregistry.azure.net; registries may refuse the audience of Azure Resource Manager.',
      facts: { registry: request.registry, status: reply.status, errors: errorCodes(reply.body) },
    });
  }
  addSecret(value);
  const ends = jwtClaims(value)?.['exp'];
  return { value, until: typeof ends === 'number' ? ends * 1000 : request.now().getTime() + 10 * 60_000, objectId: entra.objectId };
}

function errorCodes(body: Readonly<Record<string, unknown>>): readonly string[] {
  const list: unknown = body['errors'];
  return Array.isArray(list) ? list.slice(0, 5).map((entry: unknown) => (typeof entry === 'object' && entry !== null && 'code' in entry ? String(entry.code) : '')) : [];
}

function postToken(request: AuthorizationRequest, service: string, refreshToken: string): ReturnType<AuthorizationRequest['call']> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', service, refresh_token: refreshToken });
  for (const scope of request.scopes) form.append('scope', scope);
  return request.call({ method: 'POST', url: `https://${request.registry}/oauth2/token`, form });
}

// ACR answers 200 also when a right is missing; the token then lacks the action, and the call itself would only be told so after the body was sent.
function checkGrant(grant: Grant, request: AuthorizationRequest, refresh: RefreshToken, mode: 'abac' | 'legacy'): Grant {
  const [scope] = request.scopes;
  if (scope === undefined || grants(grant.header, scope) !== false) return grant;
  const { name, actions } = parseScope(scope);
  throw new Failure({
    code: 'ACR_ROLE_MISSING', message: `the identity may not ${actions.join(' and ')} on ${request.registry}/${name}`,
    hint: roleHint({ registry: request.registry, scope, mode, assignee: refresh.objectId }), facts: { registry: request.registry, scope, assignee: refresh.objectId },
  });
}

/** Whether an Authorization header grants every action of `scope`, by the `access` claim of its token; `undefined` when the token does not say. */
export function grants(header: string, scope: string): boolean | undefined {
  const access = jwtClaims(header.replace(/^Bearer /, ''))?.['access'];
  if (!Array.isArray(access)) return undefined;
  const wanted = parseScope(scope);
  const entries = access.filter((entry): entry is { type: unknown; name: unknown; actions: unknown[] } => typeof entry === 'object' && entry !== null && 'actions' in entry && Array.isArray(entry.actions));
  const granted = new Set(entries.filter((entry) => entry.type === wanted.type && entry.name === wanted.name).flatMap((entry) => entry.actions));
  return granted.has('*') || wanted.actions.every((action) => granted.has(action));
}
