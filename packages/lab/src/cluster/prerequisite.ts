// SPDX-License-Identifier: Apache-2.0
// What the cluster needs of the machine: Linux, root, the programs.
import process from 'node:process';
import { Failure, type Tools } from '@pratique/core';

/** Programs that are looked for: what is slow to build first. containerd brings its shim along, ptp the other plugins. */
export const clusterPrograms = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'etcd', 'traefik', 'prometheus', 'containerd', 'runc', 'ptp', 'ip', 'iptables', 'busybox'] as const;

/** Fails with `LAB_CLUSTER_UNSUPPORTED` where the system or the user does not do. */
export function requireMachine(machine: { readonly platform: string; readonly user: number | undefined } = { platform: process.platform, user: process.getuid?.() }): void {
  const hint = 'Elsewhere use a cluster of your own (kind, k3d, AKS): set KUBECONFIG to its file.';
  if (machine.platform !== 'linux') throw new Failure({ code: 'LAB_CLUSTER_UNSUPPORTED', message: `the lab's cluster runs on Linux only, and this is ${machine.platform}`, hint });
  if (machine.user !== 0) throw new Failure({ code: 'LAB_CLUSTER_UNSUPPORTED', message: "the lab's cluster makes namespaces and containers, which root alone may do", hint: `Run it as root (sudo). ${hint}` });
}

/** Paths by name. Fails with `TOOL_MISSING`, naming all that are. */
export async function locatePrograms(tools: Tools, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(names.map((name) => tools.locate(name).catch(absent)));
  const missing = names.filter((_, index) => found[index] instanceof Failure);
  if (missing.length > 0) {
    throw new Failure({
      code: 'TOOL_MISSING', message: `the lab's cluster needs ${missing.join(', ')}, on PATH or in the tool cache`,
      hint: `In a checkout with Go: npm run programs -- ${missing.join(' ')} (builds them once, some minutes each). Or use a cluster of your own: set KUBECONFIG.`, facts: { missing },
    });
  }
  return Object.fromEntries(found.flatMap((tool) => (tool instanceof Failure ? [] : [[tool.name, tool.path]])));
}

function absent(thrown: unknown): Failure {
  if (thrown instanceof Failure && thrown.code === 'TOOL_MISSING') return thrown;
  throw thrown;
}
