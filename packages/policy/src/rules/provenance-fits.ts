// SPDX-License-Identifier: Apache-2.0
// Rule: the provenance (SLSA v1) names the source and commit that the image names, and both are what the certificate proves.
import { predicateTypes, type VerifiedStatement } from '@pratique/core';
import { credible, newest, nothing, reason, requires, type Case, type Rule } from '../case.ts';
import { matchesRef } from '../pattern.ts';
import { readSource, sameRepository, type BuildSource } from '../provenance.ts';

export const provenanceFits: Rule = (at) => {
  if (!requires(at.policy, 'provenance')) return nothing;
  const subject = at.evidence.image.digest;
  return {
    inputs: [],
    reasons: newest(credible(at, subject, [predicateTypes.provenance])).flatMap((statement) => problemsOf(at, statement).map((message) => reason({
      code: 'GATE_PROVENANCE_MISMATCH', rule: 'provenance', subject, evidence: statement.attestation, message, at: at.policy.provenance.at,
    }))),
  };
};

function problemsOf(at: Case, statement: VerifiedStatement): string[] {
  const source = readSource(statement.predicate);
  if (source === undefined) return ['the provenance names no source repository, commit and ref'];
  return [...againstImage(at, source), ...againstPolicy(at, source), ...againstCertificate(statement, source)];
}

function againstImage({ evidence }: Case, source: BuildSource): string[] {
  const { revision, source: annotated } = evidence;
  return [
    ...(revision === source.commit ? [] : [`the image says that it was built from commit ${revision ?? '(none)'}, the provenance says ${source.commit}`]),
    ...(annotated === undefined || sameRepository(annotated, source.repository) ? [] : [`the image says that it comes from ${annotated}, the provenance says ${source.repository}`]),
  ];
}

function againstPolicy({ policy, evidence }: Case, source: BuildSource): string[] {
  const { source: wanted, refs } = policy.provenance;
  return [
    ...(wanted === undefined && evidence.source === undefined ? ['neither the policy nor the image names the source repository'] : []),
    ...(wanted === undefined || sameRepository(wanted, source.repository) ? [] : [`the image was built from ${source.repository}; the policy wants ${wanted}`]),
    ...(refs.length === 0 || refs.some((pattern) => matchesRef(pattern, source.ref)) ? [] : [`the image was built from ${source.ref}; the policy wants ${refs.join(' or ')}`]),
  ];
}

// What a workflow writes is a claim; what Fulcio wrote into the certificate is known.
function againstCertificate({ signer }: VerifiedStatement, source: BuildSource): string[] {
  if (signer.kind === 'key') return [];
  const { sourceRepository, sourceRepositoryId, sourceDigest, sourceRef } = signer.extensions;
  const differs = (name: string, proven: string | undefined, claimed: string): string[] => (proven === undefined || proven === claimed ? [] : [`the certificate proves ${name} ${proven}, the provenance says ${claimed}`]);
  return [
    ...(sourceRepository === undefined || sameRepository(sourceRepository, source.repository) ? [] : [`the certificate proves repository ${sourceRepository}, the provenance says ${source.repository}`]),
    ...(source.repositoryId === undefined ? [] : differs('repository id', sourceRepositoryId, source.repositoryId)),
    ...differs('commit', sourceDigest, source.commit),
    ...differs('ref', sourceRef, source.ref),
  ];
}
