// SPDX-License-Identifier: Apache-2.0
// The key that a log entry names: a certificate or a public key, in PEM or DER.
import { createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto';

/** An entry that the log refuses; the message goes to the client. */
export class EntryRefused extends Error {}

/** Reads a certificate or public key. Throws `EntryRefused`. */
export function readVerifierKey(bytes: Uint8Array, form: 'pem' | 'certificate' | 'publicKey'): KeyObject {
  try {
    if (form === 'publicKey') return createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
    if (form === 'pem' && Buffer.from(bytes).includes('-----BEGIN PUBLIC KEY-----')) return createPublicKey(Buffer.from(bytes));
    return new X509Certificate(Buffer.from(bytes)).publicKey;
  } catch (cause) {
    throw new EntryRefused('failure to parse public key or certificate', { cause });
  }
}

/** Strict base64. Throws `EntryRefused`. */
export function readBase64(value: unknown, what: string): Buffer {
  if (typeof value === 'string' && value !== '' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) return Buffer.from(value, 'base64');
  throw new EntryRefused(`${what} is not base64`);
}

/** Whether `signature` is over `message`: SHA-256 for every key but Ed25519, which hashes by itself. */
export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256', message, key, signature);
}
