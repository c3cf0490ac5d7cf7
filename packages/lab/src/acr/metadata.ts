// SPDX-License-Identifier: Apache-2.0
// /acr/v1: repositories, tags and manifests with their locks (recorded traffic of the Azure SDK; api-version 2021-07-01).
import { isDigest, isJsonObject, type JsonObject } from '@pratique/core';
import { removeGraph } from './manifests.ts';
import { cutPage } from './pages.ts';
import type { Attributes, Dated, ManifestRecord, Repository, TagRecord } from './records.ts';
import { quarantineView, readQuarantineChange, requireMarker, storeMarked, tagState } from './quarantine.ts';
import { digestInvalid, json, manifestUnknown, Refusal, tagUnknown } from './refusal.ts';
import { existing, requireUnlocked, type Ask, type Registry, type Route } from './registry.ts';

const encoded = (name: string): string => encodeURIComponent(name);

function head(registry: Registry, name: string): { registry: string; imageName: string } {
  return { registry: registry.loginServer, imageName: name };
}

function repositoryView(registry: Registry, repository: Repository): object {
  const { record, manifests, tags } = repository;
  const times = [record, ...manifests.values(), ...tags.values()].map((item) => item.lastUpdateTime);
  return {
    ...head(registry, record.imageName), createdTime: record.createdTime, lastUpdateTime: times.sort().at(-1), manifestCount: manifests.size, tagCount: tags.size,
    changeableAttributes: { ...record.changeableAttributes, teleportEnabled: false },
  };
}

function tagView(repository: Repository, tag: TagRecord): object {
  const { name, digest, createdTime, lastUpdateTime, changeableAttributes } = tag;
  return { name, digest, createdTime, lastUpdateTime, signed: false, ...tagState(repository, tag), changeableAttributes };
}

function manifestView(registry: Registry, repository: Repository, record: ManifestRecord): object {
  const tags = [...repository.tags.values()].filter((tag) => tag.digest === record.digest).map((tag) => tag.name).sort();
  const { digest, imageSize, createdTime, lastUpdateTime, architecture, os, mediaType, configMediaType, references, changeableAttributes } = record;
  return {
    digest, imageSize, createdTime, lastUpdateTime, architecture, os, mediaType, configMediaType, ...(tags.length > 0 ? { tags } : {}), ...(references ? { references } : {}),
    changeableAttributes: { ...changeableAttributes, ...quarantineView(registry.quarantine, record) },
  };
}

// By name unless `orderby` asks for time; the clock never repeats, so times order completely.
function ordered<T extends Dated>(items: Iterable<T>, query: URLSearchParams, keyOf: (item: T) => string): T[] {
  const list = [...items].filter((item) => item.changeableAttributes.listEnabled);
  const order = query.get('orderby');
  const by = order === 'timeasc' || order === 'timedesc' ? (item: T): string => item.lastUpdateTime : keyOf;
  list.sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
  return order === 'timedesc' ? list.reverse() : list;
}

/** `GET /acr/v1/NAME`. */
export const readRepository: Route = async (registry, { name }) => json(repositoryView(registry, existing(registry, name)));

/** `DELETE /acr/v1/NAME`: everything in it, unless something is locked. */
export const deleteRepository: Route = async (registry, { name }) =>
  registry.store.exclusively(name, async () => {
    const { record, manifests, tags } = existing(registry, name);
    requireUnlocked('delete', record, ...manifests.values(), ...tags.values());
    const gone = { manifestsDeleted: [...manifests.keys()], tagsDeleted: [...tags.keys()] };
    await registry.store.removeRepository(name);
    return json(gone, { status: 202 });
  });

/** `GET /acr/v1/NAME/_tags`. */
export const listTagMetadata: Route = async (registry, { name, query }) => {
  const repository = existing(registry, name);
  const digest = query.get('digest');
  const tags = ordered(repository.tags.values(), query, (tag) => tag.name).filter((tag) => digest === null || tag.digest === digest);
  const page = cutPage(tags, { path: `/acr/v1/${encoded(name)}/_tags`, query, pageSize: registry.pageSize, keyOf: (tag) => tag.name, keep: ['digest'] });
  return json({ ...head(registry, name), tags: page.items.map((tag) => tagView(repository, tag)) }, { headers: page.headers });
};

