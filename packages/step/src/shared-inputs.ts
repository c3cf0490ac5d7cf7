// SPDX-License-Identifier: Apache-2.0
// Inputs that several steps share, declared once: how to sign in to registries, and which Sigstore to use.
import { input } from './kinds.ts';
import { checkClusterId } from './resource-id.ts';

/** Signing in to the registry. What receives them: `connectRegistry` of acr. */
export const registryInputs = {
  'registry-sign-in': input.choice(['auto', 'federated', 'managed-identity', 'cli', 'docker', 'anonymous'])({
    default: 'auto',
    description: 'How to sign in to the registry: federated (OIDC token of the run to Entra ID), managed-identity, cli (az login), docker (credentials of the docker config file), anonymous. auto takes federated when azure-client-id is set, else docker when the config file names the registry, else cli.',
  }),
  'azure-tenant-id': input.text({ description: 'Entra tenant of the identity.' }),
  'azure-client-id': input.text({ description: 'Client id of the app registration or user-assigned managed identity.' }),
  'azure-authority-host': input.text({ default: 'https://login.microsoftonline.com', description: 'Entra ID endpoint; another one for sovereign clouds and the lab.' }),
  'azure-audience': input.text({ default: 'https://containerregistry.azure.net', description: 'Audience of the Entra token for the registry; the lab and all clouds share it.' }),
  'registry-role-mode': input.choice(['abac', 'legacy'])({ default: 'abac', description: 'Role assignment mode of the registry; decides which role a hint names when one is missing.' }),
} as const;

/** Which cluster. What receives them: `connect` of the steps that deploy. */
export const clusterInputs = {
  kubeconfig: input.text({ description: 'A kubeconfig: its text (from a secret), or the path of a file. Default: the file that KUBECONFIG names.' }),
  context: input.text({ description: 'Context of the kubeconfig. Default: its current one.' }),
  'aks-cluster': input.form('resource id', checkClusterId)({ description: 'In place of kubeconfig: resource id of an AKS cluster. Signs in with the same identity as to the registry; kubelogin is not needed.' }),
  'azure-resource-manager': input.text({ default: 'https://management.azure.com', description: 'Azure Resource Manager endpoint; another one for sovereign clouds and the lab.' }),
} as const;

/** Which Sigstore. Each is a file, an https URL, or the JSON itself; without them the public good instance is used. */
export const sigstoreInputs = {
  'trusted-root': input.text({ description: 'Sigstore trusted root: a file, an https URL or JSON. Default: the public good instance, by TUF.' }),
} as const;
