// SPDX-License-Identifier: Apache-2.0
// A small Kubernetes API client: what a deployment needs of https://kubernetes.io/docs/reference/using-api/api-concepts/, over an injected fetch.
import { Failure, type JsonObject } from '@pratique/core';
import { createDiscovery, type Discovery, type Resource } from './discovery.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { isKubeObject, kinds, listOf, textOf, type KubeObject, type ObjectKind, type ObjectList, type ObjectQuery, type ObjectRef } from './object.ts';
import { askThroughProxy, type ServiceRequest } from './service-proxy.ts';
import { createTransport, type KubeCall, type KubeContext, type KubeTransport } from './transport.ts';
import { watchKind, type WatchChange, type WatchOptions } from './watch.ts';

/** One step of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** How an object is written. */
export interface WriteOptions {
  /** Field manager. Default `pratique`. */
  readonly manager?: string;
  /** The server does everything but store it. */
  readonly dryRun?: boolean;
}

/** How an object is deleted. */
export interface RemoveOptions {
  /** Default `Background`. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Only this object, not another of the same name. Otherwise `KUBE_CONFLICT`. */
  readonly uid?: string;
  /** Only when nobody changed it meanwhile. */
  readonly resourceVersion?: string;
  readonly graceSeconds?: number;
}

/**
 * A connection to one cluster. Calls fail with `KUBE_UNAUTHORIZED`, `KUBE_FORBIDDEN` (the hint is the rule that is missing), `KUBE_DENIED`,
 * `KUBE_INVALID`, `KUBE_NOT_FOUND`, `KUBE_CONFLICT`, `KUBE_UNAVAILABLE`, `KUBE_PROTOCOL`.
 */
export interface Cluster extends Discovery {
  readonly server: string;
  readonly namespace: string;
  /** `undefined` when there is none. */
  get(ref: ObjectRef): Promise<KubeObject | undefined>;
  /** All pages; at most 20,000 objects. */
  list(query: ObjectQuery): Promise<ObjectList>;
  create(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** Replaces; with `metadata.resourceVersion` only when nobody changed it meanwhile. */
  update(object: KubeObject, options?: WriteOptions): Promise<KubeObject>;
  /** JSON Patch. A `test` that does not hold is `KUBE_CONFLICT`, and nothing is changed. */
  patch(ref: ObjectRef, operations: readonly PatchOperation[], options?: WriteOptions): Promise<KubeObject>;
  /** Server-side apply. `force` takes over fields of other managers. */
  apply(object: KubeObject, options?: WriteOptions & { readonly force?: boolean }): Promise<KubeObject>;
  /** Whether there was something to delete. */
  remove(ref: ObjectRef, options?: RemoveOptions): Promise<boolean>;
  /** The list, then each change, until the signal; reconnects and lists again by itself. */
  watch(query: ObjectQuery, options: WatchOptions): AsyncGenerator<WatchChange>;
  /** The end of a container's log; `''` when there is none. */
  readLog(options: LogOptions): Promise<string>;
  /** What a Service answers to a GET through the proxy of the API server, by whatever status; the text is cut off after 4 KiB. Needs `get` on `services/proxy`. */
  askService(request: ServiceRequest): Promise<{ readonly status: number; readonly text: string }>;
}

/** Which log. */
export interface LogOptions {
  readonly pod: string;
  readonly container: string;
  readonly namespace?: string;
  /** Of the container that ended before this one. */
  readonly previous?: boolean;
  /** Default 50. */
  readonly lines?: number;
}

const pageSize = 500;
const mostObjects = 20_000;
const mostLog = 65_536;
/** What the server says to a JSON Patch that cannot be applied: a `test` that does not hold, or a path that is not there. It does not say which. */
const patchRefused = 'the server rejected our request due to an error in our request';

/** Connects; nothing is sent before the first call. */
export function connectCluster(access: ClusterAccess, ctx: KubeContext): Cluster {
  const transport = createTransport(access, ctx);
  const discovery = createDiscovery(transport);
  const place = createPlacer(discovery, access.namespace);
  return {
    ...discovery, server: access.server, namespace: access.namespace,
    async get(ref) {
      const { status, object } = await transport.send({ ...(await place(ref, 'get')), method: 'GET', accept: [404] });
      return status === 404 ? undefined : checked(object, ref);
    },
    list: async (query) => listAll(transport, { ...(await place(query, 'list')), method: 'GET' }, query),
    async create(object, options = {}) {
      const { name: _, ...call } = await place(refTo(object), 'create');
      return checked((await transport.send({ ...call, path: call.path.slice(0, call.path.lastIndexOf('/')), method: 'POST', body: object, query: writeQuery(options) })).object, object);
    },
    update: async (object, options = {}) => checked((await transport.send({ ...(await place(refTo(object), 'update')), method: 'PUT', body: object, query: writeQuery(options) })).object, object),
    patch: async (ref, operations, options = {}) => checked(await sendPatch(transport, { ...(await place(ref, 'patch')), method: 'PATCH', contentType: 'application/json-patch+json', body: operations, query: writeQuery(options) }), ref),
    async apply(object, options = {}) {
      const call = { ...(await place(refTo(object), 'patch')), method: 'PATCH', contentType: 'application/apply-patch+yaml', body: object, repeatable: true };
      return checked((await transport.send({ ...call, query: { ...writeQuery(options), force: options.force ?? false } })).object, object);
    },
    async remove(ref, options = {}) {
      const { propagation = 'Background', uid, resourceVersion, graceSeconds } = options;
      const preconditions = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: propagation, preconditions, ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }) };
      return (await transport.send({ ...(await place(ref, 'delete')), method: 'DELETE', body, accept: [404] })).status !== 404;
    },
    async *watch(query, options) {
      const call = { ...(await place(query, 'watch')), method: 'GET' };
      yield* watchKind({ ...options, transport, call, query, list: () => listAll(transport, { ...call, verb: 'list' }, query) });
    },
    async readLog({ pod, container, namespace, previous = false, lines = 50 }) {
      const { path, ...call } = await place({ apiVersion: 'v1', kind: 'Pod', name: pod, ...(namespace === undefined ? {} : { namespace }) }, 'get');
      // 400: the container has not started, or there was none before it.
      const { status, text } = await transport.readText({ ...call, path: `${path}/log`, resource: 'pods/log', method: 'GET', accept: [400, 404], query: { container, previous, tailLines: lines, limitBytes: mostLog } }, mostLog);
      return status === 200 ? text : '';
    },
    askService: async (request) => askThroughProxy(transport, await place({ ...kinds.service, name: request.service }, 'get'), request),
  };
}

