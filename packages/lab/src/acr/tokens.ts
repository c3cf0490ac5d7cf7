// SPDX-License-Identifier: Apache-2.0
// The registry's own tokens: ES256 JWTs with the claims of ACR's refresh and access tokens (Azure/acr docs/AAD-OAuth.md).
import { createHash, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { isJsonObject, type JsonObject } from '@pratique/core';

/** One entry of `access`: what an access token allows. */
export interface Access {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly string[];
}

/** Who holds a token, and what it allows. */
export interface TokenClaims {
  readonly sub: string;
  readonly tenant: string;
  readonly grant_type: 'refresh_token' | 'access_token';
  readonly access: readonly Access[];
}

/** Issues and reads tokens. */
export interface Tokens {
  refreshToken(holder: { readonly sub: string; readonly tenant: string }): string;
  accessToken(holder: { readonly sub: string; readonly tenant: string }, access: readonly Access[]): string;
  /** `undefined` when the signature, the audience or the time is wrong. */
  read(token: string): TokenClaims | undefined;
  /** Makes every issued token invalid, as a change of the permission mode does. */
  revokeAll(): void;
}

const issuer = 'Azure Container Registry';
// Microsoft Learn, "Authentication options": three hours for the login; the token service's access tokens live 4500 s.
const lifetimes = { refresh_token: 3 * 3600, access_token: 4500 } as const;
const rememberedTokens = 1000;

/** A token service for the login server that `audience` gives. */
export function createTokens(audience: () => string, now: () => Date): Tokens {
  let keys = newKeys();
  const read = new Map<string, TokenClaims & { readonly exp: number }>();
  const issue = (grant: keyof typeof lifetimes, holder: { sub: string; tenant: string }, access?: readonly Access[]): string => {
    const time = Math.floor(now().getTime() / 1000);
    const claims = {
      jti: randomUUID(), sub: holder.sub, nbf: time, exp: time + lifetimes[grant], iat: time, iss: issuer, aud: audience(), version: '1.0', grant_type: grant, tenant: holder.tenant,
      permissions: { actions: ['read', 'write', 'delete'], notActions: null }, roles: [], ...(access ? { access } : {}),
    };
    const text = `${encode({ alg: 'ES256', typ: 'JWT', kid: keys.id })}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  return {
    refreshToken: (holder) => issue('refresh_token', holder),
    accessToken: (holder, access) => issue('access_token', holder, access),
    read(token) {
      const claims = read.get(token) ?? verifyToken(token, keys.publicKey, audience());
      const time = now().getTime() / 1000;
      if (!claims || claims.exp <= time) return undefined;
      if (read.size >= rememberedTokens) read.clear();
      read.set(token, claims);
      return claims;
    },
    revokeAll() {
      keys = newKeys();
      read.clear();
    },
  };
}

type Keys = ReturnType<typeof generateKeyPairSync> & { readonly id: string };

function newKeys(): Keys {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = createHash('sha256').update(pair.publicKey.export({ type: 'spki', format: 'der' })).digest('base64url').slice(0, 16);
  return { ...pair, id };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function verifyToken(token: string, key: Keys['publicKey'], audience: string): (TokenClaims & { exp: number }) | undefined {
  const [head, body, signature, ...rest] = token.split('.');
  if (!head || !body || !signature || rest.length > 0) return undefined;
  if (!verify('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return undefined;
  const claims = decode(body);
  // Our own signature vouches for the shape; a renamed registry is the one thing that can differ.
  if (claims?.['iss'] !== issuer || claims['aud'] !== audience || typeof claims['exp'] !== 'number') return undefined;
  return { access: [], ...claims } as unknown as TokenClaims & { exp: number };
}
