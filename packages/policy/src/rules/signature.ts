// SPDX-License-Identifier: Apache-2.0
// Rule: the image is signed by the build role. An attestation of something else is not a signature.
import { predicateTypes, type FailureCode } from '@pratique/core';
import { credible, newest, nothing, reason, requires, whyNothing, type Case, type Rule } from '../case.ts';

export const signature: Rule = (at) => {
  if (!requires(at.policy, 'signature')) return nothing;
  const subject = at.evidence.image.digest;
  const found = credible(at, subject, [predicateTypes.signature]);
  if (found.length > 0) return { reasons: [], inputs: newest(found).map(({ attestation }) => attestation) };
  const message = `the image has no signature by the build role${whyNothing(at, subject, [predicateTypes.signature])}`;
  return { reasons: [reason({ code: codeOf(at), rule: 'evidence.require', subject, message, at: at.policy.evidence.at })], inputs: [] };
};

/** What comes nearest to a signature names the refusal. A verdict is nothing that the builder said, so an earlier refusal changes no code. */
function codeOf(at: Case): FailureCode {
  const { image, statements, disbelieved } = at.evidence;
  if ([...statements, ...disbelieved].some(({ subject, predicateType }) => subject === image.digest && predicateType === predicateTypes.signature)) return 'GATE_SIGNER_UNTRUSTED';
  if (statements.some((one) => one.predicateType !== predicateTypes.verdict && credible(at, one.subject, [one.predicateType]).includes(one))) return 'GATE_EVIDENCE_MISSING';
  if (disbelieved.some(({ code }) => code === 'ATTESTATION_SIGNER_UNKNOWN')) return 'GATE_SIGNER_UNTRUSTED';
  return disbelieved.some(({ code }) => code === 'ATTESTATION_SUBJECT_MISMATCH') ? 'GATE_EVIDENCE_FOREIGN' : 'GATE_UNSIGNED';
}
