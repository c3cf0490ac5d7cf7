// SPDX-License-Identifier: Apache-2.0
// Promotion by repository: exactly what was verified is copied from quarantine to release, and read back.
import { Failure, formatImage, mapConcurrently, type Digest, type Evidence, type PinnedImage, type Verdict } from '@pratique/core';
import { copyGraph, type Manifest, type Repository } from '@pratique/oci';

/** Calls under way at once. Within a registry blobs are mounted, so that none of them is long. */
const concurrency = 8;

export interface Promotion {
  readonly from: Repository;
  readonly to: Repository;
  readonly image: PinnedImage;
  /** The verdict, and the attestations on which it rests. */
  readonly attestations: readonly Digest[];
}

/**
 * Copies the attestations, then the image: children first, the index last. Whatever else hangs on the image stays behind.
 * Returns the manifest as the release repository gives it back. Fails with `GATE_PROMOTION_MISMATCH`.
 */
export async function promote({ from, to, image, attestations }: Promotion): Promise<Manifest> {
  await copyGraph({ from, to, roots: [...attestations, image.digest], concurrency });
  const released = await to.readManifest(image.digest);
  if (released.descriptor.digest !== image.digest) throw mismatch(to, image.digest, 'another manifest stands there');
  await mapConcurrently(attestations, concurrency, async (attestation) => {
    if (!(await to.hasManifest(attestation))) throw mismatch(to, attestation, 'an attestation is missing');
  });
  return released;
}

/** Referrers that were listed on the image and are not part of the verdict: they stay in quarantine, and the summary names them. */
export function leftBehind(listed: readonly Digest[], verdict: Verdict): readonly Digest[] {
  return listed.filter((digest) => !verdict.inputs.includes(digest));
}

/** Whether the evidence is about the image that was asked for; the index is pinned once and never resolved again. */
export function requireSameImage(evidence: Evidence, image: PinnedImage): void {
  if (formatImage(evidence.image) === formatImage(image)) return;
  throw new Failure({ code: 'GATE_PROMOTION_MISMATCH', message: `the evidence is about ${formatImage(evidence.image)}, not ${formatImage(image)}` });
}

function mismatch(to: Repository, digest: Digest, what: string): Failure {
  return new Failure({
    code: 'GATE_PROMOTION_MISMATCH', message: `${to.registry}/${to.name}@${digest}: ${what}`,
    hint: 'Do not deploy it. Run the gate again; if it happens again, find out who else writes to the release repository.',
  });
}
