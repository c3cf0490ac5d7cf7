// SPDX-License-Identifier: Apache-2.0
// The registry's memory: every record in maps, written through to the medium before it counts. Mutations of one repository run one after another.
import { isDigest, type Digest } from '@pratique/core';
import type { Content, Draft, Media } from './media.ts';
import { createTimes, unlocked, type ManifestRecord, type Repository, type RepositoryRecord, type TagRecord } from './records.ts';

/** What the routes work on. Reading is synchronous; every mutation resolves once the medium has it. */
export interface Store {
  /** Reads everything from the medium; idempotent. Fails with `LAB_DATA_INVALID`. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** A repository exists while it has a manifest (ACR has no call that makes one). */
  find(name: string): Repository | undefined;
  /** Names of the repositories that exist, sorted. */
  names(): string[];
  /** Runs `work` alone among the mutations of `name`. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>;
  now(): string;
  draft(): Promise<Draft>;
  content(digest: Digest): Promise<Content | undefined>;
  hasBlob(name: string, digest: Digest): boolean;
  /** The first repository that passes `allowed` and holds the blob. */
  whoHasBlob(digest: Digest, allowed: (name: string) => boolean): string | undefined;
  /** Keeps what the draft received, whose digest was checked, and links it. */
  addBlob(name: string, digest: Digest, draft: Draft): Promise<void>;
  /** Links content that another repository holds; false when it went meanwhile. */
  mountBlob(name: string, digest: Digest): Promise<boolean>;
  unlinkBlob(name: string, digest: Digest): Promise<void>;
  putRepository(record: RepositoryRecord): Promise<void>;
  /** Writes the record, and before it the manifest's bytes when a draft holds them. */
  putManifest(name: string, record: ManifestRecord, draft?: Draft): Promise<void>;
  putTag(name: string, record: TagRecord): Promise<void>;
  removeTag(name: string, tag: string): Promise<void>;
  removeManifest(name: string, digest: Digest): Promise<void>;
  removeRepository(name: string): Promise<void>;
}

/** A store on a medium; `now` gives the times of its records. */
export function createStore(media: Media, now: () => Date): Store {
  return new MediaStore(media, now);
}

class MediaStore implements Store {
  readonly #media: Media;
  readonly #repositories = new Map<string, Repository & { exists: boolean }>();
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly now: () => string;
  #opening: Promise<void> | undefined;

  constructor(media: Media, now: () => Date) {
    this.#media = media;
    this.now = createTimes(now);
  }

