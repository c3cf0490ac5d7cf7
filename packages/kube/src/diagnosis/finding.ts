// SPDX-License-Identifier: Apache-2.0
// What a diagnosis says, and what it is made from.
import type { KubeObject } from '../client/object.ts';

/** Stable names of causes, for machines and for docs. */
export type DiagnosisCode =
  | 'IMAGE_PULL_DENIED' | 'IMAGE_NOT_FOUND' | 'IMAGE_QUARANTINED' | 'IMAGE_REGISTRY_UNREACHABLE' | 'IMAGE_PLATFORM' | 'IMAGE_NAME_INVALID' | 'IMAGE_PULL_FAILED'
  | 'CONFIG_MISSING' | 'CONTAINER_CREATE_FAILED' | 'CONTAINER_START_FAILED'
  | 'CRASH_OUT_OF_MEMORY' | 'CRASH_ENTRYPOINT' | 'CRASH_SEGFAULT' | 'CRASH_LIVENESS' | 'CRASH_SIGNAL' | 'CRASH_EXIT' | 'POD_EVICTED'
  | 'NOT_READY' | 'UNSCHEDULABLE' | 'VOLUME_NOT_MOUNTED' | 'QUOTA_EXCEEDED' | 'POD_SECURITY' | 'ADMISSION_DENIED' | 'PODS_NOT_CREATED'
  | 'ROUTE_NOT_ACCEPTED' | 'ROUTE_REFERENCE_BROKEN' | 'NO_ENDPOINTS' | 'JOB_FAILED';

/** One cause. */
export interface DiagnosisFinding {
  readonly code: DiagnosisCode;
  /** `Pod web/shop-canary-abc, container web`. */
  readonly object: string;
  /** One sentence in the user's terms. */
  readonly cause: string;
  /** What Kubernetes said, redacted; the log's last lines where there are any. */
  readonly evidence: readonly string[];
  /** What to do, with the exact command or line where there is one. */
  readonly mend: string;
}

/** What was read from the cluster. */
export interface DiagnosisInput {
  /** Pods, ReplicaSets, Deployments, Jobs, HTTPRoutes. */
  readonly objects: readonly KubeObject[];
  readonly events: readonly KubeObject[];
  /** Services that should take traffic, with the number of their ready addresses. */
  readonly endpoints?: readonly { readonly service: string; readonly ready: number }[];
  /** Ends of logs by `POD/CONTAINER`, of the container that ended where there is one. */
  readonly logs?: Readonly<Record<string, string>>;
}

/** How it is told. */
export interface DiagnosisOptions {
  /** The role assignment that lets the cluster pull this image, as the registry's client knows it. */
  readonly pullHint?: (image: { readonly registry: string; readonly repository: string }) => string;
  /** Values that must not be shown, for example those of the chart's Secrets. Under 6 characters are not looked for. */
  readonly secrets?: readonly string[];
}
