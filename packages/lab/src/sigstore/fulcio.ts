// SPDX-License-Identifier: Apache-2.0
// Fulcio's API v2 over JSON (https://github.com/sigstore/fulcio/blob/main/fulcio.proto): an ID token and a proof of possession become a certificate of ten minutes.
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '@pratique/core';
import { verifyToken } from '../identity-token.ts';
import { jsonReply } from '../reply.ts';
import { authorityKeyIdentifier, extendedKeyUsage, keyUsage, newSerial, signCertificate, subjectKeyIdentifier, toBeSigned, toPem } from './certificate.ts';
import { timestampList } from './certificate-transparency.ts';
import { sequence } from './der.ts';
import type { Hierarchy } from './hierarchy.ts';
import { readIdentity, type CertificateIdentity, type FulcioIssuer } from './workflow-identity.ts';

/** What certificates are issued from. */
export interface FulcioOptions {
  readonly authority: Hierarchy;
  readonly logKey: KeyObject;
  readonly issuers: readonly FulcioIssuer[];
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  readonly log: (line: string) => void;
}

const codeSigning = '1.3.6.1.5.5.7.3.3';
const validMinutes = 10;

/** A refusal with the text that the real server sends; the cause is in the server's log only. */
class Refused extends Error {
  readonly status: number;
  constructor(message: string, detail: string, status = 400) {
    super(message, { cause: detail });
    this.status = status;
  }
}

/** Answers Fulcio's paths, or `undefined`. */
export async function handleFulcio(request: Request, options: FulcioOptions): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  if (pathname === '/api/v2/trustBundle') return jsonReply(200, { chains: [{ certificates: options.authority.chain.map((der) => toPem(der)) }] });
  if (pathname === '/api/v2/configuration') return jsonReply(200, { issuers: options.issuers.map(describeIssuer) });
  if (pathname !== '/api/v2/signingCert' || request.method !== 'POST') return undefined;
  try {
    const certificate = await issue(request, options);
    // 200, not 201: cosign 3 refuses anything else.
    return jsonReply(200, { signedCertificateEmbeddedSct: { chain: { certificates: [certificate, ...options.authority.chain].map((der) => toPem(der)) } } });
  } catch (thrown) {
    if (!(thrown instanceof Refused)) throw thrown;
    options.log(`fulcio: ${thrown.message}: ${String(thrown.cause)}`);
    return jsonReply(thrown.status, { code: thrown.status === 401 ? 16 : 3, message: thrown.message, details: [] });
  }
}

function describeIssuer(issuer: FulcioIssuer): unknown {
  const claim = issuer.type === 'email' ? 'email' : 'sub';
  return { issuerUrl: issuer.url, audience: 'sigstore', challengeClaim: claim, spiffeTrustDomain: '', issuerType: issuer.type, subjectDomain: '' };
}

async function issue(request: Request, options: FulcioOptions): Promise<Buffer> {
  const body = await readBody(request);
  const identity = await authenticate(request, body, options);
  const publicKey = readProvenKey(body, identity);
  const now = options.now();
  const content = {
    serial: newSerial(),
    issuer: options.authority.issuer.name,
    subject: sequence(),
    notBefore: now,
    notAfter: new Date(now.getTime() + validMinutes * 60_000),
    publicKey,
    extensions: [
      keyUsage('digitalSignature'),
      extendedKeyUsage(codeSigning, false),
      subjectKeyIdentifier(publicKey),
      authorityKeyIdentifier(options.authority.issuer.publicKey),
      ...identity.extensions,
    ],
  };
  const timestamps = timestampList({ toBeSigned: toBeSigned(content), issuerKey: options.authority.issuer.publicKey, time: now }, options.logKey);
  return signCertificate({ ...content, extensions: [...content.extensions, timestamps] }, options.authority.issuer.key);
}

async function readBody(request: Request): Promise<JsonObject> {
  const text = await request.text();
  try {
    const body: unknown = JSON.parse(text);
    if (isJsonObject(body)) return body;
  } catch (thrown) {
    throw new Refused('invalid JSON', String(thrown));
  }
  throw new Refused('invalid JSON', 'not an object');
}

// cosign 3 sends the token as Authorization: Bearer, @sigstore/sign in the body.
async function authenticate(request: Request, body: JsonObject, options: FulcioOptions): Promise<CertificateIdentity> {
  const credentials = isJsonObject(body['credentials']) ? body['credentials']['oidcIdentityToken'] : undefined;
  const token = typeof credentials === 'string' ? credentials : /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token === undefined) throw new Refused('There was an error processing the credentials for this request', 'no token', 401);
  const issuers = options.issuers.map((issuer) => issuer.url);
  const checked = await verifyToken({ token, issuers, audience: 'sigstore', now: options.now(), fetch: options.fetch });
  if (!('claims' in checked)) throw new Refused('There was an error processing the identity token', checked.reason);
  const issuer = options.issuers.find((each) => each.url === checked.claims['iss']);
  if (issuer === undefined) throw new Refused('There was an error processing the identity token', 'issuer');
  const identity = readIdentity(checked.claims, issuer);
  if ('claim' in identity) throw new Refused(`value <${identity.claim}> not present in either claims or defaults`, 'claim');
  return identity;
}

/** SubjectPublicKeyInfo, after the client has proven that it has the private key. */
function readProvenKey(body: JsonObject, identity: CertificateIdentity): Buffer {
  const request = body['publicKeyRequest'];
  const named = isJsonObject(request) ? request['publicKey'] : undefined;
  if (!isJsonObject(request) || !isJsonObject(named)) throw new Refused('The public key supplied in the request could not be parsed', 'no publicKeyRequest');
  let key: KeyObject;
  try {
    key = createPublicKey(String(named['content']));
  } catch (thrown) {
    throw new Refused('The public key supplied in the request could not be parsed', String(thrown));
  }
  const hash = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' }[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? (key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256');
  if (!verify(hash, Buffer.from(identity.challenge), key, Buffer.from(String(request['proofOfPossession']), 'base64'))) {
    throw new Refused('The signature supplied in the request could not be verified', 'proof of possession');
  }
  return key.export({ type: 'spki', format: 'der' });
}
