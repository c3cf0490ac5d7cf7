// SPDX-License-Identifier: Apache-2.0
// A client of a registry under test that checks nothing itself, and the form of a requirement.
import { createHash } from 'node:crypto';

/** One sentence of the distribution spec 1.1, what is asked, and what must come back. */
export interface Requirement {
  /** Section and number within it. */
  readonly id: string;
  readonly level: 'MUST' | 'SHOULD';
  readonly says: string;
  readonly observe: (probe: Probe) => Promise<unknown>;
  readonly expected: unknown;
}

/** A descriptor of what was pushed. */
export interface Pushed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  octets: 'application/octet-stream',
} as const;

export const sha = (content: string | Uint8Array, algorithm = 'sha256'): string => `${algorithm}:${createHash(algorithm).update(content).digest('hex')}`;
export const unknownDigest = `sha256:${'0'.repeat(64)}`;

/** Requests against one registry, each requirement in a repository of its own. */
export interface Probe {
  readonly repository: string;
  /** A second repository, for mounts. */
  readonly other: string;
  /** A path below `/v2/REPOSITORY`, any path that begins with `//`, or an absolute address. */
  send(method: string, path: string, init?: { readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }): Promise<Response>;
  /** Address of a new upload session. */
  startUpload(query?: string): Promise<string>;
  pushBlob(content: string, options?: { readonly repository?: string; readonly algorithm?: string }): Promise<Pushed>;
  /** PUTs a manifest of a config and one layer, both distinct by `seed`. */
  pushImage(seed: string, options?: PushOptions): Promise<Pushed & { readonly text: string; readonly reply: Response }>;
  put(content: object, reference?: string): Promise<Pushed & { readonly text: string; readonly reply: Response }>;
}

export interface PushOptions {
  readonly tag?: string;
  readonly extra?: object;
}

let count = 0;

/** A probe of the registry at `base`. */
export function createProbe(base: string): Probe {
  count += 1;
  const repository = `contract/r${Date.now().toString(36)}-${count}`;
  const other = `${repository}-other`;
  const absolute = (path: string): string => (path.startsWith('http') ? path : path.startsWith('//') ? base + path.slice(1) : `${base}/v2/${repository}${path}`);
  const send: Probe['send'] = (method, path, init = {}) => fetch(absolute(path), { method, headers: init.headers ?? {}, ...(init.body === undefined ? {} : { body: init.body as BodyInit }) });
  const startUpload: Probe['startUpload'] = async (query = '') => new URL((await send('POST', `/blobs/uploads/${query}`)).headers.get('location') ?? '', base).href;
  const pushBlob: Probe['pushBlob'] = async (content, { repository: target = repository, algorithm = 'sha256' } = {}) => {
    const digest = sha(content, algorithm);
    const reply = await send('POST', `//v2/${target}/blobs/uploads/`);
    const url = new URL(reply.headers.get('location') ?? '', base);
    url.searchParams.set('digest', digest);
    await send('PUT', url.href, { body: content, headers: { 'content-type': types.octets } });
    return { mediaType: types.octets, digest, size: Buffer.byteLength(content) };
  };
  const put: Probe['put'] = async (content, reference) => {
    const mediaType = 'manifests' in content ? types.index : types.image;
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...content }, null, 3);
    const digest = sha(text);
    const reply = await send('PUT', `/manifests/${reference ?? digest}`, { body: text, headers: { 'content-type': mediaType } });
    return { mediaType, digest, size: Buffer.byteLength(text), text, reply };
  };
  const pushImage: Probe['pushImage'] = async (seed, { tag, extra = {} } = {}) => {
    const config = { ...(await pushBlob(JSON.stringify({ architecture: 'amd64', os: 'linux', seed }))), mediaType: types.config };
    return put({ config, layers: [await pushBlob(`layer of ${seed}`)], ...extra }, tag);
  };
  return { repository, other, send, startUpload, pushBlob, pushImage, put };
}

/** Status and the named headers of a reply. */
export function seen(reply: Response, ...headers: string[]): unknown[] {
  return [reply.status, ...headers.map((name) => reply.headers.get(name))];
}

/** Code of the first error in a reply's body. */
export async function codeOf(reply: Response): Promise<unknown> {
  const body = (await reply.json()) as { errors?: { code: unknown }[] };
  return body.errors?.[0]?.code;
}

/** Adds a member to the query of an upload address. */
export function withDigest(url: string, digest: string): string {
  const address = new URL(url);
  address.searchParams.set('digest', digest);
  return address.href;
}
