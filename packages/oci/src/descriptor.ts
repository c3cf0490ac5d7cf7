// SPDX-License-Identifier: Apache-2.0
// What content is: descriptors, manifests, media types (OCI image-spec 1.1 and distribution-spec 1.1).
import type { Digest, Platform } from '@pratique/core';

/** Points at content by digest (image-spec 1.1, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the artifact it points at; in referrer lists and indexes. */
  readonly artifactType?: string;
  readonly platform?: Platform;
  /** Base64 of the content itself, when embedded. Nothing here relies on it. */
  readonly data?: string;
}

/** An image manifest, an artifact manifest or an index: what they share and where they differ. */
export interface ManifestContent {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  /** Set on an index only. */
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest whose bytes were verified against `descriptor.digest`; at most `manifestLimit` bytes. */
export interface Manifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly content: ManifestContent;
}

/** Media types by role. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  emptyJson: 'application/vnd.oci.empty.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** Manifests over 4 MiB are neither read nor written (distribution-spec 1.1, pushing-manifests; ACR has the same limit). */
export const manifestLimit = 4 * 1024 * 1024;

/** Media types of manifests that hold other manifests. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

/** Media types that are read and written as manifests; everything else is a blob. */
export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

/** The content `{}` with its fixed descriptor (image-spec 1.1, manifest.md#guidance-for-an-empty-descriptor). */
export const emptyBlob: { readonly descriptor: Descriptor; readonly bytes: Uint8Array } = {
  descriptor: { mediaType: mediaTypes.emptyJson, digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', size: 2 },
  bytes: new TextEncoder().encode('{}'),
};
