// SPDX-License-Identifier: Apache-2.0
// What stands in a repository of ACR, and since when: `GET /acr/v1/NAME/_manifests`, which /v2 has no counterpart for.
import { isDigest, isJsonObject, type Digest, type JsonObject } from '@pratique/core';
import type { Registry } from '@pratique/oci';
import { readMetadataList } from './metadata-pages.ts';

/** One manifest as the registry lists it. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly created: Date;
  /** Children, when it is an index. */
  readonly references: readonly Digest[];
  /** Whether it is an image or an index, and no referrer such as a signature. */
  readonly image: boolean;
}

const imageConfig = /^application\/vnd\.(?:oci\.image\.config|docker\.container\.image)\.v1\+json$/;
const index = /^application\/vnd\.(?:oci\.image\.index\.v1|docker\.distribution\.manifest\.list\.v2)\+json$/;

/** Every manifest of the repository. Fails with `REGISTRY_TOO_LARGE` above 5,000, `REGISTRY_NOT_FOUND`, `REGISTRY_*`, `ACR_ROLE_MISSING`. */
export async function listManifests(oci: Registry, repository: string): Promise<readonly StoredManifest[]> {
  return (await readMetadataList(oci, { repository, list: 'manifests' })).flatMap(readItem);
}

function readItem(item: JsonObject): StoredManifest[] {
  if (!isDigest(item['digest'])) return [];
  const { digest, createdTime, mediaType, configMediaType, references } = item;
  const created = new Date(typeof createdTime === 'string' ? createdTime : NaN);
  // What has no age is never old.
  if (Number.isNaN(created.getTime())) return [];
  const children = Array.isArray(references) ? references.flatMap((one: unknown) => (isJsonObject(one) && isDigest(one['digest']) ? [one['digest']] : [])) : [];
  return [{ digest, created, references: children, image: index.test(String(mediaType)) || imageConfig.test(String(configMediaType)) }];
}
