// SPDX-License-Identifier: Apache-2.0
// Ids of resources (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules).

const clusterId = /^\/subscriptions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups\/[\w.()-]{1,90}\/providers\/Microsoft\.ContainerService\/managedClusters\/[a-zA-Z0-9][\w-]{0,62}$/i;

/** The id of an AKS cluster as it is; throws an `Error` that tells how to find it for anything else. */
export function checkClusterId(text: string): string {
  if (clusterId.test(text)) return text;
  throw new Error(`must be the resource id of an AKS cluster, not "${text.slice(0, 80)}"; az aks show --resource-group GROUP --name NAME --query id --output tsv prints it`);
}
