// SPDX-License-Identifier: Apache-2.0
// Streams that know which bytes they must be.
import { createHash, type Hash } from 'node:crypto';
import { Failure } from '@pratique/core';
import type { Descriptor } from './descriptor.ts';

/** Hashes as bytes come and judges at the end. */
export interface DigestCheck {
  /** Fails with `REGISTRY_DIGEST_MISMATCH` as soon as there are more bytes than the descriptor says. */
  update(chunk: Uint8Array): void;
  /** Fails with `REGISTRY_DIGEST_MISMATCH` when size or digest differ. */
  finish(): void;
  readonly bytes: number;
}

/** `what` names the content in failures. */
export function createDigestCheck(descriptor: Descriptor, what: string): DigestCheck {
  const algorithm = descriptor.digest.startsWith('sha512') ? 'sha512' : 'sha256';
  const hash: Hash = createHash(algorithm);
  let bytes = 0;
  const fail = (actual: string): never => {
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${what} has other bytes than ${descriptor.digest}`, facts: { expected: descriptor.digest, expectedSize: descriptor.size, actual, bytes } });
  };
  return {
    get bytes() {
      return bytes;
    },
    update(chunk) {
      bytes += chunk.byteLength;
      if (bytes > descriptor.size) fail('longer');
      hash.update(chunk);
    },
    finish() {
      const actual = `${algorithm}:${hash.digest('hex')}`;
      if (bytes !== descriptor.size || actual !== descriptor.digest) fail(actual);
    },
  };
}

/** Passes bytes through and holds the last chunk back until all of them are proven: nobody ever holds the whole of something wrong. */
export function verifyStream(stream: ReadableStream<Uint8Array>, descriptor: Descriptor, what: string): ReadableStream<Uint8Array> {
  const check = createDigestCheck(descriptor, what);
  const reader = stream.getReader();
  let held: Uint8Array | undefined;
  const judge = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    check.finish();
    if (held !== undefined) controller.enqueue(held);
    controller.close();
  };
  // One wrapper with a reader: a TransformStream costs twice as much per chunk, and layers have many.
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return judge(controller);
        await cancelOnThrow(reader, () => check.update(value));
        const before = held;
        held = value;
        if (before !== undefined) return controller.enqueue(before);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

async function cancelOnThrow(reader: ReadableStreamDefaultReader<Uint8Array>, work: () => void): Promise<void> {
  try {
    work();
  } catch (thrown) {
    await reader.cancel(thrown);
    throw thrown;
  }
}

/** All bytes of a stream. Fails with `REGISTRY_TOO_LARGE` over `limit` bytes. */
export async function readAll(stream: ReadableStream<Uint8Array>, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${what} is larger than ${limit} bytes` });
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

/** One array of all the bytes; plain, not a Buffer, so that equal bytes compare equal. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

const pieceSize = 1024 * 1024;

/** A stream of bytes at hand, piece by piece: whoever waits for them sees that they move. fetch would copy a whole array, and copies no stream. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = bytes.subarray(offset, offset + pieceSize);
      offset += piece.byteLength;
      if (piece.byteLength > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
}
