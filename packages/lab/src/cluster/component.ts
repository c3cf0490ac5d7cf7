// SPDX-License-Identifier: Apache-2.0
// The programs of the cluster with their arguments: flags of Kubernetes 1.36, etcd 3.6, containerd 1.6, traefik 3.7, Prometheus 2.42. Pure.
import { insideFolder } from './enclosure.ts';
import { serviceRange } from './link.ts';

/** Programs that run as long as the cluster does. */
export const componentNames = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'containerd', 'kubelet', 'kube-proxy', 'traefik', 'prometheus', 'kwok'] as const;
/** Name of one of them: that of its program, too. */
export type ComponentName = (typeof componentNames)[number];

/** Name of the node that runs pods. */
export const nodeName = 'lab-node';

/** Ports at the node's address; those of Kubernetes are the usual ones. */
export const clusterPorts = { api: 6443, gateway: 80, gatewayMetrics: 8082, prometheus: 9090 } as const;

/** Path of a file of the cluster, as its processes see it. */
export function insidePath(name: string): string {
  return `${insideFolder}/${name}`;
}

const kubeconfig = (user: string): string => insidePath(`kubeconfig-${user}`);

/** The arguments of one component; `address` is the node's, in the link's network. */
export function componentArguments(name: ComponentName, address: string): readonly string[] {
  return { ...controlPlane(address), ...node(address), ...gateway(address) }[name];
}

function controlPlane(address: string) {
  // Nothing of it outlives the cluster, so nothing need reach a disk.
  const etcd = [`--data-dir=${insidePath('etcd')}`, '--unsafe-no-fsync', '--listen-client-urls=http://127.0.0.1:2379', '--advertise-client-urls=http://127.0.0.1:2379', '--listen-peer-urls=http://127.0.0.1:2380', '--log-level=warn'];
  const api = [
    '--etcd-servers=http://127.0.0.1:2379', `--advertise-address=${address}`, `--secure-port=${clusterPorts.api}`, `--service-cluster-ip-range=${serviceRange}`, '--allow-privileged=true',
    `--tls-cert-file=${insidePath('api.pem')}`, `--tls-private-key-file=${insidePath('api.key')}`, `--token-auth-file=${insidePath('tokens.csv')}`, `--authentication-config=${insidePath('authentication.yaml')}`, '--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction',
    `--kubelet-certificate-authority=${insidePath('ca.pem')}`, `--kubelet-client-certificate=${insidePath('api-client.pem')}`, `--kubelet-client-key=${insidePath('api-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP', '--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${insidePath('accounts.pub')}`, `--service-account-signing-key-file=${insidePath('accounts.key')}`, '--profiling=false',
  ];
  const client = (user: string): string[] => [`--kubeconfig=${kubeconfig(user)}`, `--authentication-kubeconfig=${kubeconfig(user)}`, `--authorization-kubeconfig=${kubeconfig(user)}`, '--leader-elect=false', '--secure-port=0', '--profiling=false'];
  const controllers = [...client('controllers'), `--service-account-private-key-file=${insidePath('accounts.key')}`, `--root-ca-file=${insidePath('ca.pem')}`, '--use-service-account-credentials', `--flex-volume-plugin-dir=${insidePath('volume-plugins')}`];
  return { etcd, 'kube-apiserver': api, 'kube-controller-manager': controllers, 'kube-scheduler': client('scheduler') };
}

function node(address: string) {
  const kubelet = [
    `--config=${insidePath('kubelet.yaml')}`, `--kubeconfig=${kubeconfig('node')}`, `--root-dir=${insidePath('kubelet')}`, `--hostname-override=${nodeName}`, `--node-ip=${address}`,
    `--image-credential-provider-config=${insidePath('credentials.yaml')}`, `--image-credential-provider-bin-dir=${insidePath('credentials')}`,
  ];
  const kwok = [`--kubeconfig=${kubeconfig('kwok')}`, '--manage-all-nodes=false', '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake', `--config=${insidePath('kwok.yaml')}`, '--node-lease-duration-seconds=40', '--server-address='];
  return { containerd: ['--config', insidePath('containerd.toml')], kubelet, 'kube-proxy': [`--config=${insidePath('proxy.yaml')}`], kwok };
}

function gateway(address: string) {
  const login = (provider: string): string[] => [`${provider}=true`, `${provider}.endpoint=https://${address}:${clusterPorts.api}`, `${provider}.token=${insidePath('gateway.token')}`, `${provider}.certauthfilepath=${insidePath('ca.pem')}`];
  const [routes, ingresses] = ['--providers.kubernetesgateway', '--providers.kubernetesingressnginx'];
  const traefik = [
    `--entrypoints.web.address=${address}:${clusterPorts.gateway}`, `--entrypoints.metrics.address=${address}:${clusterPorts.gatewayMetrics}`,
    '--metrics.prometheus=true', '--metrics.prometheus.entrypoint=metrics', '--metrics.prometheus.addserviceslabels=true', '--metrics.prometheus.buckets=0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5',
    ...login(routes), `${routes}.statusaddress.ip=${address}`,
    // Ingresses of the class nginx, with the annotations of ingress-nginx.
    ...login(ingresses), `${ingresses}.httpentrypoint=web`, `${ingresses}.publishstatusaddress=${address}`,
    // Traefik's own default lets a change of weights wait for up to two seconds behind the one before.
    '--providers.providersthrottleduration=200ms', '--global.checknewversion=false', '--global.sendanonymoususage=false', '--log.level=INFO',
  ];
  const prometheus = [`--config.file=${insidePath('prometheus.yaml')}`, `--storage.tsdb.path=${insidePath('prometheus')}`, `--web.listen-address=${address}:${clusterPorts.prometheus}`, '--storage.tsdb.retention.time=6h', '--log.level=warn'];
  return { traefik, prometheus };
}
