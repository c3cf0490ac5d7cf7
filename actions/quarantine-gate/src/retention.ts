// SPDX-License-Identifier: Apache-2.0
// Removes old copies from the quarantine repository: those that were released, and those that were refused. What nobody judged stays.
import { listManifests, type AzureRegistry, type StoredManifest } from '@pratique/acr';
import { Failure, type Context, type Digest } from '@pratique/core';
import type { Repository } from '@pratique/oci';

export interface RetentionOptions {
  readonly ctx: Pick<Context, 'clock' | 'log'>;
  readonly registry: Pick<AzureRegistry, 'oci'>;
  readonly quarantine: Repository;
  readonly release: Repository;
  /** The image at hand is never removed. */
  readonly image: Digest;
  /** Whole days; 0 keeps everything. */
  readonly days: number;
  /** Resolves or fails as `requireVerdict` does, for a copy in quarantine. */
  readonly verdictOn: (digest: Digest) => Promise<unknown>;
}

/** Copies removed in one run; the next one goes on. */
const mostRemoved = 50;
/** Copies looked at in one run, oldest first. */
const mostInspected = 200;
const dayMilliseconds = 86_400_000;

/** Removes what is older than `days`. Whatever stands in the way, above all a missing right to delete, is a warning: the answer of the gate stands. Returns what was removed. */
export async function cleanQuarantine(options: RetentionOptions): Promise<readonly Digest[]> {
  if (options.days === 0) return [];
  const removed: Digest[] = [];
  try {
    await removeOld(options, removed);
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code === 'CANCELLED') throw thrown;
    warn(options, thrown, `${options.quarantine.registry}/${options.quarantine.name} was not cleaned`);
  }
  if (removed.length > 0) options.ctx.log.line(`removed from quarantine after ${options.days} days: ${removed.join(' ')}`);
  return removed;
}

async function removeOld(options: RetentionOptions, removed: Digest[]): Promise<void> {
  const { ctx, registry, quarantine, image } = options;
  const listed = await listManifests(registry.oci, quarantine.name);
  const before = ctx.clock.now().getTime() - options.days * dayMilliseconds;
  const old = rootsOf(listed).filter((root) => root.created.getTime() < before && root.digest !== image && !root.references.includes(image));
  const standing = new Map(listed.map((one) => [one.digest, one]));
  for (const root of old.slice(0, mostInspected)) {
    if (removed.length === mostRemoved) return;
    if (!(await isJudged(options, root.digest))) continue;
    if (!(await removeOne(options, root.digest))) continue;
    removed.push(root.digest);
    standing.delete(root.digest);
    // Children that another copy shares, or that are the image at hand, stay.
    const shared = new Set([image, ...[...standing.values()].flatMap(({ references }) => references)]);
    for (const child of root.references.filter((digest) => standing.has(digest) && !shared.has(digest))) {
      if (await removeOne(options, child)) standing.delete(child);
    }
  }
}

/** Images that no index names. */
function rootsOf(listed: readonly StoredManifest[]): readonly StoredManifest[] {
  const children = new Set(listed.flatMap(({ references }) => references));
  return listed.filter(({ digest, image }) => image && !children.has(digest)).toSorted((a, b) => a.created.getTime() - b.created.getTime());
}

/** Released: its bytes stand in the release repository. Refused: its newest verdict is FAILED. */
async function isJudged({ release, verdictOn }: RetentionOptions, digest: Digest): Promise<boolean> {
  if (await release.hasManifest(digest)) return true;
  try {
    await verdictOn(digest);
    return false;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.kind === 'refused') return thrown.code === 'VERDICT_REFUSED';
    throw thrown;
  }
}

// Referrers go with their subject. A locked copy is somebody's wish; any other trouble ends the cleaning.
async function removeOne(options: RetentionOptions, digest: Digest): Promise<boolean> {
  try {
    await options.quarantine.deleteManifest(digest);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'REGISTRY_LOCKED') throw thrown;
    warn(options, thrown, `${digest} stays in quarantine`);
    return false;
  }
}

function warn({ ctx }: RetentionOptions, failure: Failure, what: string): void {
  ctx.log.notice({ level: 'warning', title: failure.code, message: `${what}: ${failure.message}${failure.hint === undefined ? '' : `\n${failure.hint}`}` });
}
