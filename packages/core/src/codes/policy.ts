// SPDX-License-Identifier: Apache-2.0
// Failure codes: policy, trust and exceptions.
import type { FailureCodeEntry } from './entry.ts';

export const policyCodes = {
  POLICY_INVALID: { kind: 'usage', when: 'The policy, trust or exceptions file cannot be read.', mend: 'Each problem names file, line and the nearest known key.' },
  POLICY_UNAVAILABLE: { kind: 'unavailable', when: 'The policy could not be fetched.', mend: 'Check the input policy and the permission contents: read.' },
  POLICY_UNTRUSTED: { kind: 'refused', when: 'The policy comes from a place that may not decide on a release.', mend: 'Use github://OWNER/REPO/PATH@REF.' },
  POLICY_ROLES_OVERLAP: { kind: 'usage', when: 'One signer may both build and judge.', mend: 'Call the gate as a reusable workflow with its own identity.' },
  POLICY_EXCEPTION_EXPIRED: { kind: 'refused', when: 'An exception has expired; its finding counts again.', mend: 'Mend the finding, or renew the exception with a new review.' },
  POLICY_EXCEPTION_INVALID: { kind: 'refused', when: 'An exception lasts longer than allowed, is dated in the future, or is not proven to be approved; its finding counts again.', mend: 'Shorten it, or let the approver review the pull request that adds it.' },
  POLICY_EXCEPTION_UNUSED: { kind: 'refused', when: 'An exception fits no finding. Told, not refused.', mend: 'Delete it from exceptions.yaml.' },
} as const satisfies Record<string, FailureCodeEntry>;
