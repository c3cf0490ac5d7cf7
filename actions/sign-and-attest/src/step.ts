// SPDX-License-Identifier: Apache-2.0
// sign-and-attest: fetch image and evidence again by digest, check every binding, sign all statements with one certificate.
import { connectRegistry } from '@pratique/acr';
import { Failure, formatImage, type Context, type Digest, type PinnedImage } from '@pratique/core';
import { readImage, type Descriptor, type Repository } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import { attest, createStatementSigner, loadTrustMaterial } from '@pratique/sign';
import { requireOneSource } from './checks.ts';
import type { Inputs, Result } from './inputs.ts';
import { planStatements } from './plan.ts';
import { readPredicateNames } from './predicate-names.ts';
import { summarize } from './summary.ts';

/** The work of the step; loaded after its inputs were read. */
export async function run(given: Inputs, ctx: Context): Promise<Result> {
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
