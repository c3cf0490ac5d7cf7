// SPDX-License-Identifier: Apache-2.0
// X.509 certificates (RFC 5280) with ECDSA P-256 and SHA-256.
// Written by hand because a precertificate (RFC 6962) needs the to-be-signed bytes with and without one extension.
import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto';
import { bitString, boolean, certificateTime, context, element, integer, objectIdentifier, octetString, readSequence, sequence, setOf, utf8String } from './der.ts';

/** What a certificate says before it is signed; names and extensions are DER. */
export interface CertificateContent {
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

/** AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758). */
export const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** 20 random octets, positive. */
export function newSerial(): Buffer {
  const serial = randomBytes(20);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return serial;
}

/** `O=organization, CN=commonName`. */
export function distinguishedName(organization: string, commonName: string): Buffer {
  const part = (oid: string, text: string): Buffer => setOf(sequence(objectIdentifier(oid), utf8String(text)));
  return sequence(part('2.5.4.10', organization), part('2.5.4.3', commonName));
}

/** One Extension. */
export function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** Bits as RFC 5280, 4.2.1.3 names them. */
export function keyUsage(use: 'digitalSignature' | 'certificateSigning'): Buffer {
  return extension('2.5.29.15', use === 'digitalSignature' ? bitString(Buffer.from([0x80]), 7) : bitString(Buffer.from([0x06]), 1), true);
}

/** One purpose (RFC 5280, 4.2.1.12). */
export function extendedKeyUsage(oid: string, critical: boolean): Buffer {
  return extension('2.5.29.37', sequence(objectIdentifier(oid)), critical);
}

/** BasicConstraints of an authority with at most `pathLength` authorities below it. */
export function authority(pathLength: number): Buffer {
  return extension('2.5.29.19', sequence(boolean(true), integer(pathLength)), true);
}

/** SHA-1 of the key bits, as RFC 5280, 4.2.1.2 (1) says. */
export function keyIdentifier(publicKey: Uint8Array): Buffer {
  const bits = readSequence(publicKey)[1]?.content.subarray(1) ?? Buffer.alloc(0);
  return createHash('sha1').update(bits).digest();
}

/** Which key the certificate holds (RFC 5280, 4.2.1.2). */
export const subjectKeyIdentifier = (publicKey: Uint8Array): Buffer => extension('2.5.29.14', octetString(keyIdentifier(publicKey)));
/** Which key signed it (RFC 5280, 4.2.1.1). */
export const authorityKeyIdentifier = (publicKey: Uint8Array): Buffer => extension('2.5.29.35', sequence(element(0x80, keyIdentifier(publicKey))));

/** Critical, because the subject is empty (RFC 5280, 4.2.1.6). */
export function alternativeName(name: { readonly uri: string } | { readonly email: string }): Buffer {
  return extension('2.5.29.17', sequence('uri' in name ? element(0x86, Buffer.from(name.uri)) : element(0x81, Buffer.from(name.email))), true);
}

/** TBSCertificate. */
export function toBeSigned(content: CertificateContent): Buffer {
  return sequence(
    context(0, integer(2)),
    integer(content.serial),
    ecdsaWithSha256,
    content.issuer,
    sequence(certificateTime(content.notBefore), certificateTime(content.notAfter)),
    content.subject,
    content.publicKey,
    context(3, sequence(...content.extensions)),
  );
}

/** The certificate, DER. */
export function signCertificate(content: CertificateContent, key: KeyObject): Buffer {
  const tbs = toBeSigned(content);
  return sequence(tbs, ecdsaWithSha256, bitString(sign('sha256', tbs, key)));
}

/** PEM of DER bytes, 64 columns. */
export function toPem(der: Uint8Array, label = 'CERTIFICATE'): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/(.{64})(?!$)/g, '$1\n')}\n-----END ${label}-----\n`;
}
