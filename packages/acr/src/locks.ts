// SPDX-License-Identifier: Apache-2.0
// Which manifest and tags are locked: attributes of /acr/v1, read raw because the SDK wants a sign-in by Entra ID.
import { isJsonObject, parseJsonObject, type Digest } from '@pratique/core';
import { repositoryScope, type Registry } from '@pratique/oci';
import { readMetadataList } from './metadata-pages.ts';
import type { Lock } from './properties.ts';

/** Locks of one manifest and of the tags that name it; `false` = locked. */
export interface HeldLocks {
  readonly manifest: Lock;
  readonly tags: ReadonlyMap<string, Lock>;
}

/** Reads the locks of a digest. Needs the right to read metadata. Fails with `ACR_ROLE_MISSING`, `REGISTRY_*`. */
export async function readLocks(oci: Registry, repository: string, digest: Digest): Promise<HeldLocks> {
  const reply = await oci.request({ method: 'GET', path: `/acr/v1/${encodeURIComponent(repository)}/_manifests/${encodeURIComponent(digest)}`, scopes: [repositoryScope(repository, 'metadata_read')] });
  const { manifest } = parseJsonObject(await reply.text(), `the properties of ${oci.registry}/${repository}@${digest}`, 'REGISTRY_PROTOCOL');
  const tags = await readMetadataList(oci, { repository, list: 'tags', query: `&digest=${encodeURIComponent(digest)}` });
  return { manifest: lockOf(manifest), tags: new Map(tags.map((tag) => [String(tag['name']), lockOf(tag)])) };
}

function lockOf(item: unknown): Lock {
  const attributes = isJsonObject(item) && isJsonObject(item['changeableAttributes']) ? item['changeableAttributes'] : {};
  const { writeEnabled: write, deleteEnabled: remove, readEnabled: read } = attributes;
  return { ...(typeof write === 'boolean' ? { write } : {}), ...(typeof remove === 'boolean' ? { delete: remove } : {}), ...(typeof read === 'boolean' ? { read } : {}) };
}
