// SPDX-License-Identifier: Apache-2.0
// Failure codes: signing and verifying.
import type { FailureCodeEntry } from './entry.ts';

export const signCodes = {
  SIGN_CERTIFICATE_FAILED: { kind: 'unavailable', when: 'Fulcio did not issue a certificate.', mend: 'Check the identity token issuer that Fulcio trusts; run it again.' },
  SIGN_IDENTITY_REFUSED: { kind: 'usage', when: 'Fulcio does not accept the identity token, or the token names no workflow.', mend: 'Sign in a workflow whose token issuer Fulcio trusts; the job needs `permissions: id-token: write`.' },
  SIGN_LOG_FAILED: { kind: 'unavailable', when: 'The transparency log did not take the entry.', mend: 'Run it again; finished attestations are kept and not made twice.' },
  SIGN_TIMESTAMP_FAILED: { kind: 'unavailable', when: 'The timestamp authority did not answer.', mend: 'Run it again.' },
  SIGN_CONFIG_INVALID: { kind: 'usage', when: 'The signing configuration or the trusted root cannot be used.', mend: 'Check the inputs signing-config and trusted-root.' },
  SIGN_TRUST_UNAVAILABLE: { kind: 'unavailable', when: 'The trusted root or signing configuration could not be fetched.', mend: 'Run it again, or give them as files with the inputs trusted-root and signing-config.' },
  SIGN_SOURCE_MISMATCH: { kind: 'refused', when: 'The identity token speaks of another commit, version or run than the image and its evidence.', mend: 'Build and sign in one workflow run.' },
  SIGN_NOT_LISTED: { kind: 'unavailable', when: 'The registry does not list an attestation that was just pushed.', mend: 'Run it again; finished attestations are kept and not made twice.' },
  SIGN_VERIFY_FAILED: { kind: 'refused', when: 'What was just signed and pushed does not verify.', mend: 'Do not release it. Check that trusted-root belongs to the servers of signing-config.' },
  ATTESTATION_UNTRUSTED: { kind: 'refused', when: 'The signature, log entry or timestamp of an attestation does not verify.', mend: 'Find out who attached it.' },
  ATTESTATION_MALFORMED: { kind: 'refused', when: 'An attestation is not a sigstore bundle with an in-toto statement about its subject.', mend: 'Attach bundles made by sign-and-attest or cosign.' },
  ATTESTATION_SUBJECT_MISMATCH: { kind: 'refused', when: 'An attestation speaks of another digest than the one it hangs on.', mend: 'Sign this image; statements cannot be moved.' },
  ATTESTATION_SIGNER_UNKNOWN: { kind: 'refused', when: 'The signer has no role in trust, or not the role for this predicate.', mend: 'Sign with the expected workflow, or add the signer to trust.yaml on the default branch.' },
} as const satisfies Record<string, FailureCodeEntry>;
