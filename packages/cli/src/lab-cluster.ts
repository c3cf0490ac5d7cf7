// SPDX-License-Identifier: Apache-2.0
// The cluster of `pratique lab up --cluster`: started here as root on Linux, else the one that KUBECONFIG names.
import process from 'node:process';
import { Failure } from '@pratique/core';
import { createNodeContext } from '@pratique/host';
import { requireMachine, startCluster, type Lab } from '@pratique/lab';
import type { Arguments } from './arguments.ts';

/** Flags that belong to it. */
export const clusterFlags = ['cluster', 'nodes', 'scrape-seconds'] as const;

/** A cluster to use. */
export interface OpenedCluster {
  readonly addresses: object;
  /** For people. */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

/** What the flags ask for, before anything is started. Fails with `LAB_CLUSTER_UNSUPPORTED` where none can be started and KUBECONFIG names none. */
export function planCluster(flags: Arguments['flags']): { open(lab: Lab): Promise<OpenedCluster> } | undefined {
  const [nodes, scrapeSeconds] = [numberOf(flags, 'nodes', 0), numberOf(flags, 'scrape-seconds', 5)];
  if (!flags['cluster']) return undefined;
  const own = process.env['KUBECONFIG'];
  try {
    requireMachine();
  } catch (thrown) {
    if (!own || !(thrown instanceof Failure)) throw thrown;
    const lines = [`KUBECONFIG ${own} (your own cluster: ${thrown.message})`];
    return { open: () => Promise.resolve({ addresses: { kubeconfig: own }, lines, close: () => Promise.resolve() }) };
  }
  return { open: (lab) => open(lab, { nodes, scrapeSeconds }) };
}

async function open(lab: Lab, settings: { readonly nodes: number; readonly scrapeSeconds: number }): Promise<OpenedCluster> {
  await using ctx = await createNodeContext({ print: (line) => process.stderr.write(`${line}\n`) });
  const { kubeconfig, gateway, gatewayReference, prometheus, logs, startMillis, close } = await startCluster({ lab, tools: ctx.tools, ...settings });
  const { namespace, name } = gatewayReference;
  return {
    addresses: { kubeconfig, gateway, gatewayReference, prometheus, logs, startMillis },
    lines: [`KUBECONFIG ${kubeconfig}`, `AKS        ${lab.addresses.arm.cluster} (--aks-cluster, with --azure-resource-manager ${lab.addresses.arm.url})`, `gateway    ${gateway} (parentRefs: ${namespace}/${name})`, `Prometheus ${prometheus}, behind Entra ${lab.addresses.monitor.url} (--metrics-audience ${lab.addresses.monitor.audience})`, `cluster up after ${(startMillis / 1000).toFixed(1)} s, logs in ${logs}`],
    close,
  };
}

function numberOf(flags: Arguments['flags'], name: 'nodes' | 'scrape-seconds', otherwise: number): number {
  if (flags[name] === undefined) return otherwise;
  if (!flags['cluster']) throw new Failure({ code: 'INPUT_INVALID', message: `--${name} goes with --cluster` });
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw new Failure({ code: 'INPUT_INVALID', message: `--${name} is a number from 1 to 1000, not "${flags[name]}"` });
}
