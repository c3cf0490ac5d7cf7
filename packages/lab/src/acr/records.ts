// SPDX-License-Identifier: Apache-2.0
// What the registry remembers of repositories, manifests and tags: plain JSON records with the names of ACR's metadata API.
import type { Digest } from '@pratique/core';

/** `changeableAttributes` of ACR. Absent locks are `true`. */
export interface Attributes {
  readonly deleteEnabled: boolean;
  readonly writeEnabled: boolean;
  readonly readEnabled: boolean;
  readonly listEnabled: boolean;
}

export const unlocked: Attributes = { deleteEnabled: true, writeEnabled: true, readEnabled: true, listEnabled: true };

/** Common to all three: times in ACR's form (seven fractional digits). */
export interface Dated {
  readonly createdTime: string;
  readonly lastUpdateTime: string;
  readonly changeableAttributes: Attributes;
}

export interface RepositoryRecord extends Dated {
  readonly imageName: string;
}

export interface TagRecord extends Dated {
  readonly name: string;
  readonly digest: Digest;
}

/** A platform child of an index, as `_manifests` lists it. */
export interface ChildReference {
  readonly digest: Digest;
  readonly architecture?: string;
  readonly os?: string;
}

/** A stored manifest; its bytes lie among the blobs. */
export interface ManifestRecord extends Dated {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of the manifest itself. */
  readonly size: number;
  /** Bytes of manifest, config and layers. */
  readonly imageSize: number;
  readonly architecture?: string;
  readonly os?: string;
  readonly configMediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Digest;
  readonly references?: readonly ChildReference[];
  /** How it was marked; absent = never. */
  readonly quarantineState?: 'Passed' | 'Failed';
  readonly quarantineDetails?: string;
  /** Tags that it gets when it is released. */
  readonly waitingTags?: readonly string[];
  /** Config and layers; what the start-up sweep must keep. */
  readonly blobs: readonly Digest[];
}

/** Everything of one repository. */
export interface Repository {
  record: RepositoryRecord;
  readonly manifests: Map<Digest, ManifestRecord>;
  readonly tags: Map<string, TagRecord>;
  /** Blobs that may be read through this repository. */
  readonly blobs: Set<Digest>;
  /** Subject to referrers; a subject need not exist. */
  readonly referrers: Map<Digest, Set<Digest>>;
}

/** Times that never repeat and always rise, so that `orderby=timeasc` is stable: milliseconds of the clock and a counter. */
export function createTimes(now: () => Date): () => string {
  let last = 0;
  let counter = 0;
  return () => {
    const millis = Math.max(now().getTime(), last);
    counter = millis === last ? counter + 1 : 0;
    last = millis;
    return new Date(millis).toISOString().replace('Z', `${String(counter % 10_000).padStart(4, '0')}Z`);
  };
}
