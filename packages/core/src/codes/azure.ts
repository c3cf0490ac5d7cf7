// SPDX-License-Identifier: Apache-2.0
// Failure codes: Azure identity, Resource Manager, Azure Container Registry and AKS.
import type { FailureCodeEntry } from './entry.ts';

export const azureCodes = {
  AZURE_LOGIN_FAILED: { kind: 'usage', when: 'Entra ID refused the sign-in.', mend: 'Check tenant, client id and the federated credential; the hint shows the subject that was presented.' },
  AZURE_UNAVAILABLE: { kind: 'unavailable', when: 'Entra ID or Resource Manager did not answer, answered 5xx, or limits the rate.', mend: 'Run it again later.' },
  AZURE_FORBIDDEN: { kind: 'usage', when: 'The identity lacks a role for a call to Resource Manager.', mend: 'Run the role assignment of the hint.' },
  AZURE_NOT_FOUND: { kind: 'usage', when: 'Resource Manager knows no such subscription, resource group or resource.', mend: 'Check the resource id, and that the identity belongs to the tenant of the subscription.' },
  AZURE_REFUSED: { kind: 'usage', when: 'Resource Manager refused a call.', mend: 'The message has its reason.' },
  AZURE_PROTOCOL: { kind: 'defect', when: 'What answered does not speak the API of Resource Manager.', mend: 'Check azure-resource-manager, and proxies in between.' },
  AKS_LOCAL_ACCOUNTS_DISABLED: { kind: 'usage', when: 'The cluster has local accounts disabled and no Entra integration: it gives credentials to nobody.', mend: 'Enable Entra on the cluster with the command of the hint.' },
  AKS_STOPPED: { kind: 'usage', when: 'The AKS cluster is stopped.', mend: 'Start it.' },
  AKS_UNREACHABLE: { kind: 'usage', when: 'The API server of an AKS cluster is private, or limits who may reach it, and this runner does not reach it.', mend: 'Run the job on a runner in the network of the cluster, or let the address of the runner in. What a canary left can be put back from anywhere: pratique canary recover --aks-cluster ID.' },
  AKS_PULL_FORBIDDEN: { kind: 'refused', when: 'The kubelet identity of the AKS cluster has no role that lets it pull the image from its registry.', mend: 'Run the role assignment of the hint.' },
  ACR_EXCHANGE_REFUSED: { kind: 'usage', when: 'The registry does not take the Entra token.', mend: 'Check that the registry belongs to the tenant, and its audience policy.' },
  ACR_ROLE_MISSING: { kind: 'usage', when: 'The identity lacks a role on the registry or repository.', mend: 'Run the role assignment of the hint.' },
  ACR_QUARANTINED: { kind: 'refused', when: 'The registry holds the image, or something that must be read to decide, in its quarantine.', mend: 'Wait until quarantine-gate has released it. Builder and gate need AcrQuarantineReader or AcrQuarantineWriter; clusters need neither.' },
  ACR_QUARANTINE_NOT_ISOLATED: { kind: 'refused', when: 'The builder could push or release an image by itself, or somebody else than the gate has released it.', mend: 'Use ABAC mode with a condition on quarantine/, or a second registry for releases; with the quarantine of the registry take Owner, Contributor and AcrQuarantineWriter from the builder.' },
} as const satisfies Record<string, FailureCodeEntry>;
