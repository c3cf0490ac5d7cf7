// SPDX-License-Identifier: Apache-2.0
// sign-and-attest: fetch image and evidence again by digest, check every binding, sign all statements with one certificate.
import { connectRegistry } from '@pratique/acr';
import { Failure, formatImage, type Context, type Digest, type PinnedImage } from '@pratique/core';
import { readImage, type Descriptor, type Repository } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import { attest, createStatementSigner, loadTrustMaterial } from '@pratique/sign';
import { defineStep, input, registryInputs, sigstoreInputs, type InputValues, type StepResult } from '@pratique/step';
import { requireOneSource } from './checks.ts';
import { planStatements } from './plan.ts';
import { readPredicateNames } from './predicate-names.ts';
import { summarize } from './summary.ts';

const inputs = {
  image: input.image({ required: true, description: 'The pushed image, by digest: the output image of build-scan-push.' }),
  evidence: input.image({ description: 'The evidence manifest of the build, by digest: the output evidence of build-scan-push. Without it only signature and provenance are signed.' }),
  predicates: input.lines({ description: 'Sign only these: signature, provenance, tests, scan, vulnerabilities, cyclonedx, spdx. Default: all that the evidence holds.' }),
  'signing-config': input.text({ description: 'Sigstore signing configuration: a file, an https URL or JSON. Default: the public good instance, by TUF.' }),
  ...sigstoreInputs,
  ...registryInputs,
};

const outputs = {
  image: 'The image, by digest, as it was given.',
  attestations: 'JSON list of { subject, predicateType, attestation, reused, logIndex, platform }.',
  signer: 'Identity in the certificate that signed: the workflow.',
  count: 'How many attestations of the plan now stand.',
  reused: 'How many of them an earlier attempt of this run had made.',
};

type Inputs = InputValues<typeof inputs>;

/** Signs an image and everything that is known of it. */
export const signAndAttest = defineStep({
  name: 'sign-and-attest',
  description: 'Sign an image by digest and attest provenance, tests, scans and SBOMs for the index and every platform; idempotent, verified after the push.',
  icon: 'edit-3',
  permissions: [
    { scope: 'id-token', access: 'write', reason: 'signs keyless as this workflow and signs in to the registry' },
    { scope: 'contents', access: 'read', reason: 'reads trusted-root and signing-config when they are files of the repository' },
  ],
  inputs, outputs, run,
});

async function run(given: Inputs, ctx: Context): Promise<StepResult<typeof outputs>> {
  const names = readPredicateNames(given.predicates);
  const repository = (await connectRegistry({ registry: given.image.registry, ctx, signIn: given })).oci.repository(given.image.repository);
  const trust = await loadTrustMaterial(ctx, given['trusted-root']);
  const image = await readImage(repository, given.image.digest);
  const evidence = await ctx.log.group('Check the evidence', () => fetchEvidence(repository, given.image, given.evidence));
  const signer = await createStatementSigner(ctx, given['signing-config']);
  requireOneSource(image.annotations, evidence, signer.claims);
  const describe = async (digest: Digest): Promise<Descriptor> => (await repository.readManifest(digest)).descriptor;
  const plan = await planStatements({ image, evidence, signer, describe }, names);
  const attested = await ctx.log.group('Sign, attach and verify', () => attest({ ctx, repository, plan, trust, runId: ctx.event.run.id, signer: async () => signer }));
  return {
    outputs: {
      image: formatImage(given.image), attestations: JSON.stringify(attested), signer: signer.identity.identity,
      count: String(attested.length), reused: String(attested.filter((one) => one.reused).length),
    },
    summary: summarize({ image: given.image, signer: signer.identity, attested, ownRoot: given['trusted-root'] !== undefined }),
  };
}

async function fetchEvidence(repository: Repository, image: PinnedImage, evidence: PinnedImage | undefined): Promise<EvidenceManifest | undefined> {
  if (evidence === undefined) return undefined;
  if (evidence.registry !== image.registry || evidence.repository !== image.repository) {
    throw new Failure({ code: 'INPUT_INVALID', message: `the evidence stands in ${evidence.registry}/${evidence.repository}, the image in ${image.registry}/${image.repository}`, hint: 'Evidence is a referrer of the image and stands beside it.' });
  }
  return readEvidence(repository, evidence.digest, image.digest);
}
