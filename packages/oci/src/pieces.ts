// SPDX-License-Identifier: Apache-2.0
// Content cut into pieces that are streamed one after the other, and again from any place on.
import type { OpenContent } from './content.ts';

/** The pieces of one content. */
export interface Pieces {
  /** `size` bytes from `offset` on. Goes on where the piece before ended; else the content is opened anew, and what lies before is read as well. */
  at(offset: number, size: number): Promise<ReadableStream<Uint8Array>>;
  /** For who stops before the end. */
  cancel(): Promise<void>;
}

interface Cursor {
  /** Where the next piece begins; NaN while one is read, and after it broke off. */
  readonly position: number;
  next(size: number): ReadableStream<Uint8Array>;
  cancel(): Promise<void>;
}

/** Pieces of what `open` gives. A stream that verifies itself has always seen all bytes before those that it gives out. */
export function createPieces(open: OpenContent): Pieces {
  let cursor: Cursor | undefined;
  return {
    async at(offset, size) {
      if (cursor?.position !== offset) {
        await cursor?.cancel();
        cursor = await createCursor(await open(), offset);
      }
      return cursor.next(size);
    },
    cancel: async () => cursor?.cancel(),
  };
}

async function createCursor(stream: ReadableStream<Uint8Array>, offset: number): Promise<Cursor> {
  const reader = stream.getReader();
  let held: Uint8Array = new Uint8Array();
  let position = offset;
  const take = async (limit: number): Promise<Uint8Array | undefined> => {
    if (held.byteLength === 0) held = (await reader.read()).value ?? held;
    const taken = held.subarray(0, limit);
    held = held.subarray(taken.byteLength);
    return taken.byteLength > 0 ? taken : undefined;
  };
  for (let left = offset; left > 0; ) left -= (await take(left))?.byteLength ?? left;
  return {
    get position() {
      return position;
    },
    next(size) {
      const end = position + size;
      let left = size;
      position = Number.NaN;
      return new ReadableStream<Uint8Array>({
        async pull(controller) {
          const chunk = left > 0 ? await take(left) : undefined;
          if (chunk === undefined) return controller.close();
          left -= chunk.byteLength;
          if (left === 0) position = end;
          controller.enqueue(chunk);
        },
      }, { highWaterMark: 0 });
    },
    // What broke is told by whoever read it.
    cancel: () => reader.cancel().catch(() => undefined),
  };
}
