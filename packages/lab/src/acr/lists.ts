// SPDX-License-Identifier: Apache-2.0
// The lists of /v2: tags, catalog, referrers (distribution-spec 1.1, "Content Discovery").
import { isDigest } from '@pratique/core';
import { manifestTypes } from './manifest-facts.ts';
import { cutPage } from './pages.ts';
import type { ManifestRecord } from './records.ts';
import { digestInvalid, json, Refusal } from './refusal.ts';
import { existing, requireUnlocked, type Registry, type Route } from './registry.ts';

/** `GET /v2/NAME/tags/list`, in ASCII order. */
export const listTags: Route = async (registry, { name, query }) => {
  const repository = existing(registry, name);
  requireUnlocked('read', repository.record);
  const tags = [...repository.tags.values()].filter((tag) => tag.changeableAttributes.listEnabled).map((tag) => tag.name).sort();
  const page = cutPage(tags, { path: `/v2/${name}/tags/list`, query, pageSize: registry.pageSize, keyOf: (tag) => tag });
  return json({ name, tags: page.items }, { headers: page.headers });
};

/** `GET /v2/_catalog` and `GET /acr/v1/_catalog`. */
export const listCatalog = (path: string): Route => async (registry, { query }) => {
  const page = cutPage(listedNames(registry), { path, query, pageSize: registry.pageSize, keyOf: (name) => name });
  return json({ repositories: page.items }, { headers: page.headers });
};

function listedNames({ store }: Registry): string[] {
  return store.names().filter((name) => store.find(name)?.record.changeableAttributes.listEnabled);
}

/** `GET /v2/NAME/referrers/DIGEST`; 404 where the registry does not have the API. */
export const listReferrers: Route = async (registry, { name, reference, query }) => {
  if (!registry.referrers) throw new Refusal({ status: 404, code: 'NOT_FOUND', message: 'The referrers API is not supported on this registry.' });
  if (!isDigest(reference)) throw digestInvalid(reference, 'invalid digest');
  const repository = registry.store.find(name);
  requireUnlocked('read', repository?.record);
  const artifactType = query.get('artifactType');
  const found = [...(repository?.referrers.get(reference) ?? [])].sort().flatMap((digest) => repository?.manifests.get(digest) ?? []);
  const matching = found.filter((record) => artifactType === null || artifactType === '' || record.artifactType === artifactType);
  const page = cutPage(matching, { path: `/v2/${name}/referrers/${reference}`, query, pageSize: registry.pageSize, keyOf: (record) => record.digest, keep: ['artifactType'] });
  const headers = { ...page.headers, 'content-type': manifestTypes.index, ...(artifactType ? { 'oci-filters-applied': 'artifactType' } : {}) };
  return json({ schemaVersion: 2, mediaType: manifestTypes.index, manifests: page.items.map(toDescriptor) }, { headers });
};

function toDescriptor(record: ManifestRecord): object {
  const { mediaType, digest, size, artifactType, annotations } = record;
  return { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }), ...(annotations ? { annotations } : {}) };
}
