// SPDX-License-Identifier: Apache-2.0
// Reads what a diagnosis needs: few calls, all bounded. What cannot be read is left out, since a diagnosis must not fail on top of a failure.
import { Failure, mapConcurrently } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { kinds, listOf, textOf, type KubeObject, type ObjectQuery, type ObjectRef } from '../client/object.ts';
import { countReadyEndpoints } from '../readiness/object-state.ts';
import type { DiagnosisInput } from './finding.ts';

/** What is looked at. */
export interface GatherOptions {
  /** Pods and their ReplicaSets, by label selector. */
  readonly selector: string;
  /** Deployments, Jobs, HTTPRoutes. */
  readonly objects: readonly ObjectRef[];
  /** Services that should take traffic. */
  readonly services?: readonly string[];
  readonly namespace?: string;
}

const mostLogs = 5;

/** Reads it, and says what could not be read. */
export async function gatherDiagnosis(cluster: Cluster, options: GatherOptions): Promise<DiagnosisInput & { readonly unread: readonly string[] }> {
  const place = options.namespace === undefined ? {} : { namespace: options.namespace };
  const unread: string[] = [];
  const read = async <T>(what: string, call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call();
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code === 'CANCELLED') throw thrown;
      unread.push(`${what}: ${thrown.message}`);
      return undefined;
    }
  };
  const list = async (query: ObjectQuery): Promise<readonly KubeObject[]> => (await read(query.kind, () => cluster.list({ ...place, ...query })))?.items ?? [];
  const [pods, replicaSets, events] = await Promise.all([list({ ...kinds.pod, labelSelector: options.selector }), list({ ...kinds.replicaSet, labelSelector: options.selector }), list(kinds.event)]);
  const named = await Promise.all(options.objects.map((ref) => read(`${ref.kind} ${ref.name}`, () => cluster.get({ ...place, ...ref }))));
  const endpoints = await Promise.all((options.services ?? []).map(async (service) => ({ service, ready: countReadyEndpoints(await list({ ...kinds.endpointSlice, labelSelector: `kubernetes.io/service-name=${service}` })) })));
  const troubled = pods.flatMap((pod) => ['initContainerStatuses', 'containerStatuses'].flatMap((key) => listOf(pod, 'status', key)).filter((status) => status['ready'] !== true && status['started'] !== undefined).map((status) => ({ pod: pod.metadata.name, container: textOf(status, 'name'), previous: textOf(status, 'lastState', 'terminated', 'reason') !== '' }))).slice(0, mostLogs);
  const logOf = async (at: (typeof troubled)[number]): Promise<string> => (await read(`log of ${at.pod}`, () => cluster.readLog({ ...place, ...at, lines: 30 }))) ?? '';
  // A container that has just ended may have started again since the pods were read.
  const logs = await mapConcurrently(troubled, 3, async (at) => [`${at.pod}/${at.container}`, (await logOf(at)) || (at.previous ? '' : await logOf({ ...at, previous: true }))] as const);
  return { objects: [...named.filter((object) => object !== undefined), ...replicaSets, ...pods], events, endpoints, logs: Object.fromEntries(logs), unread };
}