/** `GET /acr/v1/NAME/_manifests`. */
export const listManifestMetadata: Route = async (registry, { name, query }) => {
  const repository = existing(registry, name);
  const manifests = ordered(repository.manifests.values(), query, (record) => record.digest);
  const page = cutPage(manifests, { path: `/acr/v1/${encoded(name)}/_manifests`, query, pageSize: registry.pageSize, keyOf: (record) => record.digest });
  return json({ ...head(registry, name), manifests: page.items.map((record) => manifestView(registry, repository, record)) }, { headers: page.headers });
};

function findTag(registry: Registry, { name, reference }: Ask): TagRecord {
  const tag = existing(registry, name).tags.get(reference);
  if (!tag) throw tagUnknown();
  return tag;
}

function findManifest(registry: Registry, { name, reference }: Ask): ManifestRecord {
  if (!isDigest(reference)) throw digestInvalid(reference, 'invalid digest');
  const record = existing(registry, name).manifests.get(reference);
  if (!record) throw manifestUnknown(reference);
  return record;
}

/** `GET /acr/v1/NAME/_tags/TAG`. */
export const readTag: Route = async (registry, ask) => json({ ...head(registry, ask.name), tag: tagView(existing(registry, ask.name), findTag(registry, ask)) });

/** `GET /acr/v1/NAME/_manifests/DIGEST`. */
export const readManifestMetadata: Route = async (registry, ask) =>
  json({ ...head(registry, ask.name), manifest: manifestView(registry, existing(registry, ask.name), findManifest(registry, ask)) });

/** `DELETE /acr/v1/NAME/_tags/TAG`: the manifest stays. */
export const deleteTag: Route = async (registry, ask) =>
  registry.store.exclusively(ask.name, async () => {
    const tag = findTag(registry, ask);
    requireUnlocked('delete', existing(registry, ask.name).record, tag);
    await registry.store.removeTag(ask.name, tag.name);
    return new Response(null, { status: 202, headers: { 'x-ms-int-docker-content-digest': tag.digest, 'content-length': '0' } });
  });

/** `DELETE /acr/v1/NAME/_manifests/DIGEST`: as `DELETE /v2/NAME/manifests/DIGEST`. */
export const deleteManifestMetadata: Route = async (registry, ask) =>
  registry.store.exclusively(ask.name, async () => {
    await removeGraph(registry, existing(registry, ask.name), findManifest(registry, ask).digest);
    return new Response(null, { status: 202, headers: { 'content-length': '0' } });
  });

/** `PATCH /acr/v1/NAME`. */
export const updateRepository: Route = async (registry, ask) => {
  const change = readChange(parse(await ask.request.text()));
  return registry.store.exclusively(ask.name, async () => {
    const repository = existing(registry, ask.name);
    await registry.store.putRepository(changed(registry, repository.record, change));
    return json(repositoryView(registry, repository));
  });
};

/** `PATCH /acr/v1/NAME/_tags/TAG`. */
export const updateTag: Route = async (registry, ask) => {
  const change = readChange(parse(await ask.request.text()));
  return registry.store.exclusively(ask.name, async () => {
    await registry.store.putTag(ask.name, changed(registry, findTag(registry, ask), change));
    return readTag(registry, ask);
  });
};

/** `PATCH /acr/v1/NAME/_manifests/DIGEST`: attributes, and the state of quarantine. */
export const updateManifest: Route = async (registry, ask) => {
  const body = parse(await ask.request.text());
  const change = readChange(body);
  const mark = readQuarantineChange(body);
  requireMarker(ask, mark);
  return registry.store.exclusively(ask.name, async () => {
    const before = findManifest(registry, ask);
    await storeMarked(registry, ask, { before, record: { ...changed(registry, before, change), ...mark } });
    return readManifestMetadata(registry, ask);
  });
};

// Attributes are what unlocks, so a lock never stands in the way of changing them.
function changed<T extends Dated>(registry: Registry, record: T, change: Partial<Attributes>): T {
  return { ...record, lastUpdateTime: registry.store.now(), changeableAttributes: { ...record.changeableAttributes, ...change } };
}

const attributeNames = ['deleteEnabled', 'writeEnabled', 'readEnabled', 'listEnabled'] as const;

function readChange(body: JsonObject): Partial<Attributes> {
  const wrong = attributeNames.find((name) => body[name] !== undefined && body[name] !== null && typeof body[name] !== 'boolean');
  if (wrong) throw new Refusal({ status: 400, code: 'INVALID_BODY', message: `${wrong} must be true or false` });
  return Object.fromEntries(attributeNames.filter((name) => typeof body[name] === 'boolean').map((name) => [name, body[name]]));
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Refusal({ status: 400, code: 'INVALID_BODY', message: 'the body must be a JSON object' });
}
