// SPDX-License-Identifier: Apache-2.0
// Rule: the newest signed test result is PASSED (in-toto test-result v0.1).
import { isJsonObject, predicateTypes } from '@pratique/core';
import { credible, newest, nothing, reason, requires, type Rule } from '../case.ts';

export const testsPassed: Rule = (at) => {
  if (!requires(at.policy, 'tests')) return nothing;
  const subject = at.evidence.image.digest;
  const found = newest(credible(at, subject, [predicateTypes.tests]));
  const failed = found.filter(({ predicate }) => !isJsonObject(predicate) || predicate['result'] !== 'PASSED');
  return {
    inputs: [],
    reasons: failed.map(({ predicate, attestation }) => reason({
      code: 'GATE_TESTS_FAILED', rule: 'evidence.require', subject, evidence: attestation, at: at.policy.evidence.at,
      message: `the signed test result is ${isJsonObject(predicate) && typeof predicate['result'] === 'string' ? predicate['result'].slice(0, 40) : 'not readable'}, not PASSED`,
    })),
  };
};
