// SPDX-License-Identifier: Apache-2.0
// Verifies a signature over a digest whose message is unknown, which is all that a `hashedrekord` entry has.
// node:crypto hashes itself and cannot be told not to, so the curve arithmetic is here (FIPS 186-5, 6.4.2). Not constant-time: only public values come in.
import { constants, createHash, publicDecrypt, type KeyObject } from 'node:crypto';
import { readElements, readSequence } from './der.ts';

interface Curve {
  readonly p: bigint;
  readonly b: bigint;
  readonly n: bigint;
  readonly g: Point;
}
/** Jacobian coordinates; z = 0 is the point at infinity. */
type Point = readonly [x: bigint, y: bigint, z: bigint];

const curves: Readonly<Record<string, Curve>> = {
  prime256v1: {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    g: [0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n, 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n, 1n],
  },
  secp384r1: {
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    g: [
      0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
      1n,
    ],
  },
};

const mod = (value: bigint, modulus: bigint): bigint => ((value % modulus) + modulus) % modulus;

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return mod(x, modulus);
}

// https://www.hyperelliptic.org/EFD/g1p/auto-shortw-jacobian-3.html (dbl-2001-b, add-1986-cc), a = −3
function double([x, y, z]: Point, p: bigint): Point {
  const delta = mod(z * z, p);
  const gamma = mod(y * y, p);
  const beta = mod(x * gamma, p);
  const alpha = mod(3n * (x - delta) * (x + delta), p);
  const x3 = mod(alpha * alpha - 8n * beta, p);
  return [x3, mod(alpha * (4n * beta - x3) - 8n * gamma * gamma, p), mod((y + z) ** 2n - gamma - delta, p)];
}

function add(one: Point, other: Point, p: bigint): Point {
  const [[x1, y1, z1], [x2, y2, z2]] = [one, other];
  if (z1 === 0n) return other;
  if (z2 === 0n) return one;
  const [u1, u2] = [mod(x1 * z2 * z2, p), mod(x2 * z1 * z1, p)];
  const [s1, s2] = [mod(y1 * z2 ** 3n, p), mod(y2 * z1 ** 3n, p)];
  if (u1 === u2) return s1 === s2 ? double(one, p) : [1n, 1n, 0n];
  const [h, r] = [u2 - u1, s2 - s1];
  const x3 = mod(r * r - h ** 3n - 2n * u1 * h * h, p);
  return [x3, mod(r * (u1 * h * h - x3) - s1 * h ** 3n, p), mod(h * z1 * z2, p)];
}

function multiply(scalar: bigint, point: Point, p: bigint): Point {
  let sum: Point = [1n, 1n, 0n];
  for (const bit of scalar.toString(2)) {
    sum = double(sum, p);
    if (bit === '1') sum = add(sum, point, p);
  }
  return sum;
}

function verifyEcdsa(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (curve === undefined) return false;
  const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
  const [r = 0n, s = 0n] = readSequence(signature).map((each) => toInteger(each.content));
  const { p, n, g } = curve;
  if (r <= 0n || r >= n || s <= 0n || s >= n) return false;
  const jwk = key.export({ format: 'jwk' });
  const [x, y] = [jwk.x, jwk.y].map((each) => toInteger(Buffer.from(each ?? '', 'base64url')));
  if (x === undefined || y === undefined || mod(y * y - x ** 3n + 3n * x - curve.b, p) !== 0n) return false;
  const bits = n.toString(2).length;
  const z = toInteger(digest) >> BigInt(Math.max(0, digest.length * 8 - bits));
  const w = inverse(s, n);
  const [px, , pz] = add(multiply(mod(z * w, n), g, p), multiply(mod(r * w, n), [x, y, 1n], p), p);
  return pz !== 0n && mod(mod(px * inverse(pz, p) ** 2n, p), n) === r;
}

function verifyRsa(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  const info = readSequence(publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature));
  const oid = info[0] === undefined ? undefined : readElements(info[0].content)[0]?.content.toString('hex');
  return oid === '608648016503040201' && Buffer.from(digest).equals(info[1]?.content ?? Buffer.alloc(0));
}

/** Whether `signature` (DER for ECDSA P-256 and P-384, PKCS#1 v1.5 with SHA-256 for RSA) is over `digest`. Malformed input is no signature. */
export function verifyDigest(digest: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    if (key.asymmetricKeyType === 'ec') return verifyEcdsa(digest, key, signature);
    return key.asymmetricKeyType === 'rsa' && verifyRsa(digest, key, signature);
  } catch (thrown) {
    if (thrown instanceof Error) return false;
    throw thrown;
  }
}

/** SHA-256. */
export function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest();
}
