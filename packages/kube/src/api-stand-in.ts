// SPDX-License-Identifier: Apache-2.0
// A Kubernetes API server in memory for tests: discovery, create, read, update, JSON Patch, apply, delete, list in pages, watch. One version of each object;
// no admission, no controllers. What it answers has the form that a real one (1.36) gives.
import { isJsonObject, type Context } from '@pratique/core';
import { connectCluster, type Cluster } from './client/cluster.ts';
import type { KubeObject } from './client/object.ts';

const resources: Readonly<Record<string, Readonly<Record<string, readonly [kind: string, namespaced: boolean]>>>> = {
  v1: { pods: ['Pod', true], services: ['Service', true], configmaps: ['ConfigMap', true], secrets: ['Secret', true], namespaces: ['Namespace', false], events: ['Event', true], resourcequotas: ['ResourceQuota', true], serviceaccounts: ['ServiceAccount', true] },
  'apps/v1': { deployments: ['Deployment', true], replicasets: ['ReplicaSet', true], statefulsets: ['StatefulSet', true], daemonsets: ['DaemonSet', true] },
  'batch/v1': { jobs: ['Job', true] }, 'coordination.k8s.io/v1': { leases: ['Lease', true] }, 'discovery.k8s.io/v1': { endpointslices: ['EndpointSlice', true] },
  'networking.k8s.io/v1': { ingresses: ['Ingress', true], ingressclasses: ['IngressClass', false] }, 'gateway.networking.k8s.io/v1': { httproutes: ['HTTPRoute', true] },
};

type Stored = Record<string, unknown> & { metadata: Record<string, unknown> };

export interface ApiStandIn {
  readonly handle: (request: Request) => Promise<Response>;
  /** `METHOD path?query` of each call. */
  readonly requests: string[];
  /** Puts an object as a controller would. */
  put(object: Record<string, unknown>): void;
  find(path: string): KubeObject | undefined;
  /** Answers instead of the server, when it gives something. */
  intercept?: (request: Request) => Response | Promise<Response> | undefined;
  /** Ends each open watch. */
  dropWatches(): void;
  /** Ends each open watch and forgets which changes there were: going on gives 410. */
  expireWatches(): void;
}

export function status(code: number, reason: string, message: string, details: unknown = {}, headers: Record<string, string> = {}): Response {
  return Response.json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }, { status: code, headers });
}

/** A cluster connection whose calls go to `handle`. */
export function connectTo(handle: (request: Request) => Promise<Response>, world: Partial<Pick<Context, 'clock' | 'signal'>> = {}): Cluster {
  const reach: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    return handle(request);
  };
  return connectCluster({ context: 'test', server: 'https://kube.test', namespace: 'web', tls: {}, token: 'a-token-of-a-test' }, {
    fetchOver: () => reach, exec: { run: () => Promise.reject(new Error('nothing is run here')) }, mask: () => undefined,
    clock: world.clock ?? { now: () => new Date(), sleep: () => Promise.resolve() }, signal: world.signal ?? new AbortController().signal,
  });
}

