// SPDX-License-Identifier: Apache-2.0
// Token authentication (distribution: docs/content/spec/auth/token.md, oauth.md) and Basic, with a cache per scope set.
import { addSecret, Failure } from '@pratique/core';
import type { AuthorizationRequest, Authenticator, TokenReply } from './authentication.ts';
import type { Challenge } from './challenge.ts';

/** Credentials for one registry: a name with password, or an identity (refresh) token. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly refreshToken: string };

/** Looks credentials up by registry host; `undefined` = anonymous. */
export type CredentialsSource = (registry: string) => Promise<Credentials | undefined>;

/** A header that opens something, until a time. */
export interface Grant {
  readonly header: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

const shortestLifeSeconds = 60;
const marginSeconds = 30;

/** An authenticator with one user name and password for every registry that asks. */
export function staticCredentials(username: string, password: string): Authenticator {
  addSecret(password);
  return tokenAuthenticator(() => Promise.resolve({ username, password }));
}

/** Nobody: fetches anonymous tokens where the registry wants one. */
export function anonymousAuthenticator(): Authenticator {
  return tokenAuthenticator(() => Promise.resolve(undefined));
}

/**
 * Answers Bearer challenges at their realm (GET with Basic, or POST with a refresh token) and Basic challenges directly.
 * Tokens are kept per scope set until shortly before they end; equal requests under way share one call.
 * Fails with `REGISTRY_UNAUTHORIZED` when the token endpoint refuses.
 */
export function tokenAuthenticator(credentialsOf: CredentialsSource): Authenticator {
  const challenges = new Map<string, Challenge>();
  const grants = createGrantCache();
  return {
    async authorize(request) {
      if (request.challenge) challenges.set(request.registry, request.challenge);
      const challenge = request.challenge ?? challenges.get(request.registry);
      if (challenge === undefined) return undefined;
      return grants.take(request, async () => grantFor(request, challenge, await credentialsOf(request.registry)));
    },
  };
}

/** Keeps grants per registry and scope set. */
export interface GrantCache {
  /** The header of a grant that is valid and was not refused, or of the one that `fetch` gets; one fetch at a time per key. */
  take(request: Pick<AuthorizationRequest, 'registry' | 'scopes' | 'refused' | 'now'>, fetch: () => Promise<Grant | undefined>): Promise<string | undefined>;
}

export function createGrantCache(): GrantCache {
  const grants = new Map<string, Promise<Grant | undefined>>();
  return {
    async take(request, fetch) {
      const key = JSON.stringify([request.registry, [...request.scopes].sort()]);
      const kept = grants.get(key);
      const grant = await keptGrant(kept);
      if (grant !== undefined && grant.header !== request.refused && grant.until > request.now().getTime()) return grant.header;
      // While we looked, another caller may have started the fetch that we were about to start.
      const pending = grants.get(key) === kept ? fetch() : grants.get(key);
      if (pending === undefined) return undefined;
      grants.set(key, pending);
      return (await pending)?.header;
    },
  };
}

async function keptGrant(pending: Promise<Grant | undefined> | undefined): Promise<Grant | undefined> {
  try {
    return await pending;
  } catch {
    // Whoever asked for it got the failure; the next one asks anew.
    return undefined;
  }
}

async function grantFor(request: AuthorizationRequest, challenge: Challenge, credentials: Credentials | undefined): Promise<Grant | undefined> {
  if (challenge.scheme === 'bearer') return bearerGrant(request, challenge, credentials);
  if (credentials === undefined || !('username' in credentials)) return undefined;
  return { header: basicHeader(credentials), until: Number.MAX_SAFE_INTEGER };
}

/** Value of a Basic Authorization header (RFC 7617, UTF-8). */
export function basicHeader(credentials: { readonly username: string; readonly password: string }): string {
  const header = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  addSecret(header);
  return `Basic ${header}`;
}

async function bearerGrant(request: AuthorizationRequest, challenge: Challenge, credentials: Credentials | undefined): Promise<Grant> {
  if (challenge.realm === undefined) throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${request.registry} asks for a token without saying where` });
  const scopes = request.scopes.length > 0 ? request.scopes : (challenge.scope ?? '').split(' ').filter(Boolean);
  const reply = await (credentials && 'refreshToken' in credentials ? postRefresh(request, challenge, scopes, credentials.refreshToken) : getToken(request, challenge, scopes, credentials));
  return readGrant(reply, request);
}

function getToken(request: AuthorizationRequest, challenge: Challenge, scopes: readonly string[], credentials: Extract<Credentials, { username: string }> | undefined): Promise<TokenReply> {
  const url = new URL(challenge.realm ?? '');
  if (challenge.service !== undefined) url.searchParams.append('service', challenge.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return request.call({ method: 'GET', url: url.href, headers: credentials === undefined ? {} : { authorization: basicHeader(credentials) } });
}

function postRefresh(request: AuthorizationRequest, challenge: Challenge, scopes: readonly string[], refreshToken: string): Promise<TokenReply> {
  const form = new URLSearchParams({ grant_type: 'refresh_token', service: challenge.service ?? request.registry, client_id: 'pratique', refresh_token: refreshToken });
  // ACR reads repeated fields; distribution's oauth.md joins by blanks. For one scope both are the same.
  for (const scope of scopes) form.append('scope', scope);
  return request.call({ method: 'POST', url: challenge.realm ?? '', form });
}

/** Reads `{ token | access_token, expires_in }`; the end of a JWT is believed when `expires_in` is missing, as on ACR. Fails with `REGISTRY_UNAUTHORIZED`. */
export function readGrant(reply: TokenReply, request: Pick<AuthorizationRequest, 'registry' | 'now'>): Grant {
  const { token, access_token: accessToken, expires_in: expiresIn } = reply.body;
  const value = typeof token === 'string' && token !== '' ? token : accessToken;
  if (reply.status !== 200 || typeof value !== 'string' || value === '') {
    throw new Failure({ code: 'REGISTRY_UNAUTHORIZED', message: `${request.registry} gives no token for these credentials (status ${reply.status})`, facts: { registry: request.registry, status: reply.status } });
  }
  addSecret(value);
  const now = request.now().getTime();
  const stated = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : ((jwtClaims(value)?.['exp'] as number | undefined) ?? 0) - now / 1000;
  const life = Number.isFinite(stated) && stated > 0 ? Math.min(stated, 24 * 3600) : shortestLifeSeconds;
  return { header: `Bearer ${value}`, until: now + Math.max(life / 2, life - marginSeconds) * 1000 };
}

/** Claims of a JWT without checking it: for lifetimes and hints, never for trust. `undefined` when it is none. */
export function jwtClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, , ...rest] = token.split('.');
  if (payload === undefined || rest.length > 0) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    // An opaque token: it has no claims that could be read.
    return undefined;
  }
}
