// SPDX-License-Identifier: Apache-2.0
// `pratique revoke`: takes a verdict back. Signs FAILED, and moves the tags to whoever owns them now.
import { connectRegistry } from '@pratique/acr';
import { escapeMarkdown, Failure, formatImage, predicateTypes, type Digest, type PinnedImage } from '@pratique/core';
import { loadPolicySet, requireVerdict, revocation } from '@pratique/evidence';
import { readImage } from '@pratique/oci';
import { recomputeTags } from '@pratique/quarantine-gate';
import { attest, createStatementSigner, loadTrustMaterial } from '@pratique/sign';
import { defineStep, input, registryInputs, sigstoreInputs } from '@pratique/step';

/** From the moment the FAILED verdict is attached, `verify` and deployments refuse the image. */
export const revoke = defineStep({
  name: 'revoke',
  description: 'Take a release back: sign a FAILED verdict on it, move its tags to the next best release, and on request lock it against reading.',
  icon: 'slash',
  permissions: [{ scope: 'id-token', access: 'write', reason: 'signs the verdict as the gate' }, { scope: 'contents', access: 'read', reason: 'reads trust from the default branch' }],
  inputs: {
    image: input.image({ required: true, description: 'The released image, by digest.' }),
    reason: input.text({ required: true, description: 'Why, for people; it is part of the signed verdict.' }),
    channel: input.choice(['release', 'preview'])({ default: 'release', description: 'The channel whose verdict is taken back.' }),
    policy: input.text({ default: '.pratique', description: 'Where policy.yaml and trust.yaml stand.' }),
    quarantine: input.choice(['repository', 'acr-native'])({ default: 'repository', description: 'How the registry holds images; acr-native also releases the FAILED verdict, which others could not read otherwise.' }),
    'lock-reading': input.flag({ default: 'false', description: 'Also lock the manifest against pulls (needs the right to change metadata).' }),
    'signing-config': input.text({ description: 'Sigstore signing configuration: a file, an https URL or JSON.' }),
    ...sigstoreInputs, ...registryInputs,
  },
  outputs: { attestation: 'Digest of the FAILED verdict.', tags: 'Moving tags that were changed, one a line.' },
  async run(given, ctx) {
    const registry = await connectRegistry({ registry: given.image.registry, ctx, signIn: given });
    const repository = registry.oci.repository(given.image.repository);
    const set = await loadPolicySet(ctx, given.policy);
    const trust = await loadTrustMaterial(ctx, given['trusted-root']);
    const image = await readImage(repository, given.image.digest);
    const [attested] = await attest({
      ctx, repository, trust, runId: ctx.event.run.id, signer: () => createStatementSigner(ctx, given['signing-config']),
      plan: [{ subject: image.root.descriptor, predicateType: predicateTypes.verdict, predicate: revocation({ image: given.image, set, channel: given.channel, reason: given.reason, now: ctx.clock.now(), verifier: `${ctx.event.repository.uri}/revoke` }) }],
    });
    if (!attested) throw new Failure({ code: 'SIGN_VERIFY_FAILED', message: `the revocation of ${formatImage(given.image)} was not signed` });
    if (given.quarantine === 'acr-native') await registry.quarantine.release(repository.name, attested.attestation, { state: 'revoked', link: ctx.event.run.uri });
    const standing = (digest: Digest): Promise<unknown> => requireVerdict({ ctx, repository, image: { ...given.image, digest }, channel: given.channel, trust: set.trust, trustMaterial: trust });
    await requireRefused(given.image, standing);
    const tags = await recomputeTags({ repository, digest: given.image.digest, untag: (tag) => registry.properties.untag(repository.name, tag), standing });
    if (given['lock-reading']) await registry.properties.lockManifest(repository.name, given.image.digest, { read: false });
    ctx.log.line(`${formatImage(given.image)} is revoked${tags.length > 0 ? `; moved: ${tags.join(', ')}` : ''}`);
    return { outputs: { attestation: attested.attestation, tags: tags.join('\n') }, summary: `**Revoked** ${escapeMarkdown(formatImage(given.image))}: ${escapeMarkdown(given.reason)}\n` };
  },
});

/** A FAILED verdict of somebody without the role gate takes nothing back: then the image is still deployed. */
async function requireRefused(image: PinnedImage, standing: (digest: Digest) => Promise<unknown>): Promise<void> {
  try {
    await standing(image.digest);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'VERDICT_REFUSED') return;
    throw thrown;
  }
  throw new Failure({
    code: 'ATTESTATION_SIGNER_UNKNOWN', message: `${formatImage(image)} is NOT revoked: the FAILED verdict was signed by somebody who does not hold the role gate, so it does not count`,
    hint: 'Revoke in a workflow that trust.yaml names under gate.',
  });
}
