// SPDX-License-Identifier: Apache-2.0
// Splits traffic by giving pods of the arms the labels that stable's Service selects by. A pod that replaces one is born without them, and gets none by accident.
import { Failure } from '@pratique/core';
import type { Cluster, PatchOperation } from '../client/cluster.ts';
import { kinds, listOf, refOf, textOf, type KubeObject } from '../client/object.ts';
import type { Arm } from '../judge/slot.ts';
import { stateOf } from '../readiness/object-state.ts';
import { armLabels, type ArmWorkload } from '../workload/arm.ts';
import { routeManager } from './http-route-plan.ts';
import { admitOperations, dismissOperations, hasTraffic, planPods, podsFor, type PodSplit } from './pod-plan.ts';
import type { TrafficSplit } from './split.ts';

type Api = Pick<Cluster, 'list' | 'patch'>;

/** Plans the split of what `service` serves. Fails with `WORKLOAD_INVALID`. */
export function openPods(cluster: Api, service: KubeObject, options: { readonly arms: readonly ArmWorkload[]; readonly stablePods: number }): TrafficSplit {
  return resumePods(cluster, planPods(service, options));
}

/** Looks at the pods of a shift or a restoration while they come and go. */
const tries = 6;

/** A split that an earlier run planned, as its journal has it. */
export function resumePods(cluster: Api, plan: PodSplit): TrafficSplit {
  const podsOf = async (more = ''): Promise<readonly KubeObject[]> => (await cluster.list({ ...kinds.pod, namespace: plan.namespace, labelSelector: `${plan.pods}${more}` })).items;
  const repeat = async (look: () => Promise<readonly PodChange[]>): Promise<void> => {
    for (let attempt = 1; attempt <= tries; attempt += 1) if (await patchAll(cluster, await look())) return;
    throw new Failure({ code: 'ROUTE_CHANGED', message: `pods of the canary in ${plan.namespace} come and go faster than their labels can be changed`, hint: `kubectl get pods --selector ${plan.pods} --show-labels` });
  };
  const give = (arm: Arm, wanted: number): Promise<void> => repeat(async () => {
    const ready = (await podsOf(`,${armLabels.arm}=${arm}`)).filter((pod) => stateOf(pod).state === 'ready');
    const [serving, waiting] = [ready.filter((pod) => hasTraffic(pod, plan)), ready.filter((pod) => !hasTraffic(pod, plan))];
    if (ready.length < wanted) throw new Failure({ code: 'CANARY_NOT_READY', message: `the ${arm} has ${ready.length} ready pods, and its share needs ${wanted}`, hint: `kubectl get pods --selector ${plan.pods}` });
    return [...waiting.slice(0, Math.max(0, wanted - serving.length)).map((pod) => ({ pod, operations: admitOperations(pod, plan) })), ...serving.slice(wanted).map((pod) => ({ pod, operations: dismissOperations(pod, plan) }))];
  });
  return {
    plan,
    // Pods are born without traffic: there is nothing to attach.
    attach: () => Promise.resolve(),
    async shift(_from, to) {
      const pods = podsFor(plan.stablePods, to);
      await Promise.all([give('baseline', pods), give('canary', pods)]);
    },
    async restore() {
      await repeat(async () => (await podsOf()).map((pod) => ({ pod, operations: dismissOperations(pod, plan) })).filter(({ operations }) => operations.length > 0));
      return [];
    },
    async isSettled() {
      const [slices, pods] = await Promise.all([cluster.list({ ...kinds.endpointSlice, namespace: plan.namespace, labelSelector: `kubernetes.io/service-name=${plan.service}` }), podsOf()]);
      const listed = new Set(slices.items.flatMap((slice) => listOf(slice, 'endpoints')).map((endpoint) => textOf(endpoint, 'targetRef', 'name')));
      return pods.every((pod) => listed.has(pod.metadata.name) === hasTraffic(pod, plan));
    },
  };
}

interface PodChange {
  readonly pod: KubeObject;
  readonly operations: readonly PatchOperation[];
}

/** Whether all was done: a pod that is gone, or another by now, needs a new look. */
async function patchAll(cluster: Api, changes: readonly PodChange[]): Promise<boolean> {
  const done = await Promise.all(changes.map(async ({ pod, operations }) => {
    try {
      await cluster.patch(refOf(pod), operations, { manager: routeManager });
      return true;
    } catch (thrown) {
      if (thrown instanceof Failure && (thrown.code === 'KUBE_NOT_FOUND' || thrown.code === 'KUBE_CONFLICT')) return false;
      throw thrown;
    }
  }));
  return done.every(Boolean);
}
