// SPDX-License-Identifier: Apache-2.0
// Kubernetes objects as JSON, and reading of what is in them without trusting its shape.
import { isJsonObject, type JsonObject } from '@pratique/core';

/** An object of the API. Members beyond these are read with `fieldOf` and its kin. */
export interface KubeObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** `metadata` of an object. */
export interface ObjectMeta extends JsonObject {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Group, version and kind. */
export interface ObjectKind {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
}

/** One object by name. */
export interface ObjectRef extends ObjectKind {
  readonly name: string;
  /** Default: the namespace of the cluster connection. Ignored for cluster-scoped kinds. */
  readonly namespace?: string;
}

/** Which objects of a kind. */
export interface ObjectQuery extends ObjectKind {
  /** Default: the namespace of the connection. `'*'` for all. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** A whole list, and from which version of the collection it is. */
export interface ObjectList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

/** Kinds that this package works with. */
export const kinds = {
  pod: { apiVersion: 'v1', kind: 'Pod' }, service: { apiVersion: 'v1', kind: 'Service' }, event: { apiVersion: 'v1', kind: 'Event' },
  configMap: { apiVersion: 'v1', kind: 'ConfigMap' }, secret: { apiVersion: 'v1', kind: 'Secret' }, namespace: { apiVersion: 'v1', kind: 'Namespace' },
  resourceQuota: { apiVersion: 'v1', kind: 'ResourceQuota' }, deployment: { apiVersion: 'apps/v1', kind: 'Deployment' },
  replicaSet: { apiVersion: 'apps/v1', kind: 'ReplicaSet' }, statefulSet: { apiVersion: 'apps/v1', kind: 'StatefulSet' }, daemonSet: { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  job: { apiVersion: 'batch/v1', kind: 'Job' }, lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }, endpointSlice: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  httpRoute: { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' }, ingress: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
} as const satisfies Record<string, ObjectKind>;

/** Whether `value` has what every object has. */
export function isKubeObject(value: unknown): value is KubeObject {
  return isJsonObject(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string' && isJsonObject(value['metadata']) && typeof value['metadata']['name'] === 'string';
}

/** The member at a path of keys and indexes; `undefined` when a part of the path is missing. Own members only. */
export function fieldOf(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** The text at a path, or `''`. */
export function textOf(value: unknown, ...path: readonly (string | number)[]): string {
  const found = fieldOf(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The number at a path, or `undefined`. */
export function numberOf(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = fieldOf(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

/** The list of objects at a path; what is no object is left out. */
export function listOf(value: unknown, ...path: readonly (string | number)[]): readonly JsonObject[] {
  const found = fieldOf(value, ...path);
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
}

/** The map of texts at a path; other values are left out. */
export function textMapOf(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, string>> {
  const found = fieldOf(value, ...path);
  return isJsonObject(found) ? Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string')) : {};
}

/** `Deployment web/shop`: how an object is named to people. */
export function formatObject(object: { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } }): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The reference of an object. */
export function refOf({ apiVersion, kind, metadata }: KubeObject): ObjectRef {
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}
