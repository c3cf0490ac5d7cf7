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
  if ((await repository.resolve(full)) === undefined) await takeVersion(repository, manifest, full);
  const moving = options.moving ? movingTags(version) : [];
  const { digest } = manifest.descriptor;
  await settle({ repository, moving, competes: async (candidate) => candidate === digest || options.competes(candidate) });
  await requireFree(repository, full, digest);
  return [full, ...(await tagsNaming(repository, moving, digest))];
}

/** Another run that was quicker may have locked the tag already: then it must name the same image. */
async function takeVersion(repository: Repository, manifest: Manifest, tag: string): Promise<void> {
  try {
    await repository.tag(manifest, tag);
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'REGISTRY_LOCKED') throw thrown;
    await requireFree(repository, tag, manifest.descriptor.digest);
    if ((await repository.resolve(tag)) === undefined) throw thrown;
  }
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

/** Takes the moving tags from a release that was revoked: each goes to the next best, or is removed when there is none. Returns those that changed. Fails with `GATE_TAGS_UNSTABLE`. */
export async function recomputeTags({ repository, digest, untag, standing }: RecomputeOptions): Promise<readonly string[]> {
  const named = await tagsNaming(repository, await repository.listTags(), digest);
  const versions = named.map(readVersion).filter((version) => version !== undefined);
  // Those of its lines that name another release as well: an attempt that was killed may have left them wrong.
  const moving = new Set([...versions.flatMap(movingTags), ...named.filter((tag) => readVersion(tag) === undefined && /^(?:latest|\d+(?:\.\d+)?)$/.test(tag))]);
  return settle({ repository, moving: [...moving], competes: (candidate) => holdsVerdict(() => standing(candidate)), untag });
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

interface Settling {
  readonly repository: Repository;
  readonly moving: readonly string[];
  readonly competes: (digest: Digest) => Promise<boolean>;
  /** Without it a tag that nobody owns stays. */
  readonly untag?: (tag: string) => Promise<void>;
}

/** Rounds until one changes nothing. Returns the tags that changed. */
async function settle(settling: Settling): Promise<readonly string[]> {
  const { repository } = settling;
  const changed = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    const moved = await moveOnce(settling);
    if (moved.length === 0) return [...changed];
    for (const tag of moved) changed.add(tag);
  }
  throw new Failure({
    code: 'GATE_TAGS_UNSTABLE', message: `the moving tags of ${repository.registry}/${repository.name} changed in each of ${rounds} rounds`,
    hint: 'Another release is running. Run it again; it starts where this one ended.',
  });
}

async function moveOnce({ repository, moving, untag, ...settling }: Settling): Promise<readonly string[]> {
  // One answer for all tags of a round: a verdict is proven by many signatures. The next round asks again.
  const known = new Map<Digest, Promise<boolean>>();
  const competes = (digest: Digest): Promise<boolean> => {
    const answer = known.get(digest) ?? settling.competes(digest);
    known.set(digest, answer);
    return answer;
  };
  const tags = await repository.listTags();
  const moved: string[] = [];
  for (const tag of moving) {
    const owner = await ownerOf(tag, tags, repository, competes);
    const current = (await repository.resolve(tag))?.digest;
    if (owner === current || (owner === undefined && untag === undefined)) continue;
    if (owner === undefined) await untag?.(tag);
    else await repository.tag(await repository.readManifest(owner), tag);
    moved.push(tag);
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