type Placed = Omit<KubeCall, 'method'>;

function createPlacer(discovery: Discovery, own: string): (target: ObjectQuery | ObjectRef, verb: string) => Promise<Placed> {
  return async (target, verb) => {
    const resource: Resource = await discovery.find(target);
    const namespace = resource.namespaced && target.namespace !== '*' ? (target.namespace ?? own) : undefined;
    const name = 'name' in target ? target.name : undefined;
    if (name === '' || (name !== undefined && /[/?#%]|^\.{1,2}$/.test(name)) || (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace))) throw new Failure({ code: 'KUBE_INVALID', message: `"${name ?? namespace}" is no name of an object or namespace` });
    const parts = [resource.root, ...(namespace === undefined ? [] : ['namespaces', namespace]), resource.plural, ...(name === undefined ? [] : [encodeURIComponent(name)])];
    return { path: parts.join('/'), verb, group: resource.group, resource: resource.plural, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
  };
}

const refTo = (object: KubeObject): ObjectRef => ({ apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }) });

// `Strict`: a field that the server does not know is an error and not silently dropped.
const writeQuery = ({ manager = 'pratique', dryRun = false }: WriteOptions) => ({ fieldManager: manager, fieldValidation: 'Strict', ...(dryRun ? { dryRun: 'All' } : {}) });

async function sendPatch(transport: KubeTransport, call: KubeCall): Promise<JsonObject> {
  try {
    return (await transport.send(call)).object;
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.facts['status'] !== 422 || !thrown.message.includes(patchRefused)) throw thrown;
    throw new Failure({ code: 'KUBE_CONFLICT', message: `patch ${call.resource} ${call.name ?? ''}: it is not as it was when this run read it; nothing was changed`, facts: thrown.facts, cause: thrown });
  }
}

async function listAll(transport: KubeTransport, call: KubeCall, { labelSelector, fieldSelector, apiVersion, kind }: ObjectQuery): Promise<ObjectList> {
  let items: KubeObject[] = [];
  let next: string | undefined;
  for (let page = 0, restarts = 0; page < mostObjects / pageSize; page += 1) {
    const { status, object } = await transport.send({ ...call, accept: next === undefined ? [] : [410], query: { labelSelector, fieldSelector, limit: pageSize, continue: next } });
    if (status === 410) {
      // The list is older than what the server still knows: from the beginning.
      if ((restarts += 1) > 3) break;
      [items, next, page] = [[], undefined, -1];
      continue;
    }
    // Items of a list carry neither apiVersion nor kind.
    for (const item of listOf(object, 'items')) items.push(checked({ ...item, apiVersion, kind }, { apiVersion, kind }));
    next = textOf(object, 'metadata', 'continue') || undefined;
    if (next === undefined) return { items, resourceVersion: textOf(object, 'metadata', 'resourceVersion') };
  }
  throw new Failure({ code: 'KUBE_UNAVAILABLE', message: `list ${call.resource}: more than ${mostObjects} objects, or they change faster than they can be read` });
}

function checked(value: unknown, { kind }: ObjectKind): KubeObject {
  if (isKubeObject(value)) return value;
  throw new Failure({ code: 'KUBE_PROTOCOL', message: `the API server answered something that is no ${kind}` });
}
