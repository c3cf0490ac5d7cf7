// SPDX-License-Identifier: Apache-2.0
// Whether an object is what it should be: the rules of kstatus (fluxcd/cli-utils pkg/kstatus/status/core.go), and beyond them routes and endpoints.
import { fieldOf, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';

/** Where an object stands, and what it waits for or why it failed. */
export interface ObjectState {
  readonly state: 'ready' | 'waiting' | 'failed';
  readonly message: string;
}

const ready: ObjectState = { state: 'ready', message: '' };
const waiting = (message: string): ObjectState => ({ state: 'waiting', message });
const failed = (message: string): ObjectState => ({ state: 'failed', message });

/** The condition of a type: its status, reason and message; empty texts when there is none. */
export function conditionOf(object: unknown, type: string): { readonly status: string; readonly reason: string; readonly message: string } {
  const found = listOf(object, 'status', 'conditions').find((condition) => condition['type'] === type);
  return { status: textOf(found, 'status'), reason: textOf(found, 'reason'), message: textOf(found, 'message') };
}

/** Judges one object as it was read. Kinds without rules of their own are ready unless a condition `Ready`, `Reconciling` or `Stalled` says otherwise. */
export function stateOf(object: KubeObject): ObjectState {
  if (object.metadata.deletionTimestamp !== undefined) return waiting('it is being deleted');
  const observed = numberOf(object, 'status', 'observedGeneration');
  // Controllers that have not seen the newest specification speak of an older one.
  if (observed !== undefined && object.metadata.generation !== undefined && observed < object.metadata.generation) return waiting('its controller has not seen the change yet');
  const rule = rules[object.kind];
  return rule === undefined ? genericState(object) : rule(object);
}

const count = (object: unknown, key: string): number => numberOf(object, 'status', key) ?? 0;

const rules: Readonly<Record<string, (object: KubeObject) => ObjectState>> = {
  Deployment(object) {
    const progressing = conditionOf(object, 'Progressing');
    if (progressing.reason === 'ProgressDeadlineExceeded') return failed(`its progress deadline is over: ${progressing.message}`);
    if (numberOf(object, 'status', 'observedGeneration') === undefined) return waiting('its controller has not seen it yet');
    const wanted = numberOf(object, 'spec', 'replicas') ?? 1;
    const failure = conditionOf(object, 'ReplicaFailure');
    if (failure.status === 'True') return waiting(`pods cannot be created: ${failure.message}`);
    return countPods(object, { wanted, updated: 'updatedReplicas', available: 'availableReplicas', all: 'replicas' });
  },
  StatefulSet(object) {
    if (numberOf(object, 'status', 'observedGeneration') === undefined) return waiting('its controller has not seen it yet');
    if (textOf(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return ready;
    const wanted = numberOf(object, 'spec', 'replicas') ?? 1;
    const partition = numberOf(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
    if (count(object, 'readyReplicas') < wanted) return waiting(`${count(object, 'readyReplicas')} of ${wanted} pods are ready`);
    if (count(object, 'updatedReplicas') < wanted - partition) return waiting(`${count(object, 'updatedReplicas')} of ${wanted - partition} pods are updated`);
    return partition === 0 && textOf(object, 'status', 'currentRevision') !== textOf(object, 'status', 'updateRevision') ? waiting('the new revision is not current yet') : ready;
  },
  DaemonSet(object) {
    if (numberOf(object, 'status', 'observedGeneration') === undefined) return waiting('its controller has not seen it yet');
    return countPods(object, { wanted: count(object, 'desiredNumberScheduled'), updated: 'updatedNumberScheduled', available: 'numberAvailable', all: 'desiredNumberScheduled' });
  },
  Pod(object) {
    const phase = textOf(object, 'status', 'phase');
    if (phase === 'Succeeded') return ready;
    if (phase === 'Failed') return failed(textOf(object, 'status', 'message') || textOf(object, 'status', 'reason') || 'the pod failed');
    const condition = conditionOf(object, 'Ready');
    return condition.status === 'True' ? ready : waiting(condition.message || `the pod is ${phase || 'not seen yet'}`);
  },
  Job(object) {
    const failure = conditionOf(object, 'Failed');
    if (failure.status === 'True') return failed(`${failure.reason}: ${failure.message}`);
    return conditionOf(object, 'Complete').status === 'True' ? ready : waiting(`${count(object, 'active')} pods are at work`);
  },
  HTTPRoute: routeState,
  PersistentVolumeClaim: (object) => (textOf(object, 'status', 'phase') === 'Bound' ? ready : waiting('it is not bound')),
  Namespace: (object) => (textOf(object, 'status', 'phase') === 'Active' ? ready : waiting('it is not active')),
};

interface PodCounts {
  readonly wanted: number;
  readonly updated: string;
  readonly available: string;
  readonly all: string;
}

function countPods(object: KubeObject, { wanted, updated, available, all }: PodCounts): ObjectState {
  if (count(object, updated) < wanted) return waiting(`${count(object, updated)} of ${wanted} pods are updated`);
  if (count(object, all) > count(object, updated)) return waiting(`${count(object, all) - count(object, updated)} old pods are still there`);
  if (count(object, available) < wanted) return waiting(`${count(object, available)} of ${wanted} pods are available`);
  return ready;
}

/** Every parent must have accepted the route and resolved its references, as of the newest generation. */
function routeState(object: KubeObject): ObjectState {
  const parents = listOf(object, 'status', 'parents');
  if (parents.length === 0) return waiting('no gateway has taken it up');
  for (const parent of parents) {
    const name = textOf(parent, 'parentRef', 'name');
    for (const type of ['Accepted', 'ResolvedRefs']) {
      const condition = listOf(parent, 'conditions').find((entry) => entry['type'] === type);
      if (condition === undefined || (numberOf(condition, 'observedGeneration') ?? 0) < (object.metadata.generation ?? 0)) return waiting(`the gateway ${name} has not looked at it since it was changed`);
      if (condition['status'] !== 'True') return waiting(`the gateway ${name}: ${type} is ${textOf(condition, 'status')} (${textOf(condition, 'reason')}): ${textOf(condition, 'message')}`);
    }
  }
  return ready;
}

function genericState(object: KubeObject): ObjectState {
  const stalled = conditionOf(object, 'Stalled');
  if (stalled.status === 'True') return failed(stalled.message);
  const reconciling = conditionOf(object, 'Reconciling');
  if (reconciling.status === 'True') return waiting(reconciling.message);
  const condition = conditionOf(object, 'Ready');
  return condition.status === '' || condition.status === 'True' ? ready : waiting(condition.message || 'it is not ready');
}

/** How many addresses of a Service can take traffic, over all its slices; one address in two slices counts once. */
export function countReadyEndpoints(slices: readonly KubeObject[]): number {
  const addresses = slices.flatMap((slice) => listOf(slice, 'endpoints')).filter((endpoint) => fieldOf(endpoint, 'conditions', 'ready') !== false).map((endpoint) => fieldOf(endpoint, 'addresses', 0));
  return new Set(addresses.filter((address) => typeof address === 'string')).size;
}
