// SPDX-License-Identifier: Apache-2.0
// Which operator in the cluster, if any, decides how a workload gets its next revision.
import type { Cluster } from '../client/cluster.ts';
import { textOf, type KubeObject, type ObjectRef } from '../client/object.ts';
import { argoRollout } from './argo-rollouts.ts';
import { flaggerCanary } from './flagger.ts';

/** An operator that owns a workload. */
export interface RolloutOwner {
  readonly operator: 'flagger' | 'argo-rollouts';
  /** Its object: a Canary or a Rollout. */
  readonly ref: ObjectRef;
  /** What the pods are made from: a Deployment, a DaemonSet, or the Rollout itself. */
  readonly workload: ObjectRef;
}

/**
 * Who owns one of the workloads, among what the chart renders (`rendered`) and what stands in the namespace. The first of several workloads that has an owner decides.
 * Fails as the cluster does (`KUBE_*`).
 */
export async function findRolloutOwner(cluster: Pick<Cluster, 'serves' | 'list'>, workloads: readonly KubeObject[], rendered: readonly KubeObject[]): Promise<RolloutOwner | undefined> {
  const own = workloads.find(isArgoRollout);
  if (own !== undefined) return { operator: 'argo-rollouts', ref: refTo(own), workload: refTo(own) };
  for (const [operator, kind, target] of operators) {
    const found = [...rendered.filter((object) => object.apiVersion === kind.apiVersion && object.kind === kind.kind), ...((await cluster.serves(kind)) ? (await cluster.list(kind)).items : [])];
    for (const object of found) {
      const workload = workloads.find(({ kind: name, metadata }) => name === textOf(object, 'spec', target, 'kind') && metadata.name === textOf(object, 'spec', target, 'name'));
      if (workload !== undefined) return { operator, ref: refTo(object), workload: refTo(workload) };
    }
  }
  return undefined;
}

/** Whether it is a Rollout of Argo. */
export function isArgoRollout({ apiVersion, kind }: KubeObject): boolean {
  return apiVersion === argoRollout.apiVersion && kind === argoRollout.kind;
}

const operators = [['flagger', flaggerCanary, 'targetRef'], ['argo-rollouts', argoRollout, 'workloadRef']] as const;

const refTo = ({ apiVersion, kind, metadata }: KubeObject): ObjectRef => ({ apiVersion, kind, name: metadata.name });