  open(): Promise<void> {
    return (this.#opening ??= this.#load());
  }

  async close(): Promise<void> {
    if (this.#opening === undefined) return;
    await Promise.allSettled(this.#tails.values());
    await this.#media.close();
    this.#repositories.clear();
    this.#opening = undefined;
  }

  find(name: string): Repository | undefined {
    const repository = this.#repositories.get(name);
    return repository?.exists ? repository : undefined;
  }

  names(): string[] {
    return [...this.#repositories].filter(([, repository]) => repository.exists).map(([name]) => name).sort();
  }

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const result = before.then(work, work);
    const tail = result.then(() => undefined, () => undefined);
    this.#tails.set(name, tail);
    void tail.then(() => this.#tails.get(name) === tail && this.#tails.delete(name));
    return result;
  }

  draft(): Promise<Draft> {
    return this.#media.draft();
  }

  content(digest: Digest): Promise<Content | undefined> {
    return this.#media.content(digest);
  }

  hasBlob(name: string, digest: Digest): boolean {
    return this.#repositories.get(name)?.blobs.has(digest) ?? false;
  }

  whoHasBlob(digest: Digest, allowed: (name: string) => boolean): string | undefined {
    for (const [name, repository] of this.#repositories) {
      if (repository.blobs.has(digest) && allowed(name)) return name;
    }
    return undefined;
  }

  // Content is committed and released under a lock of its own, or a removal could take what a parallel push has just stored.
  addBlob(name: string, digest: Digest, draft: Draft): Promise<void> {
    return this.exclusively(digest, async () => {
      await draft.commit(digest);
      await this.#link(name, digest);
    });
  }

  mountBlob(name: string, digest: Digest): Promise<boolean> {
    return this.exclusively(digest, async () => {
      if (!(await this.#media.content(digest))) return false;
      await this.#link(name, digest);
      return true;
    });
  }

  async #link(name: string, digest: Digest): Promise<void> {
    await this.#media.write({ kind: 'blob', repository: name, key: digest });
    this.#repository(name).blobs.add(digest);
  }

  async unlinkBlob(name: string, digest: Digest): Promise<void> {
    this.#repository(name).blobs.delete(digest);
    await this.#media.remove({ kind: 'blob', repository: name, key: digest });
    await this.#release([digest]);
  }

  async putRepository(record: RepositoryRecord): Promise<void> {
    await this.#media.write({ kind: 'repository', repository: record.imageName, record });
    const repository = this.#repository(record.imageName);
    repository.record = record;
    repository.exists = true;
  }

  async putManifest(name: string, record: ManifestRecord, draft?: Draft): Promise<void> {
    const time = record.lastUpdateTime;
    if (!this.find(name)) await this.putRepository({ imageName: name, createdTime: time, lastUpdateTime: time, changeableAttributes: unlocked });
    await this.exclusively(record.digest, async () => {
      await draft?.commit(record.digest);
      await this.#media.write({ kind: 'manifest', repository: name, key: record.digest, record });
      keepManifest(this.#repository(name), record);
    });
  }

  async putTag(name: string, record: TagRecord): Promise<void> {
    await this.#media.write({ kind: 'tag', repository: name, key: record.name, record });
    this.#repository(name).tags.set(record.name, record);
  }

  async removeTag(name: string, tag: string): Promise<void> {
    await this.#media.remove({ kind: 'tag', repository: name, key: tag });
    this.#repository(name).tags.delete(tag);
  }

  /** Removes the manifest and its tags; with the last manifest the repository goes. */
  async removeManifest(name: string, digest: Digest): Promise<void> {
    const repository = this.#repository(name);
    for (const tag of [...repository.tags.values()].filter((item) => item.digest === digest)) await this.removeTag(name, tag.name);
    const record = repository.manifests.get(digest);
    await this.#media.remove({ kind: 'manifest', repository: name, key: digest });
    repository.manifests.delete(digest);
    if (record?.subject) repository.referrers.get(record.subject)?.delete(digest);
    await this.#release([digest]);
    // Blob links stay: another push into this repository may just have been told that they are present.
    if (repository.manifests.size === 0) await this.#forget(name);
  }

  async removeRepository(name: string): Promise<void> {
    const repository = this.#repository(name);
    const manifests = [...repository.manifests.keys()];
    await this.#forget(name);
    for (const digest of repository.blobs) await this.unlinkBlob(name, digest);
    await this.#release(manifests);
  }

  async #forget(name: string): Promise<void> {
    const repository = this.#repository(name);
    repository.exists = false;
    for (const records of [repository.manifests, repository.tags, repository.referrers]) records.clear();
    await this.#media.remove({ kind: 'repository', repository: name });
  }

  #repository(name: string): Repository & { exists: boolean } {
    const found = this.#repositories.get(name);
    if (found) return found;
    const record: RepositoryRecord = { imageName: name, createdTime: '', lastUpdateTime: '', changeableAttributes: unlocked };
    const made = { record, exists: false, manifests: new Map(), tags: new Map(), blobs: new Set<Digest>(), referrers: new Map() };
    this.#repositories.set(name, made);
    return made;
  }

  #isUsed(digest: Digest): boolean {
    return [...this.#repositories.values()].some((repository) => repository.blobs.has(digest) || repository.manifests.has(digest));
  }

  async #release(digests: readonly Digest[]): Promise<void> {
    for (const digest of digests) await this.exclusively(digest, async () => this.#isUsed(digest) || this.#media.removeContent(digest));
  }

  async #load(): Promise<void> {
    const entries = await this.#media.open();
    for (const entry of entries) {
      if (entry.kind === 'repository') Object.assign(this.#repository(entry.repository), { record: entry.record, exists: true });
      else if (entry.kind === 'blob' && isDigest(entry.key)) this.#repository(entry.repository).blobs.add(entry.key);
    }
    for (const entry of entries) {
      const repository = this.#repository(entry.repository);
      if (entry.kind === 'manifest' && repository.exists) keepManifest(repository, entry.record);
      else if (entry.kind === 'tag' && repository.exists) repository.tags.set(entry.key, entry.record);
    }
    // Content without a link: the process ended between the two, or between unlinking and removing.
    await this.#release(await this.#media.contents());
  }
}

function keepManifest(repository: Repository, record: ManifestRecord): void {
  repository.manifests.set(record.digest, record);
  if (!record.subject) return;
  const referrers = repository.referrers.get(record.subject) ?? new Set();
  repository.referrers.set(record.subject, referrers.add(record.digest));
}
