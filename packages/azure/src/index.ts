// SPDX-License-Identifier: Apache-2.0
// Public names of azure: signing in to Entra ID, and what Resource Manager knows.
export { createAzureHttpClient, type AzureHttpClient, type AzureRefusal } from './azure-http.ts';
export { chooseEntraWay, requireAuthority, type AzureSignIn, type EntraWay } from './entra-way.ts';
export { createEntraTokens, type EntraTarget, type EntraToken, type EntraTokens } from './entra.ts';
export { openManagedCluster, type ManagedCluster } from './managed-cluster.ts';
export { connectResourceManager, type ArmCall, type ResourceManager } from './arm-client.ts';
export { runInCluster, type ClusterCommand, type ClusterCommandResult } from './run-command.ts';
export { signInToAzure, type AzureTokens } from './sign-in.ts';
