// SPDX-License-Identifier: Apache-2.0
// Signs that waiting will not help. Each is told at once, not after the timeout.
import { isDenial } from '../client/failure.ts';
import { formatObject, listOf, textOf, type KubeObject } from '../client/object.ts';
import { conditionOf } from './object-state.ts';

/** A sign, on which object. */
export interface FatalSign {
  readonly object: string;
  /** Reason as Kubernetes calls it: `InvalidImageName`, `CrashLoopBackOff`. */
  readonly reason: string;
  readonly message: string;
}

/** How often a pull was seen to fail for good, by container of a pod. */
export interface PullHistory {
  readonly tries: ReadonlyMap<string, { readonly count: number; readonly waiting: string }>;
}

/** No pull seen yet. */
export const noPulls: PullHistory = { tries: new Map() };

/** A pull that the registry refused, or that cannot ever fit: repeated once, since a role assignment or a copy may just be on its way. */
const hopelessPull = /\b40[134]\b|unauthorized|authentication required|denied|forbidden|not found|manifest unknown|no match for platform|no matching manifest|does not match the specified platform/i;
const atOnce = new Set(['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
/** The kubelet has not seen a ConfigMap or Secret yet that is there; it tries again by itself (kubernetes/kubernetes, pkg/kubelet/util/manager). */
const notSeenYet = /failed to sync (?:configmap|secret) cache/;
const pullTries = 2;

/** Adds what `pods` show of pulls. A try is counted when a container goes (back) to ErrImagePull. */
export function notePulls(history: PullHistory, pods: readonly KubeObject[]): PullHistory {
  const tries = new Map(history.tries);
  for (const { key, reason, message } of pods.flatMap(waitingContainers)) {
    const before = tries.get(key);
    if (reason === 'ErrImagePull' && before?.waiting !== 'ErrImagePull') tries.set(key, { count: (before?.count ?? 0) + (hopelessPull.test(message) ? 1 : 0), waiting: reason });
    // When the first try was over before anybody looked, the back-off stands for it.
    else if (reason === 'ImagePullBackOff') tries.set(key, { count: before?.count ?? (hopelessPull.test(message) ? 1 : 0), waiting: reason });
  }
  return { tries };
}

/** The first fatal sign among pods and their owners, or `undefined`. */
export function findFatalSign(objects: readonly KubeObject[], history: PullHistory): FatalSign | undefined {
  for (const object of objects) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const sign = object.kind === 'Pod' ? podSign(object, history) : ownerSign(object);
    if (sign !== undefined) return { object: formatObject(object), ...sign };
  }
  return undefined;
}

type Sign = Omit<FatalSign, 'object'>;

function podSign(pod: KubeObject, history: PullHistory): Sign | undefined {
  for (const { key, reason, message } of waitingContainers(pod)) {
    if ((atOnce.has(reason) && !notSeenYet.test(message)) || reason === 'CrashLoopBackOff') return { reason, message };
    if (/^(?:ErrImagePull|ImagePullBackOff)$/.test(reason) && (history.tries.get(key)?.count ?? 0) >= pullTries) return { reason, message };
  }
  return textOf(pod, 'status', 'phase') === 'Failed' ? { reason: textOf(pod, 'status', 'reason') || 'Failed', message: textOf(pod, 'status', 'message') } : undefined;
}

function ownerSign(object: KubeObject): Sign | undefined {
  const refused = conditionOf(object, 'ReplicaFailure');
  if (refused.status === 'True' && isDenial(refused.message)) return { reason: refused.reason, message: refused.message };
  const progressing = conditionOf(object, 'Progressing');
  if (progressing.reason === 'ProgressDeadlineExceeded') return { reason: progressing.reason, message: progressing.message };
  const job = object.kind === 'Job' ? conditionOf(object, 'Failed') : undefined;
  return job?.status === 'True' ? { reason: job.reason, message: job.message } : undefined;
}

function waitingContainers(pod: KubeObject): { key: string; reason: string; message: string }[] {
  return ['initContainerStatuses', 'containerStatuses'].flatMap((list) => listOf(pod, 'status', list)).map((status) => ({
    key: `${pod.metadata.uid ?? pod.metadata.name}/${textOf(status, 'name')}`, reason: textOf(status, 'state', 'waiting', 'reason'), message: textOf(status, 'state', 'waiting', 'message'),
  })).filter(({ reason }) => reason !== '');
}
