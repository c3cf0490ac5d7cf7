// SPDX-License-Identifier: Apache-2.0
// Failure codes: Azure identity and Azure Container Registry.
import type { FailureCodeEntry } from './entry.ts';

export const azureCodes = {
  AZURE_LOGIN_FAILED: { kind: 'usage', when: 'Entra ID refused the sign-in.', mend: 'Check tenant, client id and the federated credential; the hint shows the subject that was presented.' },
  AZURE_UNAVAILABLE: { kind: 'unavailable', when: 'Entra ID did not answer.', mend: 'Run it again later.' },
  ACR_EXCHANGE_REFUSED: { kind: 'usage', when: 'The registry does not take the Entra token.', mend: 'Check that the registry belongs to the tenant, and its audience policy.' },
  ACR_ROLE_MISSING: { kind: 'usage', when: 'The identity lacks a role on the registry or repository.', mend: 'Run the role assignment of the hint.' },
  ACR_QUARANTINED: { kind: 'refused', when: 'The registry holds the image, or something that must be read to decide, in its quarantine.', mend: 'Wait until quarantine-gate has released it. Builder and gate need AcrQuarantineReader or AcrQuarantineWriter; clusters need neither.' },
  ACR_QUARANTINE_NOT_ISOLATED: { kind: 'refused', when: 'The builder could push or release an image by itself, or somebody else than the gate has released it.', mend: 'Use ABAC mode with a condition on quarantine/, or a second registry for releases; with the quarantine of the registry take Owner, Contributor and AcrQuarantineWriter from the builder.' },
} as const satisfies Record<string, FailureCodeEntry>;
