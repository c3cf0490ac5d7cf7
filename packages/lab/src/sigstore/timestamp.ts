// SPDX-License-Identifier: Apache-2.0
// The timestamp authority (RFC 3161 over CMS, RFC 5652), as https://github.com/sigstore/timestamp-authority answers: DER and JSON requests.
import { createHash, sign } from 'node:crypto';
import { isJsonObject } from '@pratique/core';
import { jsonReply, textReply } from '../reply.ts';
import { ecdsaWithSha256, newSerial, toPem } from './certificate.ts';
import { certificateTime, context, generalizedTime, integer, nothing, objectIdentifier, octetString, readElements, readSequence, sequence, setOf, sortedSet } from './der.ts';
import type { Hierarchy } from './hierarchy.ts';

const oids = {
  signedData: '1.2.840.113549.1.7.2',
  timestampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
  policy: '1.3.6.1.4.1.57264.2',
};
const hashes: Readonly<Record<string, { readonly oid: string; readonly length: number }>> = {
  sha256: { oid: oids.sha256, length: 32 },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', length: 48 },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', length: 64 },
};

/** What the client wants stamped. */
interface TimestampRequest {
  readonly algorithm: string;
  readonly digest: Buffer;
  readonly nonce?: Buffer;
  readonly certificates: boolean;
}

/** Answers the authority's paths, or `undefined`. */
export async function handleTimestamp(request: Request, authority: Hierarchy, now: () => Date): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  if (pathname === '/api/v1/timestamp/certchain') return textReply(200, authority.chain.map((der) => toPem(der)).join(''), 'application/pem-certificate-chain');
  if (pathname !== '/api/v1/timestamp' || request.method !== 'POST') return undefined;
  const json = (request.headers.get('content-type') ?? '').startsWith('application/json');
  const wanted = json ? readJsonRequest(await request.text()) : readDerRequest(Buffer.from(await request.arrayBuffer()));
  if (wanted === undefined) return jsonReply(400, { code: 400, message: 'Error parsing timestamp request' });
  return new Response(new Uint8Array(stamp(wanted, authority, now())), { status: 201, headers: { 'content-type': 'application/timestamp-reply' } });
}

function readJsonRequest(text: string): TimestampRequest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return undefined;
    const { artifactHash, hashAlgorithm, nonce, certificates } = value;
    const digest = Buffer.from(String(artifactHash), 'base64');
    if (hashes[String(hashAlgorithm)]?.length !== digest.length) return undefined;
    return { algorithm: String(hashAlgorithm), digest, certificates: certificates === true, ...(typeof nonce === 'number' ? { nonce: integer(nonce) } : {}) };
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function readDerRequest(bytes: Buffer): TimestampRequest | undefined {
  try {
    const [version, imprint, ...optional] = readSequence(bytes);
    const [hash, digest] = imprint === undefined ? [] : readElements(imprint.content);
    const oid = hash === undefined ? undefined : readElements(hash.content)[0]?.whole;
    const algorithm = Object.keys(hashes).find((name) => oid?.equals(objectIdentifier(hashes[name]?.oid ?? '')));
    if (version?.tag !== 0x02 || algorithm === undefined || digest?.content.length !== hashes[algorithm]?.length || digest === undefined) return undefined;
    const nonce = optional.find((each) => each.tag === 0x02)?.whole;
    const certificates = optional.some((each) => each.tag === 0x01 && each.content[0] === 0xff);
    return { algorithm, digest: digest.content, certificates, ...(nonce === undefined ? {} : { nonce }) };
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** TimeStampResp with status granted. */
function stamp(request: TimestampRequest, authority: Hierarchy, now: Date): Buffer {
  const information = sequence(
    integer(1),
    objectIdentifier(oids.policy),
    sequence(sequence(objectIdentifier(hashes[request.algorithm]?.oid ?? ''), nothing()), octetString(request.digest)),
    integer(newSerial()),
    generalizedTime(now),
    sequence(integer(1)),
    ...(request.nonce === undefined ? [] : [request.nonce]),
  );
  const sha256 = sequence(objectIdentifier(oids.sha256));
  const signedData = sequence(
    integer(3),
    setOf(sha256),
    sequence(objectIdentifier(oids.timestampInfo), context(0, octetString(information))),
    ...(request.certificates ? [context(0, ...sortedSet(authority.chain.slice(0, 1)))] : []),
    setOf(signerInfo(information, authority, now)),
  );
  return sequence(sequence(integer(0)), sequence(objectIdentifier(oids.signedData), context(0, signedData)));
}

function signerInfo(information: Buffer, authority: Hierarchy, now: Date): Buffer {
  const attribute = (oid: string, value: Uint8Array): Buffer => sequence(objectIdentifier(oid), setOf(value));
  const digest = (bytes: Uint8Array): Buffer => octetString(createHash('sha256').update(bytes).digest());
  const leaf = authority.chain[0] ?? Buffer.alloc(0);
  const attributes = sortedSet([
    attribute(oids.contentType, objectIdentifier(oids.timestampInfo)),
    attribute(oids.signingTime, certificateTime(now)),
    attribute(oids.messageDigest, digest(information)),
    attribute(oids.signingCertificate, sequence(sequence(sequence(digest(leaf))))),
  ]);
  // The signature is over the attributes as a SET OF; in the message they are [0] IMPLICIT (RFC 5652, 5.4).
  const signature = sign('sha256', setOf(...attributes), authority.issuer.key);
  const issuerName = readSequence(readSequence(leaf)[0]?.whole ?? leaf)[3]?.whole ?? Buffer.alloc(0);
  return sequence(
    integer(1),
    sequence(issuerName, integer(authority.issuer.serial)),
    sequence(objectIdentifier(oids.sha256)),
    context(0, ...attributes),
    ecdsaWithSha256,
    octetString(signature),
  );
}
