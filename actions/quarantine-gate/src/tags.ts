// SPDX-License-Identifier: Apache-2.0
// Writes the version tag once and moves the moving tags to whoever owns them, until nothing changes.
import { Failure, type Digest } from '@pratique/core';
import type { Manifest, Repository } from '@pratique/oci';
import { competitors, movingTags, readVersion, versionTag } from './versions.ts';

// /v2 has no conditional write: two releases may race, so list, compute and write are repeated until a round changes nothing.
const rounds = 6;

export interface TagOptions {
  readonly repository: Repository;
  readonly version: string;
  readonly manifest: Manifest;
  /** Whether a digest holds a release verdict that was not revoked; expired ones count. */
  readonly competes: (digest: Digest) => Promise<boolean>;
  /** False: only the version tag is written. */
  readonly moving: boolean;
}

/**
 * Gives the released image its tags. Returns those that name it now, the full version first.
 * Fails with `GATE_VERSION_TAKEN` when the version tag names another digest, `GATE_TAGS_UNSTABLE` when the tags do not come to rest.
 */
export async function writeTags(options: TagOptions): Promise<readonly string[]> {
  const version = readVersion(options.version);
  if (!version) throw new Failure({ code: 'VERSION_INVALID', message: `"${options.version}" is not a semantic version` });
  const { repository, manifest } = options;
  const full = versionTag(options.version);
  await requireFree(repository, full, manifest.descriptor.digest);
  if ((await repository.resolve(full)) === undefined) await repository.tag(manifest, full);
  const moving = options.moving ? movingTags(version) : [];
  for (let round = 0; round < rounds; round += 1) {
    if ((await moveOnce(options, moving)) === 0) {
      await requireFree(repository, full, manifest.descriptor.digest);
      return [full, ...(await tagsNaming(repository, moving, manifest.descriptor.digest))];
    }
  }
  throw new Failure({
    code: 'GATE_TAGS_UNSTABLE', message: `the moving tags of ${repository.registry}/${repository.name} changed in each of ${rounds} rounds`,
    hint: 'Another release is running. Run the gate again; it starts where this one ended.',
  });
}

/** Fails with `GATE_VERSION_TAKEN` when `tag` names another digest. */
export async function requireFree(repository: Repository, tag: string, digest: Digest): Promise<void> {
  const taken = await repository.resolve(tag);
  if (taken === undefined || taken.digest === digest) return;
  throw new Failure({
    code: 'GATE_VERSION_TAKEN', message: `${repository.registry}/${repository.name}:${tag} already names ${taken.digest}`,
    hint: 'Released versions never change. Build this commit under a new version.',
  });
}

export interface RecomputeOptions {
  readonly repository: Repository;
  /** The release that lost its verdict. */
  readonly digest: Digest;
  readonly untag: (tag: string) => Promise<void>;
  /** Resolves when the digest holds a verdict; fails with a `VERDICT_*` code otherwise. */
  readonly standing: (digest: Digest) => Promise<unknown>;
}

/** Takes the moving tags from a release that was revoked: each goes to the next best, or is removed when there is none. Returns those that changed. */
export async function recomputeTags({ repository, digest, untag, standing }: RecomputeOptions): Promise<readonly string[]> {
  const tags = await repository.listTags();
  const lost = await tagsNaming(repository, tags.filter((tag) => readVersion(tag) === undefined && /^(?:latest|\d+(?:\.\d+)?)$/.test(tag)), digest);
  for (const tag of lost) {
    const owner = await ownerOf(tag, tags, repository, (candidate) => holdsVerdict(() => standing(candidate)));
    if (owner === undefined) await untag(tag);
    else await repository.tag(await repository.readManifest(owner), tag);
  }
  return lost;
}

/** Whether a verdict stands or has merely expired: only those compete for moving tags. */
export async function holdsVerdict(require: () => Promise<unknown>): Promise<boolean> {
  try {
    await require();
    return true;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'VERDICT_EXPIRED') return true;
    if (thrown instanceof Failure && thrown.kind === 'refused') return false;
    throw thrown;
  }
}

/** One round; returns how many tags it moved. */
async function moveOnce(options: TagOptions, moving: readonly string[]): Promise<number> {
  const { repository, manifest } = options;
  // One answer for all tags of a round: a verdict is proven by many signatures. The next round asks again.
  const known = new Map([[manifest.descriptor.digest, Promise.resolve(true)]]);
  const competes = (digest: Digest): Promise<boolean> => {
    const answer = known.get(digest) ?? options.competes(digest);
    known.set(digest, answer);
    return answer;
  };
  const tags = await repository.listTags();
  let moved = 0;
  for (const tag of moving) {
    const owner = await ownerOf(tag, tags, repository, competes);
    if (owner === undefined || (await repository.resolve(tag))?.digest === owner) continue;
    await repository.tag(await repository.readManifest(owner), tag);
    moved += 1;
  }
  return moved;
}

/** Digest of the highest version that competes, `undefined` when none does. */
async function ownerOf(moving: string, tags: readonly string[], repository: Repository, competes: (digest: Digest) => Promise<boolean>): Promise<Digest | undefined> {
  for (const version of competitors(moving, tags)) {
    const digest = (await repository.resolve(version.text))?.digest;
    if (digest !== undefined && (await competes(digest))) return digest;
  }
  return undefined;
}

async function tagsNaming(repository: Repository, tags: readonly string[], digest: Digest): Promise<readonly string[]> {
  const named = await Promise.all(tags.map(async (tag) => ((await repository.resolve(tag))?.digest === digest ? [tag] : [])));
  return named.flat();
}
