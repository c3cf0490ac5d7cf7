// SPDX-License-Identifier: Apache-2.0
// Failure codes: the gate and its verdicts.
import type { FailureCodeEntry } from './entry.ts';

export const gateCodes = {
  GATE_REFUSED: { kind: 'refused', when: 'The policy refuses the image.', mend: 'Each reason says how it is mended.' },
  GATE_FINDING_DENIED: { kind: 'refused', when: 'A vulnerability is one that the policy does not let pass.', mend: 'Update the package to the fixed version, or enter an exception with owner, reason, expiry and approver.' },
  GATE_FINDING_WARNED: { kind: 'refused', when: 'A vulnerability that the policy wants told. Told, not refused.', mend: 'Update the package when there is a fixed version.' },
  GATE_FINDING_EXCEPTED: { kind: 'refused', when: 'A vulnerability was let pass by a valid exception. Told, not refused.', mend: 'Mend it before the exception expires.' },
  GATE_UNSIGNED: { kind: 'refused', when: 'The image is not signed: no attestation on it and its platforms verifies.', mend: 'Run sign-and-attest on it.' },
  GATE_SIGNER_UNTRUSTED: { kind: 'refused', when: 'Attestations on the image verify, but none was signed by somebody who holds the role for it.', mend: 'Sign with the workflow that trust.yaml names. If the signer is right, add it to trust.yaml on the default branch.' },
  GATE_EVIDENCE_FOREIGN: { kind: 'refused', when: 'The attestations that hang on the image speak of another image.', mend: 'Run sign-and-attest on this image: statements cannot be moved. Find out who attached them.' },
  GATE_EVIDENCE_MISSING: { kind: 'refused', when: 'A statement that the policy requires is missing on a subject, be it the signature beside others that count.', mend: 'Run sign-and-attest with the evidence of the build.' },
  GATE_PLATFORM_UNSCANNED: { kind: 'refused', when: 'A runnable platform of the index has no valid scan.', mend: 'Scan each platform; build-scan-push does it.' },
  GATE_SCAN_UNBOUND: { kind: 'refused', when: 'A scan speaks of another config or other layers than the platform has.', mend: 'Scan the layout that is pushed.' },
  GATE_SCAN_EMPTY: { kind: 'refused', when: 'A scan saw no packages.', mend: 'Keep the package database in the image.' },
  GATE_SCAN_STALE: { kind: 'refused', when: 'The scan is older than the policy allows.', mend: 'Scan again.' },
  GATE_DATABASE_STALE: { kind: 'refused', when: 'The vulnerability database of the scan is older than the policy allows.', mend: 'Scan again with a newer database.' },
  GATE_ISOLATION_MISSING: { kind: 'refused', when: 'Build, scan and push shared one job and the policy forbids it.', mend: 'Use the phases in jobs of their own, as in the release example.' },
  GATE_TESTS_FAILED: { kind: 'refused', when: 'The signed test result is not PASSED.', mend: 'Mend the tests.' },
  GATE_PROVENANCE_MISMATCH: { kind: 'refused', when: 'The provenance does not fit the image: source, commit or ref differ.', mend: 'Build from the protected ref.' },
  GATE_ROLES_OVERLAP: { kind: 'refused', when: 'The builder of the image also holds the gate role. Refused, or told with every verdict where the policy allows it.', mend: 'Call the gate as a reusable workflow.' },
  GATE_REFERRERS_FLOOD: { kind: 'refused', when: 'More than 200 referrers hang on the image.', mend: 'Find out who attached them; clean the quarantine.' },
  GATE_VERSION_MISMATCH: { kind: 'refused', when: 'The version asked for is not the one in the image.', mend: 'Release the version that was built.' },
  GATE_VERSION_TAKEN: { kind: 'refused', when: 'The version tag exists and names another digest.', mend: 'Choose a new version; released versions never change.' },
  GATE_PROMOTION_MISMATCH: { kind: 'refused', when: 'What stands in the release repository is not what was verified.', mend: 'Do not deploy it. Run the gate again; find out who writes there.' },
  GATE_TAGS_UNSTABLE: { kind: 'unavailable', when: 'Moving tags did not come to rest within the bound.', mend: 'Run the gate again.' },
  VERDICT_MISSING: { kind: 'refused', when: 'The image has no verdict by the gate role for this channel.', mend: 'Run quarantine-gate on it.' },
  VERDICT_UNTRUSTED: { kind: 'refused', when: 'The only verdicts on the image were signed by somebody who does not hold the role gate.', mend: 'Do not deploy it. Find out who signed them, then run quarantine-gate, or name the gate in trust.yaml on the default branch.' },
  VERDICT_EXPIRED: { kind: 'refused', when: 'The verdict is no longer valid.', mend: 'Run quarantine-gate again; it renews the verdict.' },
  VERDICT_REFUSED: { kind: 'refused', when: 'The newest verdict is FAILED, or was revoked.', mend: 'Build and release a new version.' },
  VERDICT_CHANNEL: { kind: 'refused', when: 'The verdict was given for another channel.', mend: 'Run quarantine-gate for this channel.' },
} as const satisfies Record<string, FailureCodeEntry>;
