// SPDX-License-Identifier: Apache-2.0
// Rule: the image is signed by the build role. An attestation of something else is not a signature.
import { predicateTypes } from '@pratique/core';
import { credible, newest, nothing, reason, requires, whyNothing, type Rule } from '../case.ts';

export const signature: Rule = (at) => {
  if (!requires(at.policy, 'signature')) return nothing;
  const subject = at.evidence.image.digest;
  const found = credible(at, subject, [predicateTypes.signature]);
  if (found.length > 0) return { reasons: [], inputs: newest(found).map(({ attestation }) => attestation) };
  const message = `the image has no signature by the build role${whyNothing(at, subject, [predicateTypes.signature])}`;
  return { reasons: [reason({ code: 'GATE_UNSIGNED', rule: 'evidence.require', subject, message, at: at.policy.evidence.at })], inputs: [] };
};
