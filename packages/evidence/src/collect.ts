// SPDX-License-Identifier: Apache-2.0
// Collects what is known and proven about one image: its platforms, and the verified statements on it and on each of them.
import type { Channel, Context, Evidence, PinnedImage } from '@pratique/core';
import { readImage, type Descriptor, type Manifest, type Repository } from '@pratique/oci';
import type { Trust } from '@pratique/policy';
import type { TrustMaterial } from '@pratique/sign';
import { readReferrers } from './referrer-statements.ts';

export interface CollectOptions {
  readonly ctx: Pick<Context, 'clock' | 'log'>;
  readonly repository: Repository;
  readonly image: PinnedImage;
  readonly trust: Trust;
  readonly trustMaterial: TrustMaterial;
  readonly channel: Channel;
}

/** The evidence, everything that was listed, and the root manifest that was read. */
export type Collected = Evidence & { readonly listed: readonly Descriptor[]; readonly root: Manifest };

/** Pins the image, lists the referrers of root and platforms once, verifies them. Fails with `GATE_REFERRERS_FLOOD`, `REGISTRY_*`, `BUILD_PLATFORM_MISMATCH`. */
export async function collect({ ctx, repository, image, trust, trustMaterial, channel }: CollectOptions): Promise<Collected> {
  const { root, platforms, annotations } = await readImage(repository, image.digest);
  const subjects = [image.digest, ...platforms.map(({ digest }) => digest)];
  const { listed, statements, disbelieved } = await readReferrers({ repository, subjects, trust, trustMaterial, channel });
  ctx.log.line(`${platforms.length} platforms, ${listed.length} referrers: ${statements.length} statements believed, ${disbelieved.length} not`);
  for (const one of disbelieved) ctx.log.line(`not believed: ${one.attestation} on ${one.subject}: ${one.code}, ${one.reason}`);
  const { 'org.opencontainers.image.version': version, 'org.opencontainers.image.revision': revision, 'org.opencontainers.image.source': source } = annotations;
  return {
    image, platforms, statements, disbelieved, listed, root, collectedAt: ctx.clock.now(),
    ...(version === undefined ? {} : { version }), ...(revision === undefined ? {} : { revision }), ...(source === undefined ? {} : { source }),
  };
}
