// SPDX-License-Identifier: Apache-2.0
// A small registry in memory for the tests of this package: one request handler, with switches and faults.
import type { Clock, Digest, Files } from '@pratique/core';
import type { Descriptor } from './descriptor.ts';
import { hashBytes } from './manifest.ts';
import { concatBytes, readAll, streamOf } from './verified-stream.ts';

export interface StandInOptions {
  /** `bearer`: tokens from /token, for `user`/`pass` or anonymous pulls; `basic`: user and password on each call. */
  readonly auth?: 'bearer' | 'basic';
  readonly referrers?: boolean;
  /** Blobs are redirected to this origin, which refuses Authorization. */
  readonly storage?: string;
  readonly pageSize?: number;
  /** Answers instead of the registry; `undefined` = no fault. `seen`: how many requests of this method and path came before. */
  readonly fault?: (request: Request, seen: number) => Response | undefined | Promise<Response | undefined>;
}

/** What the stand-in holds and saw. */
export interface StandIn {
  readonly fetch: typeof fetch;
  readonly requests: { readonly method: string; readonly url: string; readonly authorization: string | null; readonly range: string | null }[];
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, { bytes: Uint8Array; type: string }>;
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
/** An error reply as the specification wants it. */
export const refuse = (status: number, code: string, headers: Record<string, string> = {}): Response => json(status, { errors: [{ code, message: `said ${code}` }] }, headers);

export function createStandIn(options: StandInOptions = {}): StandIn {
  const state: StandIn = { fetch: (input, init) => handle(new Request(input, init)), requests: [], blobs: new Map(), manifests: new Map() };
  const uploads = new Map<string, Uint8Array>();
  const seen = new Map<string, number>();
  const { blobs, manifests } = state;

  const handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const authorization = request.headers.get('authorization');
    state.requests.push({ method: request.method, url: request.url, authorization, range: request.headers.get('range') ?? request.headers.get('content-range') });
    const key = `${request.method} ${url.pathname}`;
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    const fault = await options.fault?.(request, before);
    if (fault !== undefined) return fault;
    if (url.origin === options.storage) return authorization === null ? serveBlob(request, blobs.get(decodeURIComponent(url.pathname.slice(1)))) : refuse(400, 'AUTHORIZATION_PRESENT');
    if (url.pathname === '/token') return token(url, authorization);
    return challengeFor(authorization, request.method, url) ?? (await serve(request, url));
  };

  const token = (url: URL, authorization: string | null): Response => {
    if (authorization !== null && authorization !== `Basic ${btoa('user:pass')}`) return refuse(401, 'UNAUTHORIZED');
    const scopes = url.searchParams.getAll('scope').map((scope) => (authorization === null ? scope.replace(/,?push|,?delete/g, '') : scope));
    return json(200, { token: `t:${scopes.join(' ')}`, expires_in: 300 });
  };

  const challengeFor = (authorization: string | null, method: string, url: URL): Response | undefined => {
    if (options.auth === undefined) return undefined;
    if (options.auth === 'basic') return authorization === `Basic ${btoa('user:pass')}` ? undefined : refuse(401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="r"' });
    const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1] ?? '';
    const action = method === 'GET' || method === 'HEAD' ? (url.pathname.includes('/uploads/') ? 'push' : 'pull') : method === 'DELETE' ? 'delete' : 'push';
    const granted = authorization?.startsWith('Bearer t:') === true && authorization.slice(9).split(' ').some((scope) => scope.startsWith(`repository:${name}:`) && scope.split(':')[2]?.split(',').includes(action) === true);
    const error = authorization === null ? '' : ',error="insufficient_scope"';
    return granted ? undefined : refuse(401, 'UNAUTHORIZED', { 'www-authenticate': `Bearer realm="${url.origin}/token",service="stand-in",scope="repository:${name}:${action}"${error}` });
  };

  const serve = async (request: Request, url: URL): Promise<Response> => {
    const [, name = '', kind = '', rest = ''] = /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests') return serveManifest(request, name, rest);
    if (kind === 'tags') return serveTags(url, name);
    if (kind === 'referrers') return options.referrers === true ? serveReferrers(name, rest) : refuse(404, 'NOT_FOUND');
    if (rest.startsWith('uploads/')) return serveUpload(request, url, name);
    if (options.storage !== undefined && request.method === 'GET' && blobs.has(rest)) return new Response(null, { status: 307, headers: { location: `${options.storage}/${encodeURIComponent(rest)}?sig=secret` } });
    return serveBlob(request, blobs.get(rest));
  };

  const serveManifest = async (request: Request, name: string, reference: string): Promise<Response> => {
    const key = `${name}|${reference}`;
    if (request.method === 'DELETE') return manifests.delete(key) ? new Response(null, { status: 202 }) : refuse(404, 'MANIFEST_UNKNOWN');
    if (request.method === 'PUT') {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const digest = hashBytes(bytes, reference.startsWith('sha512:') ? 'sha512:' : 'sha256');
      const type = request.headers.get('content-type') ?? '';
      for (const one of [digest, reference]) manifests.set(`${name}|${one}`, { bytes, type });
      const { subject } = JSON.parse(new TextDecoder().decode(bytes)) as { subject?: Descriptor };
      return new Response(null, { status: 201, headers: { 'docker-content-digest': digest, ...(subject && options.referrers ? { 'oci-subject': subject.digest } : {}) } });
    }
    const found = manifests.get(key);
    if (found === undefined) return refuse(404, 'MANIFEST_UNKNOWN');
    const headers = { 'content-type': found.type, 'content-length': String(found.bytes.byteLength), 'docker-content-digest': reference.includes(':') ? reference : hashBytes(found.bytes) };
    return new Response(request.method === 'HEAD' ? null : (found.bytes as Uint8Array<ArrayBuffer>), { headers });
  };

