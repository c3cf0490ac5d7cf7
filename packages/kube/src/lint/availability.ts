// SPDX-License-Identifier: Apache-2.0
// Whether a workload stays up: while it starts, while it is updated, while nodes are drained, under load.
import { canonicalJson, isJsonObject, type JsonObject } from '@pratique/core';
import { fieldOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import { selectorOf, selects } from '../workload/selector.ts';
import { isServing, nameContainer, nameWorkload, type ChartFinding, type PodTemplate } from './pod-template.ts';

type Found = Omit<ChartFinding, 'object'>;

/** Everything about one workload. */
export function lintAvailability(pod: PodTemplate, objects: readonly KubeObject[]): readonly ChartFinding[] {
  const containers = pod.running.flatMap((container) => [...resources(container), ...(isServing(pod) ? probes(pod, container, objects) : [])].map((found) => ({ ...found, object: nameContainer(pod, container) })));
  if (!isServing(pod)) return containers;
  return [...containers, ...[...disruption(pod, objects), ...update(pod)].map((found) => ({ ...found, object: nameWorkload(pod.workload) }))];
}

// No rule asks for a CPU limit: it throttles a program that could use idle cores, and requests already share them fairly.
function resources(container: JsonObject): readonly Found[] {
  const has = (kind: 'requests' | 'limits', what: string): boolean => fieldOf(container, 'resources', kind, what) !== undefined;
  const missing = ['cpu', 'memory'].filter((what) => !has('requests', what) && !has('limits', what));
  return [
    ...(missing.length === 0 ? [] : [{ code: 'REQUESTS_MISSING', problem: `it requests no ${missing.join(' and no ')}: the scheduler takes it for free`, mend: 'resources: { requests: { cpu: 100m, memory: 128Mi } }' } as const]),
    ...(has('limits', 'memory') ? [] : [{ code: 'MEMORY_LIMIT_MISSING', problem: 'it may use all memory of its node, and others are killed for it', mend: 'resources: { limits: { memory: 256Mi } }' } as const]),
  ];
}

function probes(pod: PodTemplate, container: JsonObject, objects: readonly KubeObject[]): readonly Found[] {
  const readiness = fieldOf(container, 'readinessProbe');
  const liveness = fieldOf(container, 'livenessProbe');
  // Of several containers any one's probe keeps the pod out of the Service until the program answers.
  const judged = pod.running.some((other) => isJsonObject(fieldOf(other, 'readinessProbe')));
  const served = objects.some((object) => object.kind === 'Service' && selects(selectorOf(object) ?? { matchExpressions: [{ operator: 'none' }] }, pod.labels));
  return [
    ...(judged || !served ? [] : [{ code: 'READINESS_PROBE_MISSING', problem: 'it gets traffic before it can answer, and nobody sees when it cannot any more', mend: 'readinessProbe: { httpGet: { path: /healthz, port: http } }' } as const]),
    ...(!isJsonObject(liveness) || !isJsonObject(readiness) || harshness(liveness) !== harshness(readiness) ? [] : [{
      code: 'LIVENESS_PROBE_HARSH', problem: 'its liveness probe is its readiness probe: under load it is restarted instead of spared', mend: 'livenessProbe: { failureThreshold: 10 }, or a path that asks nobody else',
    } as const]),
  ];
}

/** What is asked, and how often it may fail. */
function harshness(probe: JsonObject): string {
  const { httpGet, tcpSocket, grpc, exec } = probe;
  return canonicalJson({ ask: [httpGet, tcpSocket, grpc, exec].map((way) => way ?? null), patience: (numberOf(probe, 'failureThreshold') ?? 3) * (numberOf(probe, 'periodSeconds') ?? 10) });
}

function disruption({ labels, replicas }: PodTemplate, objects: readonly KubeObject[]): readonly Found[] {
  const budget = objects.find((object) => object.kind === 'PodDisruptionBudget' && selects(selectorOf(object) ?? { matchExpressions: [{ operator: 'none' }] }, labels));
  if (replicas === 1) return [{ code: 'SINGLE_REPLICA', problem: 'one pod: each drain of its node interrupts it', mend: 'replicas: 2' }];
  if (replicas === 0) return [];
  if (budget === undefined) return [{ code: 'DISRUPTION_BUDGET_MISSING', problem: 'a drain may take all its pods at once', mend: 'A PodDisruptionBudget with maxUnavailable: 1 that selects its pods' }];
  const least = fieldOf(budget, 'spec', 'minAvailable');
  const most = fieldOf(budget, 'spec', 'maxUnavailable');
  const blocks = most === 0 || most === '0%' || least === '100%' || (typeof least === 'number' && replicas !== undefined && least >= replicas);
  return blocks ? [{ code: 'DISRUPTION_BUDGET_BLOCKS', problem: `PodDisruptionBudget ${budget.metadata.name} lets no pod go: nodes cannot be drained, upgrades of the cluster hang`, mend: 'maxUnavailable: 1' }] : [];
}

function update({ workload, replicas }: PodTemplate): readonly Found[] {
  const recreates = textOf(workload, 'spec', 'strategy', 'type') === 'Recreate';
  const most = fieldOf(workload, 'spec', 'strategy', 'rollingUpdate', 'maxUnavailable');
  const all = most === '100%' || (typeof most === 'number' && replicas !== undefined && replicas > 0 && most >= replicas);
  if (!recreates && !all) return [];
  return [{ code: 'UPDATE_INTERRUPTS', problem: recreates ? 'its old pods end before new ones start (Recreate)' : 'an update may end all its pods at once', mend: 'strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }' }];
}
