// SPDX-License-Identifier: Apache-2.0
// The folder medium: content by digest, records as small JSON files, everything written beside and renamed, so that a kill leaves only temporary files.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure, isDigest, parseJsonObject, type Digest } from '@pratique/core';
import type { Content, Draft, Entry, EntryName, Media } from './media.ts';
import type { ManifestRecord, RepositoryRecord, TagRecord } from './records.ts';

/** Content is written in pieces of this size while the next one is received and hashed. */
const batchBytes = 1024 * 1024;
const marker = 'pratique-acr.json';

/** Layout: `content/sha256/ab/HEX`, `repositories/NAME/{_repository.json,_manifests,_tags,_blobs}`, `temporary/`. A name never starts with `_`. */
export function createDisk(folder: string): Media {
  const temporary = join(folder, 'temporary');
  const contentPath = (digest: Digest): string => {
    const [algorithm = '', hex = ''] = digest.split(':');
    return join(folder, 'content', algorithm, hex.slice(0, 2), hex);
  };
  return {
    open: () => openFolder(folder, temporary),
    close: () => rm(join(folder, 'lock'), { force: true }),
    draft: () => createDiskDraft(temporary, contentPath),
    content: (digest) => statContent(contentPath(digest)),
    contents: () => listContents(join(folder, 'content')),
    removeContent: (digest) => rm(contentPath(digest), { force: true }),
    write: (entry) => writeEntry(folder, temporary, entry),
    remove: (name) => removeEntry(folder, name),
  };
}

async function openFolder(folder: string, temporary: string): Promise<Entry[]> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  if (!names.includes(marker) && names.length > 0) {
    throw new Failure({ code: 'LAB_DATA_INVALID', message: `${folder} holds files that are not a registry's`, hint: 'Choose an empty folder, or one that this registry made.' });
  }
  if (!names.includes(marker)) await writeFile(join(folder, marker), '{"version":1}\n');
  await takeLock(join(folder, 'lock'), folder);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const entries: Entry[] = [];
  await readRepositories(join(folder, 'repositories'), '', entries);
  return entries;
}