export function createApiStandIn(objects: readonly Record<string, unknown>[] = []): ApiStandIn {
  const store = new Map<string, Stored>();
  let version = 100;
  let oldest = 0;
  const changes: { readonly type: string; readonly path: string; readonly object: Stored; readonly version: number }[] = [];
  const watchers = new Set<{ readonly prefix: string; readonly send: (line: string) => void; readonly end: () => void }>();
  const note = (type: string, path: string, object: Stored): Stored => {
    version += 1;
    object.metadata['resourceVersion'] = String(version);
    if (type === 'DELETED') store.delete(path);
    else store.set(path, object);
    const change = { type, path, object: structuredClone(object), version };
    changes.push(change);
    for (const watcher of watchers) if (path.startsWith(watcher.prefix)) watcher.send(JSON.stringify({ type, object: change.object }));
    return object;
  };
  const write = (path: string, object: Stored): Stored => {
    const before = store.get(path);
    object.metadata['uid'] ??= before?.metadata['uid'] ?? `uid-${version}`;
    object.metadata['generation'] ??= 1;
    const [, namespace] = /\/namespaces\/([^/]+)\/[^/]+\/[^/]+$/.exec(path) ?? [];
    if (namespace !== undefined) object.metadata['namespace'] = namespace;
    return note(before ? 'MODIFIED' : 'ADDED', path, object);
  };
  const standIn: ApiStandIn = {
    requests: [],
    put: (object) => void write(pathOf(object), structuredClone(object) as Stored),
    find: (path) => store.get(path) as KubeObject | undefined,
    dropWatches: () => { for (const watcher of watchers) watcher.end(); },
    expireWatches() {
      oldest = version + 1;
      version += 1;
      standIn.dropWatches();
    },
    async handle(request) {
      const url = new URL(request.url);
      standIn.requests.push(`${request.method} ${url.pathname}${url.search}`);
      const instead = await standIn.intercept?.(request);
      return instead ?? answer(request, url);
    },
  };
  for (const object of objects) standIn.put(object);

  const answer = async (request: Request, url: URL): Promise<Response> => {
    const path = url.pathname;
    const [, apiVersion = '', rest = ''] = /^\/apis?\/(v1|[^/]+\/v1)(?:\/(.*))?$/.exec(path) ?? [];
    const served = resources[apiVersion];
    if (served === undefined) return new Response('404 page not found', { status: 404 });
    if (rest === '') return Response.json({ kind: 'APIResourceList', groupVersion: apiVersion, resources: Object.entries(served).map(([name, [kind, namespaced]]) => ({ name, kind, namespaced, verbs: ['get'] })) });
    const isCollection = rest.split('/').length === (rest.startsWith('namespaces/') && rest.split('/').length > 2 ? 3 : 1);
    if (url.searchParams.get('watch') === 'true') return openWatch(url, request.signal);
    if (isCollection && request.method === 'GET') return listPage(url);
    const body: unknown = request.method === 'GET' ? undefined : JSON.parse(await request.text());
    const dry = url.searchParams.get('dryRun') === 'All';
    if (request.method === 'POST') {
      const object = body as Stored;
      const target = `${path}/${String(object.metadata['name'])}`;
      if (store.has(target)) return status(409, 'AlreadyExists', `${rest} "${String(object.metadata['name'])}" already exists`);
      return Response.json(dry ? object : write(target, { ...object, metadata: { ...object.metadata, generation: 1 } }), { status: 201 });
    }
    const before = store.get(path);
    const missing = (): Response => status(404, 'NotFound', `${path.split('/').at(-2)} "${path.split('/').at(-1)}" not found`, { name: path.split('/').at(-1) });
    if (request.headers.get('content-type') === 'application/apply-patch+yaml') return Response.json(dry ? body : write(path, { ...before, ...(body as Stored), metadata: { ...before?.metadata, ...(body as Stored).metadata } }));
    if (before === undefined) return missing();
    if (request.method === 'GET') return Response.json(before);
    if (request.method === 'DELETE') return remove(path, before, body);
    if (request.method === 'PUT') {
      const wanted = (body as Stored).metadata['resourceVersion'];
      if (wanted !== undefined && wanted !== before.metadata['resourceVersion']) return status(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version and try again');
      return Response.json(write(path, structuredClone(body) as Stored));
    }
    const patched = applyPatch(before, body as readonly Operation[]);
    return patched === undefined ? status(422, 'Invalid', 'the server rejected our request due to an error in our request') : Response.json(dry ? patched : write(path, patched));
  };

  const remove = (path: string, before: Stored, body: unknown): Response => {
    const wanted = isJsonObject(body) && isJsonObject(body['preconditions']) ? body['preconditions'] : {};
    for (const key of ['uid', 'resourceVersion']) if (wanted[key] !== undefined && wanted[key] !== before.metadata[key]) return status(409, 'Conflict', `Precondition failed: ${key}`);
    note('DELETED', path, before);
    return Response.json({ kind: 'Status', apiVersion: 'v1', status: 'Success' });
  };

  const listPage = (url: URL): Response => {
    const matching = [...store].filter(([path, object]) => path.startsWith(`${url.pathname}/`) && matches(object, url)).map(([, object]) => object);
    const start = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? matching.length);
    const more = start + limit < matching.length ? { continue: String(start + limit) } : {};
    const items = matching.slice(start, start + limit).map(({ apiVersion: _, kind: __, ...item }) => item);
    return Response.json({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: String(version), ...more }, items });
  };

  const openWatch = (url: URL, signal: AbortSignal): Response => {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < oldest) return status(410, 'Expired', `too old resource version: ${from}`);
    let end = (): void => undefined;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        const send = (line: string): void => controller.enqueue(new TextEncoder().encode(`${line}\n`));
        const watcher = { prefix: `${url.pathname}/`, send: (line: string) => (matches((JSON.parse(line) as { object: Stored }).object, url) ? send(line) : undefined), end: () => { watchers.delete(watcher); controller.close(); } };
        for (const change of changes) if (change.version > from && change.path.startsWith(watcher.prefix)) watcher.send(JSON.stringify({ type: change.type, object: change.object }));
        send(JSON.stringify({ type: 'BOOKMARK', object: { kind: 'x', metadata: { resourceVersion: String(version) } } }));
        watchers.add(watcher);
        end = () => { if (watchers.delete(watcher)) controller.error(signal.reason); };
        signal.addEventListener('abort', end, { once: true });
      },
      cancel: () => end(),
    });
    return new Response(body);
  };
  return standIn;
}

function matches(object: Stored, url: URL): boolean {
  const labels = (object.metadata['labels'] ?? {}) as Record<string, string>;
  const [, name] = /^metadata\.name=(.*)$/.exec(url.searchParams.get('fieldSelector') ?? '') ?? [];
  return (name === undefined || object.metadata['name'] === name) && (url.searchParams.get('labelSelector') ?? '').split(',').filter(Boolean).every((part) => labels[part.split('=')[0] ?? ''] === part.split('=')[1]);
}

function pathOf(object: Record<string, unknown>): string {
  const { apiVersion, kind, metadata } = object as { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } };
  const [plural = ''] = Object.entries(resources[apiVersion] ?? {}).find(([, [known]]) => known === kind) ?? [];
  return `${apiVersion === 'v1' ? '/api' : '/apis'}/${apiVersion}/${metadata.namespace === undefined ? '' : `namespaces/${metadata.namespace}/`}${plural}/${metadata.name}`;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902; `undefined` when an operation cannot be applied. */
function applyPatch(before: Stored, operations: readonly Operation[]): Stored | undefined {
  const after = structuredClone(before);
  for (const { op, path, value } of operations) {
    const keys = path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined), after);
    if (typeof parent !== 'object' || parent === null) return undefined;
    const at = parent as Record<string, unknown>;
    if (op === 'test' && JSON.stringify(sorted(at[last])) !== JSON.stringify(sorted(value))) return undefined;
    if ((op === 'replace' || op === 'remove') && !Object.hasOwn(at, last)) return undefined;
    if (op === 'add' && Array.isArray(at)) at.splice(last === '-' ? at.length : Number(last), 0, value);
    else if (op === 'add' || op === 'replace') at[last] = value;
    else if (op === 'remove' && Array.isArray(at)) at.splice(Number(last), 1);
    else if (op === 'remove') delete at[last];
  }
  return after;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)])) : value;
}
