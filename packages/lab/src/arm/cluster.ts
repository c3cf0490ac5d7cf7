// SPDX-License-Identifier: Apache-2.0
// A cluster as AKS shows it: its properties, and the kubeconfig that `listClusterUserCredential` gives (https://learn.microsoft.com/rest/api/aks/managed-clusters).
import type { JsonObject } from '@pratique/core';

/** Application that API servers of AKS take Entra tokens for. */
export const aksServerApplication = '6dae42f8-4368-4678-94ff-3960e28e3630';
const kubeloginClient = '80faf920-1908-4b52-b5ef-a8e7bedfc67a';

/** A cluster that Resource Manager offers. */
export interface LabManagedCluster {
  /** `https://HOST[:PORT]`. */
  readonly server: string;
  /** PEM of its certificate authority. */
  readonly authority: string;
  /** How users sign in: by Entra, by a client certificate (local accounts), or not at all. */
  readonly login: 'entra' | 'disabled' | { readonly certificate: string; readonly key: string };
  /** Runs commands in it (`runCommand`); by default there is no room for their pods. `token` is who asks, for the AKS application. */
  readonly run?: (command: string, token: string) => Promise<{ readonly exitCode: number; readonly logs: string }>;
  /** Put over the usual properties, for example `{ powerState: { code: 'Stopped' } }`. */
  readonly properties?: JsonObject;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The body of `listClusterUserCredential?format=exec`. */
export function credentialResults(cluster: LabManagedCluster, tenantId: string): JsonObject {
  const { login, server, authority } = cluster;
  const user = typeof login === 'string'
    ? { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'kubelogin', env: null, provideClusterInfo: false, args: ['get-token', '--environment', 'AzurePublicCloud', '--server-id', aksServerApplication, '--client-id', kubeloginClient, '--tenant-id', tenantId, '--login', 'devicecode'] } }
    : { 'client-certificate-data': base64(login.certificate), 'client-key-data': base64(login.key) };
  const kubeconfig = {
    apiVersion: 'v1', kind: 'Config', preferences: {}, 'current-context': 'lab', clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': base64(authority) } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'clusterUser_lab_lab' } }], users: [{ name: 'clusterUser_lab_lab', user }],
  };
  return { kubeconfigs: [{ name: 'clusterUser', value: base64(JSON.stringify(kubeconfig)) }] };
}

/** The resource, with what a client may need of it. */
export function clusterResource(cluster: LabManagedCluster, { id, tenantId, kubelet }: { readonly id: string; readonly tenantId: string; readonly kubelet: { readonly clientId: string; readonly objectId: string } }): JsonObject {
  const { hostname } = new URL(cluster.server);
  return {
    id, name: 'lab', type: 'Microsoft.ContainerService/ManagedClusters', location: 'westeurope', identity: { type: 'SystemAssigned', tenantId },
    properties: {
      provisioningState: 'Succeeded', powerState: { code: 'Running' }, fqdn: hostname, enableRBAC: true, disableLocalAccounts: typeof cluster.login === 'string', servicePrincipalProfile: { clientId: 'msi' },
      ...(cluster.login === 'entra' ? { aadProfile: { managed: true, enableAzureRBAC: false, tenantID: tenantId } } : {}),
      identityProfile: { kubeletidentity: { ...kubelet, resourceId: '/subscriptions/0a1b2c3d-0000-4000-8000-000000000002/resourcegroups/lab/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lab-agentpool' } },
      ...cluster.properties,
    },
  };
}
