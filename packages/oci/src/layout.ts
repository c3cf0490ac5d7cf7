// SPDX-License-Identifier: Apache-2.0
// OCI image layouts on disk (image-spec 1.1, image-layout.md) over the Files port: a source and a target of content.
import { join } from 'node:path';
import { Failure, isDigest, isJsonObject, parseJsonObject, type Digest, type Files, type OpenedFile } from '@pratique/core';
import type { ContentSource, ContentTarget } from './content.ts';
import { isIndexType, isManifestType, manifestLimit, mediaTypes, type Descriptor, type Manifest, type ManifestContent } from './descriptor.ts';
import { isDescriptor, readManifestBytes, referrerDescriptor } from './manifest.ts';
import { verifyLayout } from './layout-check.ts';
import { createSerializer } from './serializer.ts';
import { readAll, verifyStream } from './verified-stream.ts';

/** An image layout in a folder. Reads fail with `LAYOUT_INVALID` when a blob is missing and `REGISTRY_DIGEST_MISMATCH` when it is wrong. */
export interface Layout extends ContentSource, ContentTarget {
  readonly folder: string;
  /** index.json. */
  readIndex(): Promise<ManifestContent>;
  /** Replaces what index.json lists. */
  writeIndex(manifests: readonly Descriptor[]): Promise<void>;
  /** Hashes every blob reachable from index.json, each once. Fails with `REGISTRY_DIGEST_MISMATCH`, `LAYOUT_INVALID`. */
  verify(): Promise<{ readonly blobs: number; readonly bytes: number }>;
}

const refName = 'org.opencontainers.image.ref.name';
const smallBlobLimit = 64 * 1024 * 1024;
const invalid = (folder: string, problem: string, cause?: unknown): Failure => new Failure({ code: 'LAYOUT_INVALID', message: `${folder} is not a whole OCI layout: ${problem}`, facts: { folder }, cause });

/** Opens a folder that holds a layout. Fails with `LAYOUT_INVALID`. */
export async function openLayout(files: Files, folder: string): Promise<Layout> {
  const marker = parseJsonObject(await readFile(files, folder, 'oci-layout', 4096), join(folder, 'oci-layout'), 'LAYOUT_INVALID');
  if (marker['imageLayoutVersion'] !== '1.0.0') throw invalid(folder, 'imageLayoutVersion is not 1.0.0');
  const layout = layoutOf(files, folder);
  await layout.readIndex();
  return layout;
}

