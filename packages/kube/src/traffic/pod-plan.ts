// SPDX-License-Identifier: Apache-2.0
// A split by numbers of pods: how many of each arm come closest to the share that was asked, which share that honestly is, and by which labels they get it.
import { Failure } from '@pratique/core';
import type { PatchOperation } from '../client/cluster.ts';
import { textMapOf, type KubeObject } from '../client/object.ts';
import { armLabels, type ArmWorkload } from '../workload/arm.ts';
import type { SplitManner } from './manner.ts';
import type { Weights } from './weights.ts';

/** What a split by pods rests on; JSON, for the journal. */
export interface PodSplit {
  readonly kind: 'replicas';
  readonly namespace: string;
  /** That of stable. */
  readonly service: string;
  /** Selects the pods of all arms of the release. */
  readonly pods: string;
  /** What the Service of stable selects by, and the pods of the arms do not have by themselves. */
  readonly labels: Readonly<Record<string, string>>;
  /** Ready pods of stable when it was planned. */
  readonly stablePods: number;
}

/** What becomes of one step. */
export interface PodStep {
  readonly asked: number;
  /** Of each arm. */
  readonly pods: number;
  readonly weights: Weights;
  /** `10 % asked: 1 of 6 pods each, 16.7 %`. */
  readonly words: string;
}

/** What `pods` of each arm get beside `stable` ready pods: connections go to each pod alike. */
export function podWeights(stable: number, pods: number): Weights {
  const share = (100 * pods) / (stable + 2 * pods);
  return { stable: 100 - 2 * share, baseline: share, canary: share };
}

/** Pods of each arm for these weights. */
export function podsFor(stable: number, { stable: rest, canary }: Weights): number {
  return Math.round((stable * canary) / rest);
}

/**
 * The least wrong number of pods for each step, at least one and at most as many as stable has: then each of the three has a third.
 * Fails with `INPUT_INVALID` when a step asks for more.
 */
export function planPodSteps(stable: number, steps: readonly { readonly weight: number }[]): readonly PodStep[] {
  if (stable < 1) throw new Failure({ code: 'CANARY_NOT_READY', message: 'stable has no ready pod: there is nothing to share the traffic with', hint: 'kubectl get pods' });
  const most = steps.find(({ weight }) => weight > 100 / 3);
  if (most !== undefined) {
    throw new Failure({
      code: 'INPUT_INVALID', message: `input steps: ${most.weight} % cannot be had with split: replicas, where canary and baseline get at most as many pods as stable has (${stable}), and with that 33.3 % each`,
      hint: 'End with a step of 33 % or less, for example the lines "10% 60s" and "33% 120s"; or split by a route.',
    });
  }
  return steps.map(({ weight }) => {
    const wrong = (pods: number): number => Math.abs(podWeights(stable, pods).canary - weight);
    const least = Math.max(1, Math.floor((stable * weight) / (100 - 2 * weight)));
    const pods = least < stable && wrong(least + 1) < wrong(least) ? least + 1 : least;
    const weights = podWeights(stable, pods);
    return { asked: weight, pods, weights, words: `${weight} % asked: ${pods} of ${stable + 2 * pods} pods each, ${weights.canary.toFixed(1)} %` };
  });
}

/** The manner of these steps. */
export function podManner(steps: readonly PodStep[]): SplitManner {
  return { weights: (share) => steps.find(({ asked }) => asked === share)?.weights ?? podWeights(1, 0), rival: 'baseline', exact: false };
}

/** Plans a split of the traffic of `service`. Fails with `WORKLOAD_INVALID` when pods of the arms have, or contradict, what it selects by. */
export function planPods(service: KubeObject, { arms, stablePods }: { readonly arms: readonly ArmWorkload[]; readonly stablePods: number }): PodSplit {
  const selector = textMapOf(service, 'spec', 'selector');
  const missing = Object.entries(selector).filter(([key, value]) => !arms.every(({ podLabels }) => podLabels[key] === value));
  const contradiction = missing.find(([key]) => arms.some(({ podLabels }) => podLabels[key] !== undefined));
  if (missing.length === 0 || contradiction !== undefined) {
    throw new Failure({
      code: 'WORKLOAD_INVALID', message: `pods of canary and baseline have the label ${contradiction?.[0] ?? Object.keys(selector)[0] ?? ''} by which the Service "${service.metadata.name}" selects: they cannot be given traffic one by one`,
      hint: 'Let the Service of the chart select by the same labels as the Service in the cluster.',
    });
  }
  const release = arms[0]?.podLabels[armLabels.release] ?? '';
  return { kind: 'replicas', namespace: service.metadata.namespace ?? '', service: service.metadata.name, pods: `${armLabels.release}=${release}`, labels: Object.fromEntries(missing), stablePods };
}

/** Whether the Service of stable selects the pod. */
export function hasTraffic(pod: KubeObject, { labels }: PodSplit): boolean {
  return Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

/** Labels a pod so that it gets traffic. Holds only while it is that pod. */
export function admitOperations(pod: KubeObject, { labels }: PodSplit): PatchOperation[] {
  return [samePod(pod), ...Object.entries(labels).map(([key, value]) => ({ op: 'add', path: pathOf(key), value } as const))];
}

/** Takes the labels off; empty when it has none of them. */
export function dismissOperations(pod: KubeObject, { labels }: PodSplit): PatchOperation[] {
  const present = Object.keys(labels).filter((key) => pod.metadata.labels?.[key] !== undefined);
  return present.length === 0 ? [] : [samePod(pod), ...present.map((key) => ({ op: 'remove', path: pathOf(key) } as const))];
}

const samePod = (pod: KubeObject): PatchOperation => ({ op: 'test', path: '/metadata/uid', value: pod.metadata.uid });
const pathOf = (key: string): string => `/metadata/labels/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** Longest name of a Deployment whose pods bear it whole: the server cuts generated names at 63 characters (58 before the last five). */
const longestName = 46;

/** The pods of a Deployment as a regular expression for metrics, which are matched whole. It matches no pod of a Deployment of another name. Fails with `WORKLOAD_INVALID`. */
export function podNames(deployment: string): string {
  if (deployment.length <= longestName) return `${deployment.replaceAll('.', '[.]')}-[a-z0-9]+-[a-z0-9]+`;
  throw new Failure({ code: 'WORKLOAD_INVALID', message: `the name of the Deployment ${deployment} is longer than ${longestName} characters, so that the names of its pods are cut off and metrics cannot tell them by it`, hint: 'Give the release a shorter name, or count by $service.' });
}