// The start time tells a living owner from another process that got its number after a reboot (proc(5), field 22).
async function processMark(pid: number): Promise<string | undefined> {
  const text = await readOptional(`/proc/${pid}/stat`);
  if (text !== undefined) return `${pid} ${text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  return pid === process.pid ? String(pid) : undefined;
}

async function takeLock(path: string, folder: string): Promise<void> {
  const owner = await readOptional(path);
  const pid = Number(owner?.split(' ')[0]);
  if (owner !== undefined && pid > 0 && (await processMark(pid)) === owner) {
    throw new Failure({ code: 'LAB_DATA_INVALID', message: `${folder} is in use by process ${pid}`, hint: 'Stop it, or choose another folder.' });
  }
  await writeFile(path, (await processMark(process.pid)) ?? '');
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

async function readRepositories(path: string, name: string, entries: Entry[]): Promise<void> {
  let children: string[];
  try {
    children = await readdir(path);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  for (const child of children.sort()) {
    if (!child.startsWith('_')) await readRepositories(join(path, child), name ? `${name}/${child}` : child, entries);
    else if (child === '_repository.json') entries.push({ kind: 'repository', repository: name, record: await readRecord<RepositoryRecord>(join(path, child)) });
    else await readEntries(join(path, child), name, entries);
  }
}

async function readEntries(path: string, repository: string, entries: Entry[]): Promise<void> {
  const kind = basename(path);
  for (const file of await readdir(path)) {
    const key = decodeURIComponent(file);
    if (kind === '_blobs') entries.push({ kind: 'blob', repository, key });
    else if (kind === '_tags') entries.push({ kind: 'tag', repository, key, record: await readRecord<TagRecord>(join(path, file)) });
    else if (kind === '_manifests') entries.push({ kind: 'manifest', repository, key, record: await readRecord<ManifestRecord>(join(path, file)) });
  }
}

// The folder is our own and every file in it was renamed into place whole; a record that is not JSON is damage from outside.
async function readRecord<T>(path: string): Promise<T> {
  return parseJsonObject(await readFile(path), path, 'LAB_DATA_INVALID') as T;
}

function entryPath(folder: string, name: EntryName): string {
  const base = join(folder, 'repositories', ...name.repository.split('/'));
  if (name.kind === 'repository') return join(base, '_repository.json');
  return join(base, `_${name.kind}s`, encodeURIComponent(name.key ?? ''));
}

async function writeEntry(folder: string, temporary: string, entry: Entry): Promise<void> {
  const path = entryPath(folder, entry);
  await mkdir(dirname(path), { recursive: true });
  if (entry.kind === 'blob') {
    // An empty file: there is no half of it.
    const handle = await open(path, 'a');
    return handle.close();
  }
  const draft = join(temporary, randomUUID());
  const handle = await open(draft, 'wx');
  await handle.writeFile(JSON.stringify(entry.record));
  await handle.datasync();
  await handle.close();
  await rename(draft, path);
}

// The repository's own record goes first: without it, what is left of its manifests and tags counts for nothing. Blob links are entries of their own.
async function removeEntry(folder: string, name: EntryName): Promise<void> {
  const path = entryPath(folder, name);
  await rm(path, { force: true });
  if (name.kind !== 'repository') return;
  for (const kind of ['_tags', '_manifests']) await rm(join(dirname(path), kind), { recursive: true, force: true });
}

async function statContent(path: string): Promise<Content | undefined> {
  try {
    return { size: (await stat(path)).size, path };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function listContents(root: string): Promise<Digest[]> {
  const found: Digest[] = [];
  for (const algorithm of ['sha256', 'sha512']) {
    for (const file of await readdir(join(root, algorithm), { recursive: true }).catch((error: unknown) => (isMissing(error) ? [] : Promise.reject(error)))) {
      const digest = `${algorithm}:${file.slice(3)}`;
      if (isDigest(digest)) found.push(digest);
    }
  }
  return found;
}

async function createDiskDraft(temporary: string, contentPath: (digest: Digest) => string): Promise<Draft> {
  const path = join(temporary, randomUUID());
  const handle = await open(path, 'wx');
  let size = 0;
  return {
    get size() {
      return size;
    },
    append: (chunks, onChunk) =>
      appendTo(handle, chunks, (chunk) => {
        onChunk(chunk);
        size += chunk.length;
      }),
    read: () => createReadStream(path, { highWaterMark: batchBytes }),
    sync: () => handle.datasync(),
    async commit(digest) {
      await handle.datasync();
      await handle.close();
      const target = contentPath(digest);
      await mkdir(dirname(target), { recursive: true });
      await rename(path, target);
    },
    async discard() {
      await handle.close();
      await rm(path, { force: true });
    },
  };
}

/** Writes a batch while the next is received; what was received is on disk when this returns or throws. */
async function appendTo(handle: FileHandle, chunks: AsyncIterable<Uint8Array>, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  let batch: Uint8Array[] = [];
  let batched = 0;
  let writing: Promise<void> = Promise.resolve();
  let failure: Error | undefined;
  const flush = async (): Promise<void> => {
    await writing;
    if (failure !== undefined) throw failure;
    if (batch.length > 0) writing = writeAll(handle, batch).catch((error: unknown) => void (failure = error instanceof Error ? error : new Error(String(error))));
    batch = [];
    batched = 0;
  };
  try {
    for await (const chunk of chunks) {
      onChunk(chunk);
      batch.push(chunk);
      batched += chunk.length;
      if (batched >= batchBytes) await flush();
    }
  } finally {
    await flush();
    await flush();
  }
}

async function writeAll(handle: FileHandle, batch: readonly Uint8Array[]): Promise<void> {
  const total = batch.reduce((sum, chunk) => sum + chunk.length, 0);
  const { bytesWritten } = await handle.writev(batch);
  // writev may stop early (a full pipe of pages, a signal); the rest goes the slow way.
  if (bytesWritten < total) await handle.writeFile(Buffer.concat(batch).subarray(bytesWritten));
}
