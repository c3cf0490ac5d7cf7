// SPDX-License-Identifier: Apache-2.0
// Release by the quarantine policy of the registry: marks go to children and verified referrers first, to the index last, and each is read back.
import type { AzureRegistry, Quarantine, QuarantineDetails } from '@pratique/acr';
import { Failure, formatImage, mapConcurrently, type Context, type Digest, type PinnedImage, type Verdict } from '@pratique/core';
import { isIndexType, type Manifest, type Repository } from '@pratique/oci';

export interface NativeRelease {
  readonly registry: Pick<AzureRegistry, 'quarantine'>;
  readonly repository: Repository;
  readonly root: Manifest;
  readonly verdict: Verdict;
  /** The signed verdict. */
  readonly attestation: Digest;
  readonly details: QuarantineDetails;
}

const parallel = 4;
const mostManifests = 500;

/** What somebody may have done to the mark before the gate. A mark decides nothing: `Passed` is told, `Failed` of another is not overruled. Fails with `ACR_QUARANTINED`. */
export async function inspectMark(quarantine: Quarantine, ctx: Pick<Context, 'log'>, image: PinnedImage): Promise<void> {
  const { state, ours, scanner = 'somebody without a name' } = await quarantine.state(image.repository, image.digest);
  if (ours || state === 'pending') return;
  if (state === 'Failed') {
    throw new Failure({ code: 'ACR_QUARANTINED', message: `${formatImage(image)} was marked Failed by ${scanner}`, hint: 'The gate does not overrule another scanner. Mend what it found and build a new version, or let it mark the image Passed.' });
  }
  ctx.log.notice({
    level: 'warning', title: 'ACR_QUARANTINE_NOT_ISOLATED',
    message: `${formatImage(image)} was marked Passed by ${scanner} before the gate judged it. The mark counts for nothing here, but clusters could pull the image: find out who holds AcrQuarantineWriter, Owner or Contributor on the registry.`,
  });
}

/** Releases exactly what was verified. Idempotent: what bears our mark is not marked again, so a run that was killed goes on. Fails with `GATE_PROMOTION_MISMATCH`, `ACR_ROLE_MISSING`. */
export async function releaseInPlace(options: NativeRelease): Promise<Manifest> {
  const { repository, root, verdict, attestation } = options;
  const before = new Set([...await descendants(repository, root), ...verdict.inputs]);
  before.delete(root.descriptor.digest);
  await mapConcurrently([...before], parallel, (digest) => releaseOne(options, digest));
  await releaseOne(options, attestation);
  await releaseOne(options, root.descriptor.digest);
  return repository.readManifest(root.descriptor.digest);
}

/** Marks the refused image, and lets the refusal itself be read. An image that the gate released before keeps its mark: the newer verdict speaks against it. */
export async function refuseInPlace(options: Omit<NativeRelease, 'verdict'>): Promise<void> {
  const { registry: { quarantine }, repository, root, details } = options;
  await releaseOne(options, options.attestation);
  const { state } = await quarantine.state(repository.name, root.descriptor.digest);
  if (state === 'pending') await quarantine.refuse(repository.name, root.descriptor.digest, details);
}

/** A repository whose tags appear although each push by tag may be held anew, which the registry does not document. */
export function retagged({ registry: { quarantine }, repository, details }: Pick<NativeRelease, 'registry' | 'repository' | 'details'>): Repository {
  return {
    ...repository,
    async tag(manifest, tag) {
      await repository.tag(manifest, tag);
      const { digest } = manifest.descriptor;
      if ((await quarantine.state(repository.name, digest)).state !== 'Passed') await quarantine.release(repository.name, digest, details);
    },
  };
}

async function releaseOne({ registry: { quarantine }, repository, details }: Pick<NativeRelease, 'registry' | 'repository' | 'details'>, digest: Digest): Promise<void> {
  const before = await quarantine.state(repository.name, digest);
  if (before.state === 'Passed' && before.ours) return;
  await quarantine.release(repository.name, digest, details);
  const after = await quarantine.state(repository.name, digest);
  if (after.state === 'Passed' && after.ours) return;
  throw new Failure({
    code: 'GATE_PROMOTION_MISMATCH', message: `${repository.registry}/${repository.name}@${digest} was released, but is read back as ${after.state}${after.scanner === undefined ? '' : ` by ${after.scanner}`}`,
    hint: 'Somebody else marks images too. Run the gate again; if it happens again, find out who holds AcrQuarantineWriter, Owner or Contributor.',
  });
}

async function descendants(repository: Repository, root: Manifest): Promise<readonly Digest[]> {
  const found = new Set<Digest>();
  const waiting = [root];
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop()) {
    for (const child of parent.content.manifests ?? []) {
      if (found.has(child.digest)) continue;
      found.add(child.digest);
      if (found.size > mostManifests) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `the index ${root.descriptor.digest} names more than ${mostManifests} manifests` });
      if (isIndexType(child.mediaType)) waiting.push(await repository.readManifest(child.digest));
    }
  }
  // The deepest were found last.
  return [...found].reverse();
}
