// SPDX-License-Identifier: Apache-2.0
// One ephemeral key and one Fulcio certificate for all statements of a run; renewed before it expires.
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { Failure, isJsonObject, parseJsonObject, type Context, type JsonObject, type SignerIdentity } from '@pratique/core';
import { readCertificateIdentity } from './certificate-identity.ts';
import { requestIdentityToken, type IdentityToken } from './identity-token.ts';
import { callService } from './service-call.ts';
import type { SigningServer } from './signing-config.ts';

/** A key whose holder is certified. The private key lives in memory alone. */
export interface CertifiedKey {
  /** DER of the leaf. */
  readonly certificate: Buffer;
  readonly pem: string;
  readonly notAfter: Date;
  readonly identity: Extract<SignerIdentity, { kind: 'keyless' }>;
  /** Claims of the token that Fulcio verified for this certificate. */
  readonly claims: JsonObject;
  /** ECDSA P-256 with SHA-256, DER. Fresh randomness each time: the same bytes never give the same signature twice. */
  sign(bytes: Uint8Array): Buffer;
}

const marginSeconds = 60;

/** Gives the current key; asks Fulcio (https://github.com/sigstore/fulcio, POST /api/v2/signingCert) only when there is none or it is about to expire. */
export function createKeyHolder(ctx: Context, authority: SigningServer): () => Promise<CertifiedKey> {
  let current: Promise<CertifiedKey> | undefined;
  return async () => {
    const held = await current;
    if (held && held.notAfter.getTime() - ctx.clock.now().getTime() > marginSeconds * 1000) return held;
    const asked = certify(ctx, authority);
    current = asked;
    // A failed request must not be remembered, or every later statement fails with it.
    asked.catch(() => { if (current === asked) current = undefined; });
    return asked;
  };
}

async function certify(ctx: Context, authority: SigningServer): Promise<CertifiedKey> {
  const token = await requestIdentityToken(ctx);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signWith = (bytes: Uint8Array): Buffer => sign('sha256', bytes, privateKey);
  const pem = await requestCertificate(ctx, authority, { token, publicKey, proof: signWith(Buffer.from(token.challenge)) });
  const { X509Certificate } = await import('@sigstore/core');
  try {
    const parsed = X509Certificate.parse(pem);
    const identity = readCertificateIdentity(parsed);
    const certified = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    if (!certified.equals(publicKey.export({ type: 'spki', format: 'der' }))) throw new Error('the certificate is for another key');
    return { certificate: Buffer.from(parsed.root.toDER()), pem, notAfter: parsed.notAfter, identity, claims: token.claims, sign: signWith };
  } catch (cause) {
    throw new Failure({ code: 'SIGN_CERTIFICATE_FAILED', message: `${authority.url} issued a certificate that cannot be used`, cause });
  }
}

interface CertificateRequest {
  readonly token: IdentityToken;
  readonly publicKey: KeyObject;
  readonly proof: Buffer;
}

async function requestCertificate(ctx: Context, authority: SigningServer, { token, publicKey, proof }: CertificateRequest): Promise<string> {
  const body = JSON.stringify({
    credentials: { oidcIdentityToken: token.text },
    publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) }, proofOfPossession: proof.toString('base64') },
  });
  const url = `${authority.url}/api/v2/signingCert`;
  const reply = await callService(ctx, { url, body, timeoutSeconds: 30, unavailable: 'SIGN_CERTIFICATE_FAILED', refused: 'SIGN_IDENTITY_REFUSED' });
  const answer = parseJsonObject(reply.bytes, `the answer of ${url}`, 'SIGN_CERTIFICATE_FAILED');
  const signed = answer['signedCertificateEmbeddedSct'] ?? answer['signedCertificateDetachedSct'];
  const chain = isJsonObject(signed) && isJsonObject(signed['chain']) ? signed['chain']['certificates'] : undefined;
  const leaf: unknown = Array.isArray(chain) ? chain[0] : undefined;
  if (typeof leaf === 'string') return leaf;
  throw new Failure({ code: 'SIGN_CERTIFICATE_FAILED', message: `${url} answered without a certificate` });
}
