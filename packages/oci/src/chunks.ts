// SPDX-License-Identifier: Apache-2.0
// Streams cut into chunks of one size.
import { concatBytes } from './verified-stream.ts';

/** Chunks of exactly `size` bytes, the last one shorter. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const piece of stream) {
    for (let rest = piece; rest.byteLength > 0; ) {
      const taken = rest.subarray(0, size - held);
      parts.push(taken);
      held += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (held < size) break;
      yield concatBytes(parts);
      parts = [];
      held = 0;
    }
  }
  if (held > 0) yield concatBytes(parts);
}
