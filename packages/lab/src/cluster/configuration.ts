// SPDX-License-Identifier: Apache-2.0
// The configuration files of the cluster's programs. Pure.
import { clusterPorts, insidePath, nodeName } from './component.ts';
import { podRange } from './link.ts';
import { kwokConfiguration } from './simulated-nodes.ts';

/** What the files depend on. */
export interface ConfigurationSettings {
  /** Of the node. */
  readonly address: string;
  /** Path of the kubelet's control group. */
  readonly controlGroup: string;
  /** `HOST:PORT` of the registry that pods come from, and of the one with the sandbox image. */
  readonly registry: string;
  readonly mirror: string;
  readonly sandboxImage: string;
  /** Where the network plugins are. */
  readonly pluginFolder: string;
  /** PEM of the registries' CA, and of the API server's. */
  readonly registryAuthority: string;
  readonly authority: string;
  /** Whose tokens the API server takes as well, and for which application. */
  readonly entra: { readonly issuer: string; readonly application: string };
  /** Users of the API server with their tokens. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly scrapeSeconds: number;
}

/** YAML is JSON too. */
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;

/** Content of every file, by its name in the cluster's folder. */
export function configurationFiles(settings: ConfigurationSettings): Readonly<Record<string, string>> {
  const { address, authority, tokens } = settings;
  const clients = Object.entries(tokens).map(([user, token]) => [`kubeconfig-${user}`, kubeconfig({ address, authority, user, token })]);
  return {
    ...Object.fromEntries(clients) as Record<string, string>,
    ...registryFiles(settings),
    'kubelet.yaml': json(kubelet(settings)),
    'authentication.yaml': json(authentication(settings)),
    'proxy.yaml': json(proxy(settings)),
    'containerd.toml': containerd(settings),
    'networks/10-lab.conflist': json(network),
    'prometheus.yaml': json(prometheus(settings)),
    'pods.json': json([]),
    'kwok.yaml': kwokConfiguration(),
    'gateway.token': tokens['gateway'] ?? '',
    'ca.pem': authority,
  };
}

/** A client's file for one user. */
export function kubeconfig({ address, authority, user, token }: { readonly address: string; readonly authority: string; readonly user: string; readonly token: string }): string {
  return json({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: `https://${address}:${clusterPorts.api}`, 'certificate-authority-data': Buffer.from(authority).toString('base64') } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
  });
}

// As AKS with Entra: a user is known by the object id (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration).
function authentication({ entra: { issuer, application }, registryAuthority }: ConfigurationSettings): object {
  return {
    apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration',
    jwt: [{ issuer: { url: issuer, audiences: [application], certificateAuthority: registryAuthority }, claimMappings: { username: { claim: 'oid', prefix: '' } } }],
  };
}

// The registries serve TLS with the lab's CA; the pull identity's login comes from a credential provider, as on AKS.
function registryFiles({ registry, mirror, registryAuthority }: ConfigurationSettings): Record<string, string> {
  const hosts = [registry, mirror].map((host) => [`registries/${host}/hosts.toml`, `server = "https://${host}"\n[host."https://${host}"]\n  capabilities = ["pull", "resolve"]\n  ca = "${insidePath('registries.pem')}"\n`]);
  const provider = { name: 'lab-registry', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', matchImages: [registry], defaultCacheDuration: '0s' };
  return {
    ...Object.fromEntries(hosts) as Record<string, string>,
    'registries.pem': registryAuthority,
    'credentials.yaml': json({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers: [provider] }),
    'credentials/lab-registry': `#!/bin/sh\ncat ${insidePath('pull-login.json')}\n`,
  };
}

/** What the credential provider answers: a login for `registry`, or none (https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/). */
export function pullLogin(registry: string, login: { readonly username: string; readonly password: string } | undefined): string {
  return json({ kind: 'CredentialProviderResponse', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', cacheKeyType: 'Registry', cacheDuration: '0s', auth: login ? { [registry]: login } : {} });
}

function kubelet({ controlGroup }: ConfigurationSettings): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: insidePath('ca.pem') } }, authorization: { mode: 'Webhook' },
    tlsCertFile: insidePath('kubelet.pem'), tlsPrivateKeyFile: insidePath('kubelet.key'),
    containerRuntimeEndpoint: `unix://${insidePath('containerd.sock')}`, podLogsDir: insidePath('pod-logs'), volumePluginDir: insidePath('volume-plugins'),
    cgroupDriver: 'cgroupfs', cgroupRoot: controlGroup, failCgroupV1: false, failSwapOn: false, oomScoreAdj: 0, resolvConf: '', clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local',
    // A full disk of this machine is not the cluster's business.
    evictionHard: Object.fromEntries(['memory.available', 'nodefs.available', 'nodefs.inodesFree', 'imagefs.available', 'imagefs.inodesFree'].map((signal) => [signal, '0%'])), imageGCHighThresholdPercent: 100,
    serializeImagePulls: false, registryPullQPS: 0, eventRecordQPS: 0, nodeStatusUpdateFrequency: '2s', healthzPort: 0,
  };
}

function proxy({ address }: ConfigurationSettings): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode: 'iptables', clientConnection: { kubeconfig: insidePath('kubeconfig-proxy') }, clusterCIDR: podRange, hostnameOverride: nodeName,
    bindAddress: address, healthzBindAddress: '127.0.0.1:10256', metricsBindAddress: '127.0.0.1:10249', oomScoreAdj: 0, iptables: { minSyncPeriod: '100ms' },
    // Tables of connections belong to the whole machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s', udpTimeout: '0s', udpStreamTimeout: '0s' },
  };
}

// restrict_oom_score_adj: without it runc needs CAP_SYS_RESOURCE. The plugin `opt` makes a folder in /opt.
function containerd({ sandboxImage, pluginFolder }: ConfigurationSettings): string {
  return `version = 2
root = "${insidePath('containerd')}"
state = "${insidePath('containerd-state')}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${insidePath('containerd.sock')}"
[ttrpc]
  address = "${insidePath('containerd.sock.ttrpc')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${pluginFolder}"
    conf_dir = "${insidePath('networks')}"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${insidePath('registries')}"
`;
}

// Each pod has a link of its own to the node, so that every packet is routed and seen by the rules of services; a bridge would need a kernel module for that.
const network = {
  cniVersion: '1.0.0', name: 'lab',
  plugins: [{ type: 'ptp', ipam: { type: 'host-local', ranges: [[{ subnet: podRange }]], dataDir: insidePath('pod-addresses'), routes: [{ dst: '0.0.0.0/0' }] } }, { type: 'portmap', capabilities: { portMappings: true } }],
};

function prometheus({ address, scrapeSeconds }: ConfigurationSettings): object {
  const interval = `${scrapeSeconds}s`;
  const gateway = { job_name: 'traefik', static_configs: [{ targets: [`${address}:${clusterPorts.gatewayMetrics}`] }] };
  const pods = { job_name: 'pods', file_sd_configs: [{ files: [insidePath('pods.json')] }] };
  return { global: { scrape_interval: interval, scrape_timeout: interval }, scrape_configs: [gateway, pods] };
}
