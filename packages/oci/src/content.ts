// SPDX-License-Identifier: Apache-2.0
// Where content is read from and written to: what registries and layouts have in common.
import type { Digest } from '@pratique/core';
import type { Descriptor, Manifest } from './descriptor.ts';

/** A repository of a registry that holds content; lets a target mount instead of upload. */
export interface Origin {
  readonly registry: string;
  readonly repository: string;
}

/** Something to read manifests and blobs from. */
export interface ContentSource {
  readonly origin?: Origin;
  /** By digest or tag. Fails with `REGISTRY_NOT_FOUND`, `REGISTRY_DIGEST_MISMATCH`, `REGISTRY_TOO_LARGE`, `REGISTRY_PROTOCOL`. */
  readManifest(reference: string): Promise<Manifest>;
  /** Verified while it is read: a wrong digest or size errors the stream with `REGISTRY_DIGEST_MISMATCH` before its last chunk is given out. */
  readBlob(descriptor: Descriptor): Promise<ReadableStream<Uint8Array>>;
  /** The verified bytes. Fails with `REGISTRY_TOO_LARGE` above `limit` bytes (default 64 MiB). */
  readSmallBlob(descriptor: Descriptor, limit?: number): Promise<Uint8Array>;
}

/** How a blob came to stand in the target. */
export type BlobOutcome = 'present' | 'mounted' | 'uploaded';

/** Opens the same bytes anew each time: a request whose body is a stream cannot be repeated. */
export type OpenContent = () => Promise<ReadableStream<Uint8Array>>;

/** Something to write manifests and blobs to. */
export interface ContentTarget {
  readonly origin?: Origin;
  hasManifest(digest: Digest): Promise<boolean>;
  hasBlob(descriptor: Descriptor): Promise<boolean>;
  /**
   * Writes by digest, and by `tag` as well when given. A manifest with a subject becomes a referrer of it; registries
   * without referrers API get the fallback index. Fails with `REGISTRY_TOO_LARGE`, `REGISTRY_LOCKED`, `REGISTRY_FORBIDDEN`.
   */
  writeManifest(manifest: { readonly bytes: Uint8Array; readonly mediaType: string }, tag?: string): Promise<Descriptor>;
  /** `mountFrom`: repository of the same registry that holds the blob. Fails with `REGISTRY_DIGEST_MISMATCH` when `open` gives other bytes. */
  writeBlob(descriptor: Descriptor, open: OpenContent, mountFrom?: string): Promise<BlobOutcome>;
}

/** One repository of a registry. */
export interface Repository extends ContentSource, ContentTarget {
  readonly registry: string;
  readonly name: string;
  readonly origin: Origin;
  /** Tag or digest to descriptor by HEAD; `undefined` when there is none. */
  resolve(reference: string): Promise<Descriptor | undefined>;
  /** All tags, at most 100 000 (`REGISTRY_TOO_LARGE`); empty when the repository does not exist. */
  listTags(): Promise<string[]>;
  /** Referrers API, or the fallback index where it is missing; at most 2 000 (`REGISTRY_TOO_LARGE`). Filtered here too. */
  listReferrers(digest: Digest, artifactType?: string): Promise<Descriptor[]>;
  /** Nothing there is no error. Also takes the manifest out of a fallback index. */
  deleteManifest(digest: Digest): Promise<void>;
  /** Writes `manifest` under `tag`. */
  tag(manifest: Manifest, tag: string): Promise<void>;
}
