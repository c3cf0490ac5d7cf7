// SPDX-License-Identifier: Apache-2.0
// The file system: streams in and out; a write is seen whole or not at all.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Files, OpenedFile } from '@pratique/core';

/** Files of this machine; relative paths start at `workspace`. */
export function createFiles(workspace: string): Files {
  return {
    async open(path) {
      const absolute = resolve(workspace, path);
      const entry = await statOptional(absolute);
      if (entry === undefined) return undefined;
      if (entry.isDirectory()) return { kind: 'folder', entries: (await readdir(absolute)).sort() };
      return openedFile(absolute, entry.size);
    },
    write: (path, content) => writeWhole(resolve(workspace, path), content),
    remove: (path) => rm(resolve(workspace, path), { recursive: true, force: true }),
  };
}

/** Bytes read at once: each piece is hashed, guarded and handed on, which costs more than its bytes when they are few. */
const readSize = 1024 * 1024;
/** At the end, and in a file that grew. */
const leastReadSize = 4096;

function openedFile(path: string, size: number): OpenedFile {
  return {
    kind: 'file',
    size,
    bytes: async () => new Uint8Array(await readFile(path)),
    stream: (start = 0) => streamFile(path, start, size),
  };
}

// Read by hand: Readable.toWeb copies every byte once more.
function streamFile(path: string, start: number, size: number): ReadableStream<Uint8Array> {
  let file: FileHandle | undefined;
  let position = start;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      file ??= await open(path);
      // Never longer than what is expected: most files are small, and memory that stays unused is collected all the same.
      const length = Math.min(readSize, Math.max(size - position, leastReadSize));
      const buffer = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      const { bytesRead } = await file.read(buffer, 0, length, position).catch(async (thrown: unknown) => {
        await file?.close();
        throw thrown;
      });
      position += bytesRead;
      if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      await file.close();
      controller.close();
    },
    cancel: () => file?.close(),
  });
}

async function statOptional(path: string): Promise<Awaited<ReturnType<typeof stat>> & { size: number } | undefined> {
  try {
    return await stat(path);
  } catch (thrown) {
    // ENOTDIR: a parent of the path is a file, so nothing is there.
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')) return undefined;
    throw thrown;
  }
}

async function writeWhole(path: string, content: string | Uint8Array | ReadableStream<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    const file = await open(draft, 'wx');
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) await file.writeFile(content);
      else for await (const chunk of content) await file.writeFile(chunk);
      // A rename may reach the disk before the bytes do; a machine that dies then would keep an empty file under the final name.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  }
}
