// SPDX-License-Identifier: Apache-2.0
// A real one-node Kubernetes with a gateway and Prometheus, which pulls from the lab's registry; in namespaces of its own, all gone when it is closed.
import { randomBytes, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, type Tools } from '@pratique/core';
import { createAuthority } from '../authority.ts';
import type { RegistryLogin } from '../lab-addresses.ts';
import { labClients } from '../lab-defaults.ts';
import type { Lab } from '../lab.ts';
import { conditionHolds, connectApi, type Api } from './api.ts';
import { createComponents, type Components } from './component-process.ts';
import { clusterPorts, insidePath, nodeName, type ComponentName } from './component.ts';
import { aksServerApplication } from '../arm/cluster.ts';
import { configurationFiles, kubeconfig, pullLogin } from './configuration.ts';
import { openEnclosure, type Enclosure, type RunOptions } from './enclosure.ts';
import { gatewayDefinitions, gatewayObjects, gatewayReference, roles, users } from './objects.ts';
import { followPods } from './pod-targets.ts';
import { clusterPrograms, locatePrograms, requireMachine } from './prerequisite.ts';
import { pushProgramImage } from './program-image.ts';
import type { ProgramResult } from './program.ts';
import { addSimulatedNodes } from './simulated-nodes.ts';

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Its registries: pods come from `acr`. */
  readonly lab: Lab;
  /** Finds the programs. */
  readonly tools: Tools;
  /** Between two scrapes of the gateway. Default 5. */
  readonly scrapeSeconds?: number;
  /** Simulated nodes besides the real one, at most 1000. Default 0. */
  readonly nodes?: number;
}

