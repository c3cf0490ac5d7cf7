// SPDX-License-Identifier: Apache-2.0
// Clusters whose users sign in with Entra tokens by kubelogin (https://azure.github.io/kubelogin/): what it would do, done without it.
import type { ClusterAccess, CredentialPlugin } from './kubeconfig.ts';

/** The application that kubelogin would fetch a token for (`--server-id`); `undefined` for any other plugin. On AKS it is 6dae42f8-4368-4678-94ff-3960e28e3630, or an older cluster's own. */
export function entraApplication(plugin: CredentialPlugin | undefined): string | undefined {
  if (plugin === undefined || !/(?:^|[\\/])kubelogin(?:\.exe)?$/.test(plugin.command)) return undefined;
  const value = plugin.args.flatMap((arg, index) => (arg === '--server-id' ? (plugin.args[index + 1] ?? []) : arg.startsWith('--server-id=') ? arg.slice('--server-id='.length) : [])).at(0);
  return value !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value : undefined;
}

/** A kubeconfig for programs that know only fixed tokens; helm reads it once a command. */
export function tokenKubeconfig({ context, server, namespace, tls }: ClusterAccess, token: string): string {
  const authority = tls.authorities === undefined ? {} : { 'certificate-authority-data': Buffer.from(tls.authorities).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': context, contexts: [{ name: context, context: { cluster: context, user: context, namespace } }], users: [{ name: context, user: { token } }],
    clusters: [{ name: context, cluster: { server, ...authority, ...(tls.serverName === undefined ? {} : { 'tls-server-name': tls.serverName }) } }],
  });
}
