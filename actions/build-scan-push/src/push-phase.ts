// SPDX-License-Identifier: Apache-2.0
// The phase push: exactly the bytes of the layout into quarantine, image first, evidence after it, both read back.
import { connectRegistry } from '@pratique/acr';
import { Failure, type Context, type PinnedImage, type RepositoryName } from '@pratique/core';
import { copyGraph, repositoryScope, type Descriptor, type Repository } from '@pratique/oci';
import type { Inputs } from './inputs.ts';
import { openTravelling, type Travelling } from './travelling-layout.ts';

export interface PushOutcome {
  readonly image: PinnedImage;
  readonly evidence: PinnedImage;
}

/** Pushes what the layout names, after it was hashed again. No tag is written: in quarantine an image has only its digest. */
export async function pushPhase(given: Inputs, ctx: Context, to: RepositoryName): Promise<PushOutcome> {
  const { layout, image, evidence } = await openTravelling(ctx, given);
  const { blobs, bytes } = await layout.verify();
  ctx.log.line(`${given.layout}: ${blobs} blobs, ${bytes} bytes, all hashed`);
  if (given.quarantine === 'acr-native') await requireNoBroadRole(given, ctx, to);
  else if (given.release !== undefined) await requireIsolation(given, ctx, given.release);
  const target = (await connectRegistry({ registry: to.registry, ctx, signIn: given })).oci.repository(to.repository);
  await ctx.log.group(`Push to ${to.registry}/${to.repository}`, async () => {
    for (const root of [image, evidence]) await pushOne(ctx, layout, { target, root });
  });
  return { image: { ...to, digest: image.digest }, evidence: { ...to, digest: evidence.digest } };
}

async function pushOne(ctx: Context, layout: Travelling['layout'], { target, root }: { target: Repository; root: Descriptor }): Promise<void> {
  const copied = await copyGraph({ from: layout, to: target, roots: [root.digest] });
  const there = await target.readManifest(root.digest);
  if (there.descriptor.digest !== root.digest || there.descriptor.size !== root.size) {
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${target.registry}/${target.name} gives ${there.descriptor.digest} where ${root.digest} was pushed` });
  }
  ctx.log.line(`${root.digest}: ${copied.manifests} manifests, ${copied.blobs} blobs, ${copied.present + copied.mounted} of them there already, ${copied.bytes} bytes sent`);
}

/** An identity that runs foreign code and can write releases makes quarantine a word. */
async function requireIsolation(given: Inputs, ctx: Context, release: RepositoryName): Promise<void> {
  const registry = await connectRegistry({ registry: release.registry, ctx, signIn: given });
  if (!(await registry.canObtain(repositoryScope(release.repository, 'push')))) return;
  throw new Failure({
    code: 'ACR_QUARANTINE_NOT_ISOLATED', message: `the identity that pushes into quarantine may also write ${release.registry}/${release.repository}`,
    hint: 'In ABAC mode assign "Container Registry Repository Writer" with a condition on quarantine/; in legacy mode AcrPush covers the whole registry, so keep releases in a second one.',
  });
}

/** In legacy mode only Owner, Contributor and the like may change metadata, and they pass the quarantine of the registry. In ABAC mode the writer of a repository may too, so that a token does not tell. */
async function requireNoBroadRole(given: Inputs, ctx: Context, to: RepositoryName): Promise<void> {
  if (given['registry-role-mode'] !== 'legacy') return;
  const registry = await connectRegistry({ registry: to.registry, ctx, signIn: given });
  if (!(await registry.canObtain(repositoryScope(to.repository, 'metadata_write')))) return;
  throw new Failure({
    code: 'ACR_QUARANTINE_NOT_ISOLATED', message: `the identity that pushes to ${to.registry}/${to.repository} may also release images from the quarantine of the registry`,
    hint: 'Owner, Contributor and AcrQuarantineWriter pass the quarantine. Give the builder AcrPush and AcrQuarantineReader only.',
  });
}
