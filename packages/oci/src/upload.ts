// SPDX-License-Identifier: Apache-2.0
// Blobs to a registry: mounted from a neighbour, in one PUT when small, in chunks that are resumed when large (distribution-spec 1.1, pushing-blobs).
import { Failure, retry, type FailureCode } from '@pratique/core';
import type { OpenContent } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { chunksOf } from './chunks.ts';
import { resolveLocation } from './location.ts';
import type { HttpReply } from './exchange.ts';
import { repositoryScope } from './scope.ts';
import type { Transport } from './transport.ts';
import { streamOf, verifyStream } from './verified-stream.ts';

export interface Upload {
  readonly transport: Transport;
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  readonly mountFrom?: string;
  /** Whether the registry has the blob by now: asked before an upload is begun again, since only its reply may have been lost. */
  exists(): Promise<boolean>;
}

const chunkSize = 16 * 1024 * 1024;
const chunkedAbove = 2 * chunkSize;
const refusals: ReadonlySet<FailureCode> = new Set(['REGISTRY_FORBIDDEN', 'REGISTRY_UNAUTHORIZED', 'REGISTRY_NOT_FOUND', 'REGISTRY_PROTOCOL', 'REGISTRY_LOCKED', 'ACR_ROLE_MISSING']);

/** Uploads a blob that the repository does not have. A broken upload is resumed, then begun again, at most three times. */
export async function uploadBlob(upload: Upload): Promise<'present' | 'mounted' | 'uploaded'> {
  const { clock, signal } = upload.transport;
  return retry(async (attempt) => {
    if (attempt > 1 && (await upload.exists())) return 'uploaded';
    const started = await start(upload);
    if (started === 'mounted' || started === 'present') return started;
    const minimum = Number(started.headers.get('oci-chunk-min-length') ?? 0);
    const size = Math.min(Math.max(chunkSize, Number.isSafeInteger(minimum) ? minimum : 0), 4 * chunkSize);
    await (upload.descriptor.size > chunkedAbove ? putChunks(upload, locationOf(upload, started), size) : putWhole(upload, locationOf(upload, started)));
    return 'uploaded';
  }, { clock, signal, attempts: 3 });
}

const scopesOf = (upload: Upload): readonly string[] => [repositoryScope(upload.name, 'pull,push')];

async function start(upload: Upload): Promise<HttpReply | 'present' | 'mounted'> {
  const path = `/v2/${upload.name}/blobs/uploads/`;
  const mounted = upload.mountFrom === undefined ? undefined : await mount(upload, path, upload.mountFrom);
  await mounted?.discard();
  if (mounted?.status === 201) return 'mounted';
  if (upload.mountFrom !== undefined && (await upload.exists())) return 'present';
  if (mounted !== undefined) return mounted;
  const reply = await upload.transport.send({ method: 'POST', path, scopes: scopesOf(upload), body: new Uint8Array(), accept: [202] });
  await reply.discard();
  return reply;
}

/** 201 when mounted, 202 when an upload was begun instead, `undefined` when the source may not be read: then the bytes are sent. */
async function mount(upload: Upload, path: string, from: string): Promise<HttpReply | undefined> {
  const query = new URLSearchParams({ mount: upload.descriptor.digest, from });
  try {
    return await upload.transport.send({ method: 'POST', path: `${path}?${query}`, scopes: [...scopesOf(upload), repositoryScope(from, 'pull')], body: new Uint8Array(), accept: [201, 202] });
  } catch (thrown) {
    if (thrown instanceof Failure && refusals.has(thrown.code)) return undefined;
    throw thrown;
  }
}

function locationOf(upload: Upload, reply: HttpReply): URL {
  return resolveLocation(reply.headers.get('location'), reply.url, upload.transport.plainHttp);
}

/** The location with the digest added; what stands in its query already is opaque and stays byte for byte. */
function closing(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${location.search === '' ? '?' : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

async function putWhole(upload: Upload, location: URL): Promise<void> {
  const { descriptor, transport } = upload;
  const open = async (): Promise<ReadableStream<Uint8Array>> => verifyStream(await upload.open(), descriptor, `the blob for ${upload.name}`);
  await finish(upload, await transport.send({
    method: 'PUT', path: closing(location, descriptor.digest), scopes: scopesOf(upload), headers: { 'content-type': 'application/octet-stream' }, body: { size: descriptor.size, open }, accept: [201, 204], attempts: 1,
  }));
}

async function finish(upload: Upload, reply: HttpReply): Promise<void> {
  await reply.discard();
  const stored = reply.headers.get('docker-content-digest');
  if (stored === null || stored === upload.descriptor.digest) return;
  throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `the registry stored ${stored.slice(0, 200)} where ${upload.descriptor.digest} was sent` });
}

async function putChunks(upload: Upload, begun: URL, size: number): Promise<void> {
  const { descriptor, transport } = upload;
  let location = begun;
  let offset = 0;
  for await (const chunk of chunksOf(verifyStream(await upload.open(), descriptor, `the blob for ${upload.name}`), size)) {
    location = await putChunk(upload, { location, chunk, offset });
    offset += chunk.byteLength;
  }
  await finish(upload, await transport.send({ method: 'PUT', path: closing(location, descriptor.digest), scopes: scopesOf(upload), body: new Uint8Array(), accept: [201, 204], attempts: 1 }));
}

interface Chunk {
  readonly location: URL;
  readonly chunk: Uint8Array;
  readonly offset: number;
}

/** Sends one chunk; after a break it asks how much arrived and sends the rest. Gives the next location (ACR's `_state` changes each time). */
async function putChunk(upload: Upload, { location, chunk, offset }: Chunk): Promise<URL> {
  const { transport } = upload;
  let current = location;
  let sent = 0;
  return retry(async (attempt) => {
    if (attempt > 1) {
      const status = await uploadStatus(upload, current);
      current = status.location;
      sent = status.received - offset;
      if (sent < 0 || sent > chunk.byteLength) throw lost(upload, status.received, offset);
      if (sent === chunk.byteLength) return current;
    }
    const rest = chunk.subarray(sent);
    const from = offset + sent;
    const reply = await transport.send({
      method: 'PATCH', path: current, scopes: scopesOf(upload), body: { size: rest.byteLength, open: async () => streamOf(rest) }, accept: [201, 202, 204], attempts: 1,
      headers: { 'content-type': 'application/octet-stream', 'content-range': `${from}-${from + rest.byteLength - 1}` },
    });
    await reply.discard();
    return locationOf(upload, reply);
  }, { clock: transport.clock, signal: transport.signal });
}

async function uploadStatus(upload: Upload, location: URL): Promise<{ readonly location: URL; readonly received: number }> {
  const reply = await upload.transport.send({ method: 'GET', path: location, scopes: scopesOf(upload), accept: [200, 202, 204, 404] });
  await reply.discard();
  if (reply.status === 404) throw lost(upload, 0, 0);
  const last = /^(?:bytes=)?0-(\d+)$/.exec(reply.headers.get('range') ?? '')?.[1];
  // ACR and distribution say 0-0 when nothing arrived.
  const received = last === undefined || last === '0' ? 0 : Number(last) + 1;
  return { location: reply.headers.has('location') ? locationOf(upload, reply) : location, received };
}

// Kind unavailable: the whole upload is begun again.
function lost(upload: Upload, received: number, expected: number): Failure {
  return new Failure({ code: 'REGISTRY_UNAVAILABLE', message: `the registry lost an upload to ${upload.name}`, facts: { received, expected } });
}
