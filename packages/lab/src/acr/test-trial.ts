// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: an emulator in memory, and a client that logs in and pushes small images.
import { digestOf, type Digest } from '@pratique/core';
import { createAcrEmulator, type AcrEmulator, type AcrEmulatorOptions } from './emulator.ts';

const host = 'trial.azurecr.io';
const indexType = 'application/vnd.oci.image.index.v1+json';
const imageType = 'application/vnd.oci.image.manifest.v1+json';

/** A call as one principal; the token is fetched for the scope that the challenge names. */
export type Call = (path: string, init?: RequestInit) => Promise<Response>;

export interface Trial {
  readonly emulator: AcrEmulator;
  /** Without any token. */
  readonly call: Call;
  /** As the principal whose Entra token is `entra:PRINCIPAL`. */
  as(principal: string): Call;
}

/** An emulator that takes `entra:NAME` as the Entra token of principal NAME. */
export function createTrial(options: Partial<AcrEmulatorOptions> = {}): Trial {
  const verifyEntraToken = (token: string): { principal: string; tenant: string } | undefined =>
    token.startsWith('entra:') ? { principal: token.slice(6), tenant: 'tenant-1' } : undefined;
  const emulator = createAcrEmulator({ name: host, storage: 'memory', verifyEntraToken, ...options });
  const call: Call = (path, init) => emulator.handle(new Request(`https://${host}${path}`, init));
  return { emulator, call, as: (principal) => (path, init = {}) => callAs(call, principal, { path, init }) };
}

async function callAs(call: Call, principal: string, { path, init }: { path: string; init: RequestInit }): Promise<Response> {
  const first = await call(path, init);
  const scope = /scope="([^"]+)"/.exec(first.headers.get('www-authenticate') ?? '')?.[1];
  if (first.status !== 401 || scope === undefined) return first;
  const token = await accessToken(call, principal, scope);
  return call(path, { ...init, headers: { ...(init.headers as Record<string, string> | undefined), authorization: `Bearer ${token}` } });
}

/** The refresh token of a principal. */
export async function refreshToken(call: Call, principal: string): Promise<string> {
  const reply = await call('/oauth2/exchange', form({ grant_type: 'access_token', service: host, access_token: `entra:${principal}` }));
  return String((await readJson(reply))['refresh_token']);
}

/** An access token for the scopes, each as one field. */
export async function accessToken(call: Call, principal: string, ...scopes: string[]): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', service: host, refresh_token: await refreshToken(call, principal) });
  for (const scope of scopes) body.append('scope', scope);
  return String((await readJson(await call('/oauth2/token', { method: 'POST', body })))['access_token']);
}

/** A POST of form fields. */
export function form(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) };
}

/** The body as an object. */
export async function readJson(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>;
}

/** Code of the first error in the body. */
export async function errorCode(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { errors?: { code: string }[] };
  return body.errors?.[0]?.code;
}

/** Uploads a blob in one request. */
export async function pushBlob(call: Call, name: string, bytes: Uint8Array): Promise<{ mediaType: string; digest: Digest; size: number }> {
  const digest = await digestOf(bytes);
  const reply = await call(`/v2/${name}/blobs/uploads/?digest=${digest}`, { method: 'POST', body: bytes as Uint8Array<ArrayBuffer>, headers: { 'content-type': 'application/octet-stream' } });
  if (reply.status !== 201) throw new Error(`push of a blob: ${reply.status} ${await reply.text()}`);
  return { mediaType: 'application/octet-stream', digest, size: bytes.length };
}

/** PUTs a manifest by tag or, without one, by digest. */
export async function putManifest(call: Call, name: string, content: object, tag?: string): Promise<{ digest: Digest; reply: Response; size: number; mediaType: string }> {
  const mediaType = 'manifests' in content ? indexType : imageType;
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...content }));
  const digest = await digestOf(bytes);
  const reply = await call(`/v2/${name}/manifests/${tag ?? digest}`, { method: 'PUT', body: bytes, headers: { 'content-type': mediaType } });
  return { digest, reply, size: bytes.length, mediaType };
}

/** Pushes an image of a config and one layer, distinct by `seed`; more members of the manifest by `extra`. */
export async function pushImage(call: Call, name: string, options: { readonly seed: string; readonly tag?: string; readonly extra?: object }): Promise<Digest> {
  const config = await pushBlob(call, name, new TextEncoder().encode(JSON.stringify({ architecture: 'amd64', os: 'linux', seed: options.seed })));
  const layer = await pushBlob(call, name, new TextEncoder().encode(`layer ${options.seed}`));
  const content = { config: { ...config, mediaType: 'application/vnd.oci.image.config.v1+json' }, layers: [layer], ...options.extra };
  const { digest, reply } = await putManifest(call, name, content, options.tag);
  if (reply.status !== 201) throw new Error(`push of an image: ${reply.status} ${await reply.text()}`);
  return digest;
}

/** Pushes a referrer of `subject`. */
export function attach(call: Call, name: string, subject: Digest, options: { readonly seed: string; readonly artifactType: string }): Promise<Digest> {
  return pushImage(call, name, { seed: options.seed, extra: { artifactType: options.artifactType, subject: { mediaType: imageType, digest: subject, size: 1 } } });
}
