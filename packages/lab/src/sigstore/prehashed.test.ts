// SPDX-License-Identifier: Apache-2.0
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyDigest } from './prehashed.ts';

const keys = {
  'P-256': { pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha256' },
  'P-384 with SHA-384': { pair: generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha384' },
  'P-384 with SHA-256': { pair: generateKeyPairSync('ec', { namedCurve: 'P-384' }), hash: 'sha256' },
  'P-256 with SHA-512': { pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }), hash: 'sha512' },
  RSA: { pair: generateKeyPairSync('rsa', { modulusLength: 2048 }), hash: 'sha256' },
} as const;

describe('verifyDigest', () => {
  test.each(Object.entries(keys))('%s: accepts what node:crypto signs, and nothing that differs', (_, { pair, hash }) => {
    for (let round = 0; round < 5; round += 1) {
      const message = Buffer.from(`message ${round}`);
      const digest = createHash(hash).update(message).digest();
      const signature = sign(hash, message, pair.privateKey);
      expect(verifyDigest(digest, pair.publicKey, signature)).toBe(true);
      expect(verifyDigest(createHash(hash).update('other').digest(), pair.publicKey, signature)).toBe(false);
      const changed = Buffer.from(signature);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      expect(verifyDigest(digest, pair.publicKey, changed)).toBe(false);
    }
  });

  test.each([['empty', Buffer.alloc(0)], ['no DER', Buffer.from('nonsense')], ['zeros', Buffer.from('3006020100020100', 'hex')]])('%s is no signature', (_, signature) => {
    expect(verifyDigest(Buffer.alloc(32), keys['P-256'].pair.publicKey, signature)).toBe(false);
  });

  test('ed25519 keys cannot sign a digest', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    expect(verifyDigest(Buffer.alloc(32), publicKey, sign(undefined, Buffer.alloc(32), privateKey))).toBe(false);
  });
});
