// SPDX-License-Identifier: Apache-2.0
// Hashes everything that index.json of a layout reaches.
import { Failure, isDigest, type Digest, type OpenedFile } from '@pratique/core';
import { isManifestType, type Descriptor, type Manifest, type ManifestContent } from './descriptor.ts';

/** What the check needs of a layout. */
export interface CheckedLayout {
  readonly folder: string;
  readIndex(): Promise<ManifestContent>;
  readManifest(digest: string): Promise<Manifest>;
  readBlob(descriptor: Descriptor): Promise<ReadableStream<Uint8Array>>;
  openBlob(digest: Digest): Promise<OpenedFile>;
}

const blobLimit = 20_000;

/** Hashes each reachable blob once; a descriptor that states another size or type for a known digest is refused. */
export async function verifyLayout(layout: CheckedLayout): Promise<{ readonly blobs: number; readonly bytes: number }> {
  const seen = new Map<Digest, Descriptor>();
  const queue: Descriptor[] = [...((await layout.readIndex()).manifests ?? [])];
  let bytes = 0;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const before = seen.get(next.digest);
    if (before !== undefined) {
      requireSame(layout.folder, before, next);
      continue;
    }
    seen.set(next.digest, next);
    if (seen.size > blobLimit) throw new Failure({ code: 'LAYOUT_INVALID', message: `${layout.folder} reaches more than ${blobLimit} blobs` });
    queue.push(...(await verifyOne(layout, next)));
    bytes += next.size;
  }
  return { blobs: seen.size, bytes };
}

function requireSame(folder: string, before: Descriptor, next: Descriptor): void {
  if (before.size === next.size && isManifestType(before.mediaType) === isManifestType(next.mediaType)) return;
  throw new Failure({ code: 'LAYOUT_INVALID', message: `${folder}: two descriptors of ${next.digest} say different things`, facts: { one: before, other: next } });
}

async function verifyOne(layout: CheckedLayout, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  if (!isDigest(descriptor.digest)) throw new Failure({ code: 'LAYOUT_INVALID', message: `${layout.folder}: ${String(descriptor.digest)} is not a digest` });
  if (!isManifestType(descriptor.mediaType)) {
    await layout.openBlob(descriptor.digest);
    for await (const chunk of await layout.readBlob(descriptor)) void chunk;
    return [];
  }
  await layout.openBlob(descriptor.digest);
  const { descriptor: actual, content } = await layout.readManifest(descriptor.digest);
  if (actual.size !== descriptor.size || actual.mediaType !== descriptor.mediaType) {
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${layout.folder}: ${descriptor.digest} has another size or media type than its descriptor says`, facts: { stated: descriptor, actual } });
  }
  return [...(content.config ? [content.config] : []), ...(content.layers ?? []), ...(content.manifests ?? [])];
}
