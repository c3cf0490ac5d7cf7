// SPDX-License-Identifier: Apache-2.0
// The pods that a manifest would make, and what is common to their containers.
import type { ChartFindingCode, JsonObject } from '@pratique/core';
import { fieldOf, formatObject, listOf, numberOf, textMapOf, textOf, type KubeObject } from '../client/object.ts';

/** One thing that is wrong. */
export interface ChartFinding {
  readonly code: ChartFindingCode;
  /** `Deployment shop, container web`. */
  readonly object: string;
  readonly problem: string;
  /** The lines of the manifest that mend it. */
  readonly mend: string;
}

/** The pods of one workload. */
export interface PodTemplate {
  readonly workload: KubeObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: unknown;
  /** Those that run as long as the pod; init containers with `restartPolicy: Always` among them. */
  readonly running: readonly JsonObject[];
  readonly initial: readonly JsonObject[];
  /** Pods that the chart asks for; `undefined` when an autoscaler decides, or one on each node. */
  readonly replicas: number | undefined;
}

const places: Readonly<Record<string, readonly string[]>> = {
  'apps/v1 Deployment': ['spec', 'template'], 'apps/v1 StatefulSet': ['spec', 'template'], 'apps/v1 DaemonSet': ['spec', 'template'], 'batch/v1 Job': ['spec', 'template'], 'batch/v1 CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Every pod template of a manifest. */
export function podTemplatesOf(objects: readonly KubeObject[]): readonly PodTemplate[] {
  return objects.flatMap((workload) => {
    const place = places[`${workload.apiVersion} ${workload.kind}`];
    if (place === undefined) return [];
    const spec = fieldOf(workload, ...place, 'spec');
    const initial = listOf(spec, 'initContainers');
    return [{
      workload, spec, labels: textMapOf(workload, ...place, 'metadata', 'labels'), initial: initial.filter((container) => !isSidecar(container)),
      running: [...initial.filter(isSidecar), ...listOf(spec, 'containers')], replicas: replicasOf(objects, workload),
    }];
  });
}

/** Whether it serves: pods of jobs come and go. */
export function isServing({ workload }: PodTemplate): boolean {
  return workload.apiVersion === 'apps/v1';
}

/** `Deployment shop, container web`. */
export function nameContainer({ workload }: PodTemplate, container: JsonObject): string {
  return `${nameWorkload(workload)}, container ${textOf(container, 'name')}`;
}

/** `Deployment shop`. */
export function nameWorkload({ kind, metadata: { name } }: KubeObject): string {
  return formatObject({ kind, metadata: { name } });
}

/** A member of the container's security context, else the pod's. */
export function securityOf({ spec }: PodTemplate, container: JsonObject, ...path: readonly string[]): unknown {
  return fieldOf(container, 'securityContext', ...path) ?? fieldOf(spec, 'securityContext', ...path);
}

// https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
function isSidecar(container: JsonObject): boolean {
  return container['restartPolicy'] === 'Always';
}

function replicasOf(objects: readonly KubeObject[], { apiVersion, kind, metadata, spec }: KubeObject): number | undefined {
  if (apiVersion !== 'apps/v1' || kind === 'DaemonSet') return undefined;
  const scaled = objects.some((object) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(object.kind) && textOf(object, 'spec', 'scaleTargetRef', 'name') === metadata.name);
  return scaled ? undefined : (numberOf(spec, 'replicas') ?? 1);
}