  const serveTags = (url: URL, name: string): Response => {
    const tags = [...manifests.keys()].filter((key) => key.startsWith(`${name}|`) && !key.includes(':')).map((key) => key.slice(name.length + 1)).sort();
    if (tags.length === 0) return refuse(404, 'NAME_UNKNOWN');
    const after = tags.filter((tag) => tag > (url.searchParams.get('last') ?? ''));
    const page = after.slice(0, options.pageSize ?? 1000);
    return json(200, { name, tags: page }, page.length < after.length ? { link: `</v2/${name}/tags/list?last=${page.at(-1)}>; rel="next"` } : {});
  };

  const serveReferrers = (name: string, digest: string): Response => {
    const listed = [...manifests].filter(([key]) => key.startsWith(`${name}|sha`)).map(([, { bytes, type }]) => ({ content: JSON.parse(new TextDecoder().decode(bytes)) as { subject?: Descriptor; artifactType?: string }, bytes, type })).filter(({ content }) => content.subject?.digest === digest);
    return json(200, { schemaVersion: 2, manifests: listed.map(({ content, bytes, type }) => ({ mediaType: type, digest: hashBytes(bytes), size: bytes.byteLength, artifactType: content.artifactType })) }, { 'content-type': 'application/vnd.oci.image.index.v1+json' });
  };

  const serveUpload = async (request: Request, url: URL, name: string): Promise<Response> => {
    const mount = url.searchParams.get('mount');
    if (request.method === 'POST' && mount !== null && blobs.has(mount)) return new Response(null, { status: 201, headers: { location: `/v2/${name}/blobs/${mount}` } });
    const id = url.pathname.split('/').at(-1) || crypto.randomUUID();
    const held = request.method === 'POST' ? new Uint8Array() : uploads.get(id);
    if (held === undefined) return refuse(404, 'BLOB_UPLOAD_UNKNOWN');
    const reply = (status: number, bytes: Uint8Array): Response => new Response(null, { status, headers: { location: `/v2/${name}/blobs/uploads/${id}?_state=${crypto.randomUUID()}%3D`, range: `0-${Math.max(0, bytes.byteLength - 1)}` } });
    if (request.method === 'GET') return reply(204, held);
    const range = /^(\d+)-/.exec(request.headers.get('content-range') ?? '')?.[1];
    if (range !== undefined && Number(range) !== held.byteLength) return reply(416, held);
    const bytes = concatBytes([held, request.body === null ? new Uint8Array() : await readAll(request.body, 1e9, 'upload')]);
    uploads.set(id, bytes);
    if (request.method !== 'PUT') return reply(202, bytes);
    const digest = url.searchParams.get('digest') ?? '';
    if (hashBytes(bytes, digest as Digest) !== digest) return refuse(400, 'DIGEST_INVALID');
    blobs.set(digest, bytes);
    return new Response(null, { status: 201, headers: { 'docker-content-digest': digest } });
  };

  return state;
}

function serveBlob(request: Request, bytes: Uint8Array | undefined): Response {
  if (bytes === undefined) return request.method === 'HEAD' ? new Response(null, { status: 404 }) : refuse(404, 'BLOB_UNKNOWN');
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get('range') ?? '')?.[1] ?? 0);
  const part = bytes.subarray(from);
  const headers = { 'content-length': String(part.byteLength), ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` } : {}) };
  return new Response(request.method === 'HEAD' ? null : streamOf(part), { status: from > 0 ? 206 : 200, headers });
}

/** A clock that never waits; `waits` tells how long it would have. */
export function createQuickClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  let now = Date.parse('2026-01-01T00:00:00Z');
  return { waits, now: () => new Date(now), sleep: (seconds) => { waits.push(seconds); now += seconds * 1000; return Promise.resolve(); } };
}

/** Files in memory. */
export function createMemoryFiles(): Files & { readonly content: Map<string, Uint8Array> } {
  const content = new Map<string, Uint8Array>();
  return {
    content,
    async open(path) {
      const bytes = content.get(path);
      if (bytes !== undefined) return { kind: 'file', size: bytes.byteLength, bytes: () => Promise.resolve(bytes), stream: (start = 0) => streamOf(bytes.subarray(start)) };
      const entries = [...content.keys()].filter((key) => key.startsWith(`${path}/`)).map((key) => key.slice(path.length + 1).split('/')[0] ?? '');
      return entries.length > 0 ? { kind: 'folder', entries: [...new Set(entries)].sort() } : undefined;
    },
    async write(path, given) {
      content.set(path, typeof given === 'string' ? new TextEncoder().encode(given) : given instanceof Uint8Array ? given : await readAll(given, 1e9, path));
    },
    remove: (path) => {
      for (const key of content.keys()) if (key === path || key.startsWith(`${path}/`)) content.delete(key);
      return Promise.resolve();
    },
  };
}
