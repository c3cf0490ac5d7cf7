// SPDX-License-Identifier: Apache-2.0
// The demo's Kubernetes: begun while another act plays, gone with the scene; and why there is none where there can be none.
import { Failure } from '@pratique/core';
import { requireMachine, type Lab } from '@pratique/lab';
import { startClusterWorld, type ClusterWorld } from '../fixtures/cluster-world.ts';

/** One cluster for the demo. */
export interface DemoCluster {
  /** Begins it at the first call; the same for every caller. */
  open(): Promise<ClusterWorld>;
  /** The same, if it was begun. */
  begun(): Promise<ClusterWorld> | undefined;
  /** Ends it, if it was begun. */
  close(): Promise<void>;
}

/** `programs` are waited for first: what earlier acts need is brought before what a cluster needs. */
export function planCluster(lab: Lab, programs: Promise<unknown>, say: (line: string) => void): DemoCluster {
  let begun: Promise<ClusterWorld> | undefined;
  const start = async (): Promise<ClusterWorld> => {
    await Promise.allSettled([programs]);
    return startClusterWorld({ lab, say });
  };
  return {
    open: () => (begun ??= start()),
    begun: () => begun,
    async close() {
      const [ended] = await Promise.allSettled([begun]);
      if (ended.status === 'fulfilled') await ended.value?.[Symbol.asyncDispose]();
    },
  };
}

/** Why this machine cannot run a cluster; `undefined` when it can. */
export function clusterObstacle(): Failure | undefined {
  try {
    requireMachine();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'LAB_CLUSTER_UNSUPPORTED') return thrown;
    throw thrown;
  }
}
