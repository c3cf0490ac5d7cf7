// SPDX-License-Identifier: Apache-2.0
// Evidence first: the image must hold a release verdict, at the start and again before it is promoted.
import { connectRegistry, type AzureRegistry } from '@pratique/acr';
import { Failure, formatImage, parsePinnedImage, type Context, type PinnedImage } from '@pratique/core';
import { loadPolicySet, requireVerdict, type PolicySet } from '@pratique/evidence';
import { parseReference, type Repository } from '@pratique/oci';
import { loadTrustMaterial, type TrustMaterial } from '@pratique/sign';
import type { Inputs } from './inputs.ts';

/** Asks for the verdict anew, from the registry, each time. */
export interface Admission {
  readonly image: PinnedImage;
  /** What policy.yaml says about the chart. */
  readonly chart: PolicySet['policy']['chart'];
  readonly registry: AzureRegistry;
  /** Of the image. */
  readonly repository: Repository;
  /** Who is believed, and which Sigstore. */
  readonly trust: PolicySet['trust'];
  readonly trustMaterial: TrustMaterial;
  /** Fails with `VERDICT_*`. */
  require(): Promise<void>;
}

/** Finds image, trust and registry. Policy and trust never come from the checkout. Fails with `INPUT_INVALID`, `POLICY_UNTRUSTED` and what the parts fail with. */
export async function openAdmission(given: Inputs, ctx: Context): Promise<Admission> {
  const image = await readImage(given, ctx);
  const { owner, name } = ctx.event.repository;
  const set = await loadPolicySet(ctx, given.policy ?? `github://${owner}/${name}/.pratique`);
  if (set.origin === 'workspace') {
    throw new Failure({ code: 'POLICY_UNTRUSTED', message: `the policy ${set.uri} comes from the workspace: what is deployed could have written who is believed`, hint: 'Leave the input policy out: then .pratique on the default branch is read by the API.' });
  }
  const trustMaterial = await loadTrustMaterial(ctx, given['trusted-root']);
  const registry = await connectRegistry({ registry: image.registry, ctx, signIn: given });
  const repository = registry.oci.repository(image.repository);
  return {
    image, chart: set.policy.chart, registry, repository, trust: set.trust, trustMaterial,
    async require() {
      const { statement, verdict } = await requireVerdict({ ctx, repository, image, channel: 'release', trust: set.trust, trustMaterial });
      ctx.log.line(`${formatImage(image)} holds a release verdict of ${statement.trustedTime.toISOString()}, valid until ${verdict.validUntil.toISOString()}`);
    },
  };
}

async function readImage(given: Inputs, ctx: Context): Promise<PinnedImage> {
  if (given.image.includes('@')) return parsePinnedImage(given.image);
  const { registry, repository, reference } = parseReference(given.image);
  const now = await (await connectRegistry({ registry, ctx, signIn: given })).oci.repository(repository).resolve(reference);
  const points = now === undefined ? 'names nothing in the registry' : `is a tag, which can move; it points to ${now.digest} now`;
  throw new Failure({ code: 'INPUT_INVALID', message: `input image: ${given.image} ${points}`, hint: now === undefined ? 'Take the output image of quarantine-gate.' : `Take the output image of quarantine-gate, or write ${registry}/${repository}@${now.digest}.` });
}
