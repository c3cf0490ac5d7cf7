// SPDX-License-Identifier: Apache-2.0
// Rule: provenance and tests stand on the image, SBOM and vulnerability statements on each platform, each from its role.
import { formatPlatform, predicateTypes, type Digest } from '@pratique/core';
import { credible, newest, reason, requires, whyNothing, type Case, type Outcome, type Rule } from '../case.ts';

const demands = [
  { kind: 'provenance', on: 'image', types: [predicateTypes.provenance] },
  { kind: 'tests', on: 'image', types: [predicateTypes.tests] },
  { kind: 'sbom', on: 'platforms', types: [predicateTypes.cyclonedx, predicateTypes.spdx] },
  { kind: 'vulnerabilities', on: 'platforms', types: [predicateTypes.vulnerabilities] },
] as const;

export const requiredEvidence: Rule = (at) => {
  const outcomes = demands.filter(({ kind }) => requires(at.policy, kind)).flatMap((one) => (one.on === 'image'
    ? [demand(at, one, { subject: at.evidence.image.digest, name: 'the image' })]
    : at.evidence.platforms.map(({ platform, digest }) => demand(at, one, { subject: digest, name: formatPlatform(platform) }))));
  return { reasons: outcomes.flatMap(({ reasons }) => reasons), inputs: outcomes.flatMap(({ inputs }) => inputs) };
};

function demand(at: Case, { kind, types }: { kind: string; types: readonly string[] }, { subject, name }: { subject: Digest; name: string }): Outcome {
  const found = types.flatMap((type) => newest(credible(at, subject, [type])));
  if (found.length > 0) return { reasons: [], inputs: found.map(({ attestation }) => attestation) };
  const message = `${name} has no ${kind} statement that counts${whyNothing(at, subject, types)}`;
  return { reasons: [reason({ code: 'GATE_EVIDENCE_MISSING', rule: 'evidence.require', subject, message, at: at.policy.evidence.at })], inputs: [] };
}