/** A running cluster. All addresses can be reached from this machine only. */
export interface Cluster {
  /** Path of the administrator's file, `cluster/kubeconfig` in the lab's folder. */
  readonly kubeconfig: string;
  /** `http://ADDRESS`: what HTTPRoutes that attach to `gatewayReference` serve. */
  readonly gateway: string;
  /** `parentRefs` of an HTTPRoute. */
  readonly gatewayReference: { readonly namespace: string; readonly name: string };
  /** `http://ADDRESS:9090`. */
  readonly prometheus: string;
  /** Folder with a log for each component. */
  readonly logs: string;
  /** From the call to the last thing being ready. */
  readonly startMillis: number;
  /** Runs a program of this machine in the cluster's network, where pods and services have addresses. */
  runInNamespace(file: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>;
  /** Who the kubelet is at the registry from the next pull on. At the start: the identity `cluster`, which reads released repositories. */
  setPullIdentity(login: RegistryLogin | undefined): Promise<void>;
  /** Ends a component, as a fault: SIGTERM by default. */
  stop(name: ComponentName, signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again; the call does not wait for it being ready. */
  start(name: ComponentName): Promise<void>;
  /** Ends everything; no process, mount, interface, route, rule or control group is left. Logs stay in the lab's folder. */
  close(): Promise<void>;
}

/** Starts one. Fails with `LAB_CLUSTER_UNSUPPORTED` (no root, no Linux), `TOOL_MISSING`, `LAB_CLUSTER_FAILED`. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const begin = Date.now();
  requireMachine();
  const { lab, nodes = 0, scrapeSeconds = 5 } = options;
  if (!Number.isInteger(nodes) || nodes < 0 || nodes > 1000) throw new Failure({ code: 'INPUT_INVALID', message: `${nodes} simulated nodes: 0 to 1000 are possible` });
  const folder = join(lab.addresses.folder, 'cluster');
  const logs = join(folder, 'logs');
  const [paths] = await Promise.all([locatePrograms(options.tools, [...clusterPrograms, ...(nodes > 0 ? ['kwok'] : [])]), rm(logs, { recursive: true, force: true }).then(() => mkdir(logs, { recursive: true }))]);
  const [enclosure, sandboxImage] = await openBoth(lab, paths['busybox'] ?? 'busybox');
  const address = enclosure.link.inside;
  try {
    const { authority, tokens } = await configure(enclosure, { lab, sandboxImage, scrapeSeconds, pluginFolder: dirname(paths['ptp'] ?? '') });
    const file = join(folder, 'kubeconfig');
    await writeFile(file, kubeconfig({ address, authority, user: 'administrator', token: tokens['administrator'] ?? '' }), { mode: 0o600 });
    const components = createComponents(enclosure, { paths, logs });
    const offer = { server: `https://${address}:${clusterPorts.api}`, authority, prometheus: `http://${address}:${clusterPorts.prometheus}` };
    const [api, pods] = ['administrator', 'prometheus'].map((user) => connectApi({ origin: offer.server, authority, token: tokens[user] ?? '' })) as [Api, Api];
    await bringUp(components, { api, address, nodes }).finally(() => api.close());
    const discovery = followPods(pods, (targets) => enclosure.write(insidePath('pods.json'), targets));
    lab.arm.setCluster({ ...offer, login: 'entra' });
    lab.monitor.setUpstream(offer.prometheus);
    return {
      kubeconfig: file, gateway: `http://${address}`, gatewayReference, prometheus: offer.prometheus, logs, startMillis: Date.now() - begin,
      runInNamespace: (program, args, more) => enclosure.run(program, args, more),
      setPullIdentity: (login) => enclosure.write(insidePath('pull-login.json'), pullLogin(lab.addresses.acr.loginServer, login)),
      stop: components.stop, start: components.start,
      async close() {
        lab.arm.setCluster(undefined);
        lab.monitor.setUpstream(undefined);
        await discovery.stop();
        await Promise.all([enclosure.close(), rm(file, { force: true })]);
      },
    };
  } catch (thrown) {
    await enclosure.close();
    throw thrown;
  }
}

async function openBoth(lab: Lab, busybox: string): Promise<[Enclosure, string]> {
  const enclosure = await openEnclosure();
  // It holds the network of a pod open. Everybody may pull from the mirror.
  const sandbox = { registry: lab.addresses.mirror, repository: 'lab/pause', program: busybox, args: ['sleep', '2147483647'] };
  try {
    const [image] = await Promise.all([pushProgramImage(sandbox, lab.fetch), enclosure.link.forward([lab.ports.acr, lab.ports.blobs, lab.ports.mirror, lab.ports.entra])]);
    return [enclosure, image];
  } catch (thrown) {
    await enclosure.close();
    throw thrown;
  }
}

/** Keys, certificates, tokens and files; all of them live in the enclosure's memory. */
async function configure(enclosure: Enclosure, { lab, ...given }: { lab: Lab; sandboxImage: string; scrapeSeconds: number; pluginFolder: string }): Promise<{ authority: string; tokens: Record<string, string> }> {
  const { link, controlGroup } = enclosure;
  const authority = await createAuthority();
  const services = ['10.96.0.1', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const [api, kubelet, client] = await Promise.all([authority.issue([link.inside, '127.0.0.1', 'localhost', ...services]), authority.issue([link.inside, nodeName]), authority.issueClient('kube-apiserver', 'system:masters')]);
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const tokens = Object.fromEntries(Object.keys(users).map((user) => [user, randomBytes(24).toString('hex')]));
  const { acr, mirror, caFile } = lab.addresses;
  const registryAuthority = await readFile(caFile, 'utf8');
  const files: Record<string, string> = {
    ...configurationFiles({ ...given, address: link.inside, controlGroup, registry: acr.loginServer, mirror: mirror.loginServer, registryAuthority, authority: authority.certificate, tokens, entra: { issuer: lab.entra.issuer, application: aksServerApplication } }),
    'tokens.csv': Object.entries(users).map(([user, { name, group }]) => `${tokens[user] ?? ''},${name},${name}${group === undefined ? '' : `,${group}`}\n`).join(''),
    'api.pem': api.certificate, 'api.key': api.key, 'kubelet.pem': kubelet.certificate, 'kubelet.key': kubelet.key, 'api-client.pem': client.certificate, 'api-client.key': client.key,
    'accounts.key': accounts.privateKey, 'accounts.pub': accounts.publicKey,
    'pull-login.json': pullLogin(acr.loginServer, { username: labClients.cluster.clientId, password: labClients.cluster.secret ?? '' }),
  };
  for (const [name, content] of Object.entries(files)) await enclosure.write(insidePath(name), content, name.startsWith('credentials/') ? 0o700 : 0o600);
  return { authority: authority.certificate, tokens };
}

/** In the order of need; what can wait for others by itself is started early. */
async function bringUp(components: Components, { api, address, nodes }: { api: Api; address: string; nodes: number }): Promise<void> {
  const answers = async (path: string): Promise<boolean> => (await api.get(path)).status === 200;
  await Promise.all((['etcd', 'kube-apiserver', 'containerd', 'prometheus'] as const).map((name) => components.start(name)));
  await components.until('kube-apiserver', 'the API server is ready', () => answers('/readyz'));
  await Promise.all((['kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'] as const).map((name) => components.start(name)));
  await api.apply(...gatewayDefinitions, ...roles);
  for (const { metadata } of gatewayDefinitions) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`;
    await components.until('kube-apiserver', `${metadata.name} is served`, async () => conditionHolds((await api.get(path)).body, 'Established'));
  }
  await api.apply(...gatewayObjects);
  await components.start('traefik');
  await Promise.all([
    components.until('kubelet', 'the node is ready', async () => conditionHolds((await api.get(`/api/v1/nodes/${nodeName}`)).body, 'Ready')),
    components.until('kube-controller-manager', 'the first service account is there', () => answers('/api/v1/namespaces/default/serviceaccounts/default')),
    components.until('traefik', 'the gateway is programmed', async () => conditionHolds((await api.get(`/apis/gateway.networking.k8s.io/v1/namespaces/${gatewayReference.namespace}/gateways/${gatewayReference.name}`)).body, 'Programmed')),
    components.until('prometheus', 'Prometheus is ready', async () => (await fetch(`http://${address}:${clusterPorts.prometheus}/-/ready`)).ok),
  ]);
  if (nodes > 0) await addSimulatedNodes({ api, components, nodes });
}
