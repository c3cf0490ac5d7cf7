// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519) with RS256: signed by the lab's issuers, verified through an issuer's own discovery document and key set.
import { createHash, createPublicKey, generateKeyPair, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { isJsonObject, type JsonObject } from '@pratique/core';

/** The key of an issuer and how its key set shows it. */
export interface TokenKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly jwk: JsonObject;
}

/** A new RSA key of 2048 bits. */
export async function newTokenPrivateKey(): Promise<KeyObject> {
  return (await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })).privateKey;
}

/** The key id is the digest of the public key, so it stays when the lab starts again. */
export function tokenKey(privateKey: KeyObject): TokenKey {
  const publicKey = createPublicKey(privateKey);
  const id = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url').slice(0, 27);
  return { id, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg: 'RS256' } };
}

/** A compact JWS over `claims`. */
export function signToken(key: TokenKey, claims: JsonObject): string {
  const encode = (value: JsonObject): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ typ: 'JWT', alg: 'RS256', kid: key.id })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

/** Why a token was not believed; `reason` is for the log and for choosing an error code. */
export interface TokenProblem {
  readonly problem: 'malformed' | 'issuer' | 'signature' | 'expired' | 'audience';
  readonly reason: string;
}

/** What a token must prove. */
export interface TokenCheck {
  readonly token: string;
  /** Accepted issuers; nobody else's keys are fetched. */
  readonly issuers: readonly string[];
  /** Demanded audience; without it any is taken. */
  readonly audience?: string;
  readonly now: Date;
  readonly fetch: typeof fetch;
}

/** Claims of a JWT without any check; `undefined` when it is none. */
export function readClaims(token: string): JsonObject | undefined {
  const [header, payload] = readParts(token);
  return header === undefined ? undefined : payload;
}

function readParts(token: string): readonly [JsonObject, JsonObject] | readonly [undefined, undefined] {
  const parts = token.split('.');
  if (parts.length !== 3) return [undefined, undefined];
  try {
    const [header, payload] = parts.slice(0, 2).map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()));
    return isJsonObject(header) && isJsonObject(payload) ? [header, payload] : [undefined, undefined];
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return [undefined, undefined];
    throw thrown;
  }
}

/** Verifies signature (RS256 only), issuer, audience, `exp` and `nbf` with a minute of leeway. */
export async function verifyToken(check: TokenCheck): Promise<{ readonly claims: JsonObject } | TokenProblem> {
  const [header, claims] = readParts(check.token);
  if (header === undefined) return { problem: 'malformed', reason: 'not a compact JWS' };
  const issuer = claims['iss'];
  if (typeof issuer !== 'string' || !check.issuers.includes(issuer)) return { problem: 'issuer', reason: `issuer ${String(issuer)} is not configured` };
  const key = header['alg'] === 'RS256' ? await findKey(issuer, header['kid'], check.fetch) : undefined;
  const end = check.token.lastIndexOf('.');
  if (key === undefined || !verify('sha256', Buffer.from(check.token.slice(0, end)), key, Buffer.from(check.token.slice(end + 1), 'base64url'))) {
    return { problem: 'signature', reason: `signature does not verify with key ${String(header['kid'])} of ${issuer}` };
  }
  const seconds = check.now.getTime() / 1000;
  if (typeof claims['exp'] !== 'number' || claims['exp'] + 60 < seconds) return { problem: 'expired', reason: `expired at ${String(claims['exp'])}, now ${seconds}` };
  if (typeof claims['nbf'] === 'number' && claims['nbf'] - 60 > seconds) return { problem: 'expired', reason: `not valid before ${claims['nbf']}, now ${seconds}` };
  if (check.audience !== undefined && ![claims['aud']].flat().includes(check.audience)) return { problem: 'audience', reason: `audience ${String(claims['aud'])}` };
  return { claims };
}

async function findKey(issuer: string, id: unknown, fetchFrom: typeof fetch): Promise<KeyObject | undefined> {
  const discovery: unknown = await (await fetchFrom(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(10_000) })).json();
  const address = isJsonObject(discovery) && discovery['issuer'] === issuer ? discovery['jwks_uri'] : undefined;
  if (typeof address !== 'string') return undefined;
  const set: unknown = await (await fetchFrom(address, { signal: AbortSignal.timeout(10_000) })).json();
  const keys: unknown[] = isJsonObject(set) && Array.isArray(set['keys']) ? set['keys'] : [];
  const jwk = keys.find((each) => isJsonObject(each) && each['kid'] === id);
  return isJsonObject(jwk) ? createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }) : undefined;
}
