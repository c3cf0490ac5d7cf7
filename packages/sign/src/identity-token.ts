// SPDX-License-Identifier: Apache-2.0
// The OIDC token of the run: asked for, hidden, and its claims read. The token itself never leaves this file and certificate.ts.
import { Failure, isJsonObject, type Context, type JsonObject } from '@pratique/core';

/** A token for Fulcio. `challenge` is what the key signs to prove possession (Fulcio docs, certificate-issuing-overview). */
export interface IdentityToken {
  readonly text: string;
  readonly claims: JsonObject;
  readonly challenge: string;
}

/** Asks the host for a token with audience `sigstore`. Fails with `IDENTITY_UNAVAILABLE` or `SIGN_IDENTITY_REFUSED`. */
export async function requestIdentityToken(ctx: Context): Promise<IdentityToken> {
  const text = await ctx.identity('sigstore');
  ctx.mask(text);
  const claims = readClaims(text);
  const email = claims['email_verified'] === true || claims['email_verified'] === 'true' ? claims['email'] : undefined;
  const challenge = email ?? claims['sub'];
  if (typeof challenge !== 'string' || challenge === '') throw unreadable('has no subject');
  return { text, claims, challenge };
}

/** Whether this run can sign at all, asked before it does anything. Fails as `requestIdentityToken`. */
export async function requireIdentity(ctx: Context): Promise<void> {
  await requestIdentityToken(ctx);
}

function readClaims(token: string): JsonObject {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    if (isJsonObject(claims)) return claims;
  } catch (thrown) {
    // The parser's message quotes the token: it is left out, also as cause.
    throw unreadable(thrown instanceof SyntaxError ? 'is not a JSON Web Token' : 'cannot be read');
  }
  throw unreadable('holds no claims');
}

function unreadable(why: string): Failure {
  return new Failure({ code: 'SIGN_IDENTITY_REFUSED', message: `the identity token ${why}` });
}
