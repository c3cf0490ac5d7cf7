// SPDX-License-Identifier: Apache-2.0
// Where bytes and records are kept. Two media: memory here, a folder in disk.ts; the store above does not know which.
import type { Digest } from '@pratique/core';
import type { FilePart } from '../file-sender.ts';
import type { ManifestRecord, RepositoryRecord, TagRecord } from './records.ts';

/** Content being received. Appends are in order; the draft is then committed or discarded. */
export interface Draft {
  /** Bytes received so far. */
  readonly size: number;
  append(chunks: AsyncIterable<Uint8Array>, onChunk: (chunk: Uint8Array) => void): Promise<void>;
  /** Brings what was received to the medium, so that committing takes no time. */
  sync(): Promise<void>;
  /** Everything received so far, again. */
  read(): AsyncIterable<Uint8Array>;
  commit(digest: Digest): Promise<void>;
  /** After a commit it does nothing. */
  discard(): Promise<void>;
}

/** Stored content: in memory, or a file to be streamed. */
export type Content = { readonly size: number; readonly bytes: Uint8Array } | { readonly size: number; readonly path: string };

/** A record and where it belongs. A blob link has no content of its own. */
export type Entry =
  | { readonly kind: 'repository'; readonly repository: string; readonly record: RepositoryRecord }
  | { readonly kind: 'manifest'; readonly repository: string; readonly key: string; readonly record: ManifestRecord }
  | { readonly kind: 'tag'; readonly repository: string; readonly key: string; readonly record: TagRecord }
  | { readonly kind: 'blob'; readonly repository: string; readonly key: string };

/** Names an entry without its record. */
export type EntryName = { readonly kind: Entry['kind']; readonly repository: string; readonly key?: string };

/** One medium. Writes are whole or not at all, also when the process is killed. */
export interface Media {
  /** Prepares the medium and reads every entry. Fails with `LAB_DATA_INVALID`. */
  open(): Promise<Entry[]>;
  close(): Promise<void>;
  draft(): Promise<Draft>;
  content(digest: Digest): Promise<Content | undefined>;
  contents(): Promise<Digest[]>;
  removeContent(digest: Digest): Promise<void>;
  write(entry: Entry): Promise<void>;
  remove(name: EntryName): Promise<void>;
}

/** All bytes of stored content; for manifests and configs, never for layers. */
export async function readContent(content: Content): Promise<Uint8Array> {
  if ('bytes' in content) return content.bytes;
  const { readFile } = await import('node:fs/promises');
  return readFile(content.path);
}

/** The file part of a content on disk; `undefined` in memory. */
export function filePart(content: Content, start: number, end: number): FilePart | undefined {
  return 'path' in content ? { path: content.path, start, end } : undefined;
}

/** A medium that forgets. */
export function createMemory(): Media {
  const contents = new Map<Digest, Uint8Array>();
  return {
    open: async () => [],
    close: async () => contents.clear(),
    draft: async () => createMemoryDraft((digest, bytes) => contents.set(digest, bytes)),
    content: async (digest) => {
      const bytes = contents.get(digest);
      return bytes && { size: bytes.length, bytes };
    },
    contents: async () => [...contents.keys()],
    removeContent: async (digest) => void contents.delete(digest),
    write: async () => undefined,
    remove: async () => undefined,
  };
}

function createMemoryDraft(keep: (digest: Digest, bytes: Uint8Array) => void): Draft {
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    get size() {
      return size;
    },
    async append(chunks, onChunk) {
      for await (const chunk of chunks) {
        // Node may reuse the buffer of a chunk once the next one is asked for.
        const copy = Uint8Array.from(chunk);
        onChunk(copy);
        parts.push(copy);
        size += copy.length;
      }
    },
    async *read() {
      yield* parts;
    },
    sync: async () => undefined,
    commit: async (digest) => keep(digest, Buffer.concat(parts)),
    discard: async () => {
      parts = [];
      size = 0;
    },
  };
}
