// SPDX-License-Identifier: Apache-2.0
// ASN.1 in DER (X.690): as much as certificates (RFC 5280) and timestamps (RFC 3161) need, written and read.

/** One element: tag, content, and both together as they stood. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/** Tag, length, content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** SEQUENCE. */
export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts);
/** OCTET STRING. */
export const octetString = (content: Uint8Array): Buffer => element(0x04, content);
/** BIT STRING whose last byte has `unused` bits. */
export const bitString = (content: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.from([unused]), content);
/** UTF8String. */
export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text));
/** BOOLEAN. */
export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));
/** NULL. */
export const nothing = (): Buffer => element(0x05);
/** Constructed, context-specific: `[number] EXPLICIT`, or `[number] IMPLICIT` of a SET or SEQUENCE. */
export const context = (number: number, ...parts: readonly Uint8Array[]): Buffer => element(0xa0 | number, ...parts);
/** DER demands the members of a SET OF in ascending order of their bytes. */
export const setOf = (...parts: readonly Uint8Array[]): Buffer => element(0x31, ...sortedSet(parts));
/** The members in the order that DER demands. */
export const sortedSet = (parts: readonly Uint8Array[]): Uint8Array[] => [...parts].sort((a, b) => Buffer.compare(a, b));

/** A non-negative INTEGER from a number or from big-endian bytes. */
export function integer(value: number | Uint8Array): Buffer {
  let bytes = typeof value === 'number' ? Buffer.from(value.toString(16).padStart(value.toString(16).length + (value.toString(16).length % 2), '0'), 'hex') : Buffer.from(value);
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1);
  return element(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left % 128));
    return groups;
  });
  return element(0x06, Buffer.from(bytes));
}

/** GeneralizedTime in whole seconds: `@sigstore/core` 4.0.1 reads no other fraction than exactly three digits. */
export function generalizedTime(time: Date): Buffer {
  return element(0x18, Buffer.from(`${time.toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`));
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export function certificateTime(time: Date): Buffer {
  return time.getUTCFullYear() >= 2050 ? generalizedTime(time) : element(0x17, Buffer.from(`${time.toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`));
}

/** Reads the elements that stand one after another in `bytes`. Throws `RangeError` when they are cut short. */
export function readElements(bytes: Uint8Array): DerElement[] {
  const elements: DerElement[] = [];
  for (let rest = Buffer.from(bytes); rest.length > 0; ) {
    const { length, header } = readLength(rest);
    if (header + length > rest.length) throw new RangeError('DER element is cut short');
    elements.push({ tag: rest[0] ?? 0, content: rest.subarray(header, header + length), whole: rest.subarray(0, header + length) });
    rest = rest.subarray(header + length);
  }
  return elements;
}

function readLength(bytes: Buffer): { length: number; header: number } {
  const first = bytes.readUInt8(1);
  if (first < 0x80) return { length: first, header: 2 };
  const count = first & 0x7f;
  if (count < 1 || count > 4) throw new RangeError('DER length is not supported');
  return { length: bytes.readUIntBE(2, count), header: 2 + count };
}

/** The members of a SEQUENCE that is all of `bytes`. Throws `RangeError`. */
export function readSequence(bytes: Uint8Array): DerElement[] {
  const [only, ...more] = readElements(bytes);
  if (only?.tag !== 0x30 || more.length > 0) throw new RangeError('not one DER sequence');
  return readElements(only.content);
}
