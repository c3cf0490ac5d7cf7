// SPDX-License-Identifier: Apache-2.0
// Manifests: GET, HEAD, PUT by tag or digest, DELETE of a tag or of a manifest with its referrers (distribution-spec 1.1; cascade: Microsoft Learn, "Manage OCI artifacts").
import { digestOf, isDigest, type Digest } from '@pratique/core';
import { bodyChunks } from '../serve.ts';
import { contentMembers, readManifestFacts, type ManifestFacts } from './manifest-facts.ts';
import { readContent, type Draft } from './media.ts';
import { digestInvalid, manifestUnknown, nameUnknown, Refusal } from './refusal.ts';
import { requireUnlocked, resolve, tagPattern, type Ask, type Registry, type Route } from './registry.ts';
import { requireReleased, tagOrHold } from './quarantine.ts';
import { unlocked, type Repository } from './records.ts';

/** Microsoft Learn, "Container registry service tiers": the largest manifest. */
export const manifestLimitBytes = 4 * 1024 * 1024;

/** `GET`, `HEAD /v2/NAME/manifests/REFERENCE`. */
export const readManifest: Route = async (registry, ask) => {
  const repository = registry.store.find(ask.name);
  const digest = resolve(repository, ask.reference);
  const record = digest && repository?.manifests.get(digest);
  if (!repository || !record) throw manifestUnknown(ask.reference);
  requireReleased(registry, ask, record);
  requireUnlocked('read', repository.record, record, repository.tags.get(ask.reference));
  if (!accepts(ask.request.headers.get('accept'), record.mediaType)) {
    throw new Refusal({ status: 404, code: 'MANIFEST_UNKNOWN', message: `manifest has media type ${record.mediaType}, but the client does not accept it`, detail: { reference: ask.reference } });
  }
  const headers = { 'content-type': record.mediaType, 'content-length': String(record.size), 'docker-content-digest': record.digest, etag: `"${record.digest}"` };
  if (ask.method === 'HEAD') return new Response(null, { headers });
  const content = await registry.store.content(record.digest);
  if (!content) throw manifestUnknown(ask.reference);
  return new Response((await readContent(content)) as Uint8Array<ArrayBuffer>, { headers });
};

function accepts(header: string | null, mediaType: string): boolean {
  if (header === null) return true;
  const types = header.split(',').map((item) => item.split(';')[0]?.trim().toLowerCase());
  return types.includes('*/*') || types.includes('application/*') || types.includes(mediaType.toLowerCase());
}

/** `PUT /v2/NAME/manifests/REFERENCE`; by digest, `?tag=` may be repeated. */
export const writeManifest: Route = async (registry, ask) => {
  const byDigest = ask.reference.includes(':');
  const tags = byDigest ? ask.query.getAll('tag') : [ask.reference];
  if (byDigest && !isDigest(ask.reference)) throw digestInvalid(ask.reference, 'invalid digest');
  const wrong = tags.find((tag) => !tagPattern.test(tag));
  if (wrong !== undefined) throw new Refusal({ status: 400, code: 'TAG_INVALID', message: 'manifest tag did not match URI', detail: { tag: wrong } });
  const bytes = await readBody(ask.request);
  const digest = await digestOf(bytes, ask.reference.startsWith('sha512:') ? 'sha512' : 'sha256');
  if (byDigest && digest !== ask.reference) throw digestInvalid(ask.reference);
  const facts = readManifestFacts(bytes, ask.request.headers.get('content-type'));
  const draft = await received(registry, bytes);
  try {
    await registry.store.exclusively(ask.name, () => keep(registry, ask, { draft, digest, facts, tags }));
  } finally {
    await draft.discard();
  }
  const headers = new Headers({ location: `/v2/${ask.name}/manifests/${byDigest ? digest : ask.reference}`, 'docker-content-digest': digest, 'content-length': '0' });
  if (facts.subject && registry.referrers) headers.set('oci-subject', facts.subject);
  if (byDigest) for (const tag of tags) headers.append('oci-tag', tag);
  return new Response(null, { status: 201, headers });
};

