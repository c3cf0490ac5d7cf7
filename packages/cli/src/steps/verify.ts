// SPDX-License-Identifier: Apache-2.0
// `pratique verify`: does this image hold a valid verdict of the gate? What a deployment asks, for people and scripts.
import { connectRegistry } from '@pratique/acr';
import { escapeMarkdown, formatImage, formatSigner, stripControl } from '@pratique/core';
import { formatDeployment, loadPolicySet, readDeployments, requireVerdict } from '@pratique/evidence';
import { loadTrustMaterial } from '@pratique/sign';
import { defineStep, input, registryInputs, sigstoreInputs } from '@pratique/step';

/** Ends with exit status 3 and a `VERDICT_*` code when the image may not be deployed. */
export const verify = defineStep({
  name: 'verify',
  description: 'Check that an image holds a valid verdict of the gate: signed by the gate role, for this repository and digest, this channel, not expired, not revoked.',
  icon: 'check-circle',
  permissions: [],
  inputs: {
    image: input.image({ required: true, description: 'The released image, by digest.' }),
    channel: input.choice(['release', 'preview'])({ default: 'release', description: 'The channel it is meant for.' }),
    policy: input.text({ default: '.pratique', description: 'Where trust.yaml stands: a folder or github://OWNER/REPO/PATH@REF.' }),
    ...sigstoreInputs, ...registryInputs,
  },
  outputs: {
    verdict: 'passed; anything else is a failure with its code.', signer: 'Identity that signed the verdict.', policy: 'Digest of the policy that was applied.', 'valid-until': 'RFC 3339.', attestation: 'Digest of the verdict attestation.',
    deployments: 'Where it was deployed and how that ended, by records that the role deploy signed, one a line, newest first.',
  },
  async run(given, ctx) {
    const repository = (await connectRegistry({ registry: given.image.registry, ctx, signIn: given })).oci.repository(given.image.repository);
    const { trust } = await loadPolicySet(ctx, given.policy);
    const trustMaterial = await loadTrustMaterial(ctx, given['trusted-root']);
    const { statement, verdict } = await requireVerdict({ ctx, repository, image: given.image, channel: given.channel, trust, trustMaterial });
    const signer = formatSigner(statement.signer);
    const until = verdict.validUntil.toISOString();
    ctx.log.line(`${formatImage(given.image)} passed for ${given.channel}, signed by ${signer} at ${statement.trustedTime.toISOString()}, valid until ${until}`);
    const deployments = (await readDeployments({ repository, image: given.image, trust, trustMaterial })).map((one) => stripControl(`${one.statement.trustedTime.toISOString()} ${formatDeployment(one)}`));
    for (const line of deployments) ctx.log.line(line);
    return {
      outputs: { verdict: 'passed', signer, policy: verdict.policyDigest, 'valid-until': until, attestation: statement.attestation, deployments: deployments.join('\n') },
      summary: `**Verified** ${escapeMarkdown(formatImage(given.image))} for ${given.channel}, signed by ${escapeMarkdown(signer)}, valid until ${until}.\n${deployments.map((line) => `\n- ${escapeMarkdown(line)}`).join('')}\n`,
    };
  },
});
