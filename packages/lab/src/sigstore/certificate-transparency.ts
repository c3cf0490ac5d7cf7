// SPDX-License-Identifier: Apache-2.0
// Signed certificate timestamps for precertificates (RFC 6962, 3.2 and 3.3). The lab's log promises; it keeps no tree of certificates.
import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { extension } from './certificate.ts';
import { octetString } from './der.ts';

const uint = (value: number | bigint, bytes: number): Buffer => Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');
const withLength = (content: Uint8Array, bytes: number): Buffer => Buffer.concat([uint(content.length, bytes), content]);

/** What the log signs: RFC 6962, 3.2, PreCert. */
export interface Precertificate {
  /** TBSCertificate without the extension that this makes. */
  readonly toBeSigned: Uint8Array;
  /** SubjectPublicKeyInfo of the issuer. */
  readonly issuerKey: Uint8Array;
  readonly time: Date;
}

/** The extension that carries one SCT. */
export function timestampList(precertificate: Precertificate, key: KeyObject): Buffer {
  const id = createHash('sha256').update(createPublicKey(key).export({ type: 'spki', format: 'der' })).digest();
  const time = uint(BigInt(precertificate.time.getTime()), 8);
  const entry = Buffer.concat([createHash('sha256').update(precertificate.issuerKey).digest(), withLength(precertificate.toBeSigned, 3)]);
  // version v1, certificate_timestamp, time, precert_entry, entry, no extensions
  const signed = Buffer.concat([uint(0, 1), uint(0, 1), time, uint(1, 2), entry, uint(0, 2)]);
  // sha256 (4), ecdsa (3)
  const signature = Buffer.concat([uint(4, 1), uint(3, 1), withLength(sign('sha256', signed, key), 2)]);
  const timestamp = Buffer.concat([uint(0, 1), id, time, uint(0, 2), signature]);
  return extension('1.3.6.1.4.1.11129.2.4.2', octetString(withLength(withLength(timestamp, 2), 2)));
}