async function readBody(request: Request): Promise<Uint8Array> {
  const tooLarge = new Refusal({ status: 413, code: 'MANIFEST_INVALID', message: `manifest exceeds ${manifestLimitBytes} bytes` });
  if (Number(request.headers.get('content-length') ?? 0) > manifestLimitBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(request)) {
    size += chunk.length;
    if (size > manifestLimitBytes) throw tooLarge;
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

// Before the pushes of a repository take turns: the disk takes its time.
async function received({ store }: Registry, bytes: Uint8Array): Promise<Draft> {
  const draft = await store.draft();
  await draft.append(once(bytes), () => undefined);
  await draft.sync();
  return draft;
}

interface Pushed {
  readonly draft: Draft;
  readonly digest: Digest;
  readonly facts: ManifestFacts;
  readonly tags: readonly string[];
}

async function keep(registry: Registry, ask: Ask, { draft, digest, facts, tags }: Pushed): Promise<void> {
  const { store } = registry;
  const { name } = ask;
  const repository = store.find(name);
  const known = repository?.manifests.get(digest);
  // A locked manifest may get a new tag: its content does not change. A locked tag may not be written, not even with what it has.
  requireUnlocked('write', repository?.record, ...(tags.length === 0 ? [known] : tags.map((tag) => repository?.tags.get(tag))));
  requirePresent(registry, name, facts);
  const time = store.now();
  let record = known;
  if (record?.mediaType !== facts.mediaType) {
    const members = await contentMembers(store, facts, draft.size);
    record = { digest, size: draft.size, createdTime: time, lastUpdateTime: time, changeableAttributes: unlocked, ...members };
    await store.putManifest(name, record, draft);
  }
  await tagOrHold(registry, ask, { record, tags, time });
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

function requirePresent({ store }: Registry, name: string, facts: ManifestFacts): void {
  const blobs = [facts.config, ...facts.layers].filter((item) => item !== undefined && !item.foreign && !store.hasBlob(name, item.digest));
  const children = facts.manifests.filter((item) => !item.foreign && !store.find(name)?.manifests.has(item.digest));
  const missing = [...blobs, ...children][0];
  if (missing) throw new Refusal({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN', message: 'manifest references a manifest or blob unknown to registry', detail: { digest: missing.digest } });
}

/** `DELETE /v2/NAME/manifests/REFERENCE`: a tag alone, or a manifest with its tags and referrers. */
export const deleteManifest: Route = async (registry, ask) => {
  if (ask.reference.includes(':') && !isDigest(ask.reference)) throw digestInvalid(ask.reference, 'invalid digest');
  await registry.store.exclusively(ask.name, async () => {
    const repository = registry.store.find(ask.name);
    if (!repository) throw nameUnknown(ask.name);
    if (isDigest(ask.reference)) await removeGraph(registry, repository, ask.reference);
    else await removeTag(registry, ask, repository);
  });
  return new Response(null, { status: 202, headers: { 'content-length': '0' } });
};

async function removeTag(registry: Registry, ask: Ask, repository: Repository): Promise<void> {
  const tag = repository.tags.get(ask.reference);
  if (!tag) throw manifestUnknown(ask.reference);
  requireUnlocked('delete', repository.record, tag);
  await registry.store.removeTag(ask.name, tag.name);
}

/** The manifest and, through all levels, what refers to it; nothing goes when one of them is locked. */
export async function removeGraph(registry: Registry, repository: Repository, digest: Digest): Promise<void> {
  if (!repository.manifests.has(digest)) throw manifestUnknown(digest);
  const graph = new Set<Digest>([digest]);
  for (const member of graph) for (const referrer of repository.referrers.get(member) ?? []) graph.add(referrer);
  const tags = [...repository.tags.values()].filter((tag) => graph.has(tag.digest));
  requireUnlocked('delete', repository.record, ...tags, ...[...graph].map((member) => repository.manifests.get(member)));
  // Leaves first: killed in between, no referrer is left without its subject.
  for (const member of [...graph].reverse()) await registry.store.removeManifest(repository.record.imageName, member);
}