/** Makes an empty layout. The folder must be absent or empty. Fails with `LAYOUT_INVALID`. */
export async function createLayout(files: Files, folder: string): Promise<Layout> {
  const there = await files.open(folder);
  if (there !== undefined && (there.kind === 'file' || there.entries.length > 0)) throw invalid(folder, 'a new layout needs an empty folder');
  // First: whoever finds what a killed run left knows the folder as a layout.
  await files.write(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const layout = layoutOf(files, folder);
  await layout.writeIndex([]);
  return layout;
}

async function readFile(files: Files, folder: string, name: string, limit: number): Promise<Uint8Array> {
  const file = await files.open(join(folder, name));
  if (file?.kind !== 'file') throw invalid(folder, `${name} is missing`);
  if (file.size > limit) throw invalid(folder, `${name} has ${file.size} bytes; at most ${limit} are accepted`);
  return file.bytes();
}

function layoutOf(files: Files, folder: string): Layout {
  const path = (digest: Digest): string => join(folder, 'blobs', ...digest.split(':'));
  const serialize = createSerializer();
  const openBlob = async (digest: Digest): Promise<OpenedFile> => {
    const file = await files.open(path(digest));
    if (file?.kind !== 'file') throw invalid(folder, `the blob ${digest} is missing`);
    return file;
  };
  const has = async (digest: Digest, size?: number): Promise<boolean> => {
    const file = await files.open(path(digest));
    return file?.kind === 'file' && (size === undefined || file.size === size);
  };
  const readIndex = async (): Promise<ManifestContent> => readLayoutIndex(await readFile(files, folder, 'index.json', manifestLimit), folder);
  const writeIndex = (manifests: readonly Descriptor[]): Promise<void> => files.write(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
  const readBlob = async (descriptor: Descriptor): Promise<ReadableStream<Uint8Array>> => verifyStream((await openBlob(descriptor.digest)).stream(), descriptor, `${folder}: blob`);

  const readManifest = async (reference: string): Promise<Manifest> => {
    const listed = (await readIndex()).manifests?.find((one) => one.digest === reference || one.annotations?.[refName] === reference);
    const digest = listed?.digest ?? reference;
    if (!isDigest(digest) || !(await has(digest))) throw new Failure({ code: 'REGISTRY_NOT_FOUND', message: `the layout ${folder} has no manifest ${reference}` });
    const file = await openBlob(digest);
    if (file.size > manifestLimit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${folder}: manifest ${digest} has ${file.size} bytes; at most ${manifestLimit} are accepted` });
    return readManifestBytes(await file.bytes(), { digest, what: `${folder}: manifest ${digest}`, ...(listed && isManifestType(listed.mediaType) ? { mediaType: listed.mediaType } : {}) });
  };

  const writeBlob: ContentTarget['writeBlob'] = async (descriptor, open) => {
    if (await has(descriptor.digest, descriptor.size)) return 'present';
    await files.write(path(descriptor.digest), verifyStream(await open(), descriptor, `${folder}: blob`));
    return 'uploaded';
  };

  return {
    folder, readIndex, writeIndex, readManifest, readBlob, writeBlob,
    readSmallBlob: async (descriptor, limit = smallBlobLimit) => readAll(await readBlob(descriptor), limit, `${folder}: blob ${descriptor.digest}`),
    hasManifest: (digest) => has(digest),
    hasBlob: (descriptor) => has(descriptor.digest, descriptor.size),
    verify: () => verifyLayout({ folder, readIndex, readManifest, readBlob, openBlob }),
    writeManifest: async ({ bytes, mediaType }, tag) => {
      const manifest = readManifestBytes(bytes, { mediaType, what: `${folder}: manifest to be written` });
      await files.write(path(manifest.descriptor.digest), bytes);
      await serialize('index', async () => writeIndex(listManifest((await readIndex()).manifests ?? [], manifest, tag)));
      return manifest.descriptor;
    },
  };
}

/** index.json after `manifest` was written: it stands there until an index that holds it is written, so that only roots and referrers are listed. */
function listManifest(listed: readonly Descriptor[], manifest: Manifest, tag: string | undefined): Descriptor[] {
  const { digest } = manifest.descriptor;
  const children = new Set(isIndexType(manifest.descriptor.mediaType) ? manifest.content.manifests?.map((child) => child.digest) : []);
  const before = listed.find((one) => one.digest === digest && (tag === undefined || one.annotations?.[refName] === undefined));
  const kept = listed.filter((one) => one !== before && (one.annotations?.[refName] !== undefined ? one.annotations[refName] !== tag : !children.has(one.digest)));
  const annotations = { ...(manifest.content.subject ? manifest.content.annotations : {}), ...before?.annotations, ...(tag === undefined ? {} : { [refName]: tag }) };
  const base = manifest.content.subject ? referrerDescriptor(manifest) : manifest.descriptor;
  return [...kept, { ...base, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) }];
}

function readLayoutIndex(bytes: Uint8Array, folder: string): ManifestContent {
  const value = parseJsonObject(bytes, join(folder, 'index.json'), 'LAYOUT_INVALID');
  const manifests = value['manifests'];
  if (value['schemaVersion'] !== 2 || !Array.isArray(manifests) || !manifests.every(isDescriptor)) throw invalid(folder, 'index.json is not an image index');
  const annotations = value['annotations'];
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests, ...(isJsonObject(annotations) ? { annotations: annotations as Record<string, string> } : {}) };
}
