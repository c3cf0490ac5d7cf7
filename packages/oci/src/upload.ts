// SPDX-License-Identifier: Apache-2.0
// Blobs to a registry: mounted, in one PUT when small, in pieces that are resumed when large (distribution-spec 1.1, pushing-blobs).
import { Failure, retry, type FailureCode } from '@pratique/core';
import type { OpenContent } from './content.ts';
import type { Descriptor } from './descriptor.ts';
import { resolveLocation } from './location.ts';
import { createPieces, type Pieces } from './pieces.ts';
import type { HttpReply } from './exchange.ts';
import { repositoryScope } from './scope.ts';
import type { Transport } from './transport.ts';
import { verifyStream } from './verified-stream.ts';

export interface Upload {
  readonly transport: Transport;
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly open: OpenContent;
  readonly mountFrom?: string;
  /** Whether the registry has the blob by now: asked before an upload is begun again, since only its reply may have been lost. */
  exists(): Promise<boolean>;
}

/** Bytes of one PATCH: streamed, so that it costs no memory, and lost at most when a connection breaks. Proxies often refuse more than 100 MB. */
const pieceSize = 64 * 1024 * 1024;
const piecesAbove = 32 * 1024 * 1024;
/** Up to here sending bytes that may be there already is cheaper than asking. */
const unaskedBelow = 4 * 1024 * 1024;
const refusals: ReadonlySet<FailureCode> = new Set(['REGISTRY_FORBIDDEN', 'REGISTRY_UNAUTHORIZED', 'REGISTRY_NOT_FOUND', 'REGISTRY_PROTOCOL', 'REGISTRY_LOCKED', 'ACR_ROLE_MISSING']);

/** Uploads a blob that the repository does not have. A broken upload is resumed, then begun again, at most three times. */
export async function uploadBlob(upload: Upload): Promise<'present' | 'mounted' | 'uploaded'> {
  const { clock, signal } = upload.transport;
  return retry(async (attempt) => {
    if (attempt > 1 && (await upload.exists())) return 'uploaded';
    const started = await start(upload);
    if (started === 'mounted' || started === 'present') return started;
    const minimum = Number(started.headers.get('oci-chunk-min-length') ?? 0);
    const size = Math.min(Math.max(pieceSize, Number.isSafeInteger(minimum) ? minimum : 0), 4 * pieceSize);
    await (upload.descriptor.size > piecesAbove ? putPieces(upload, locationOf(upload, started), size) : putWhole(upload, locationOf(upload, started)));
    return 'uploaded';
  }, { clock, signal, attempts: 3 });
}

const scopesOf = (upload: Upload): readonly string[] => [repositoryScope(upload.name, 'pull,push')];

// A mount from the repository itself says that the blob is there, or begins the upload: one call instead of two, and none of them a HEAD,
// after which Node's fetch closes the connection (undici, client-h1.js: kReset). That is a handshake for each blob.
async function start(upload: Upload): Promise<HttpReply | 'present' | 'mounted'> {
  const path = `/v2/${upload.name}/blobs/uploads/`;
  const own = upload.mountFrom === undefined || upload.mountFrom === upload.name;
  const mounted = await mount(upload, path, upload.mountFrom ?? upload.name);
  await mounted?.discard();
  if (mounted?.status === 201) return own ? 'present' : 'mounted';
  // Registries that mount nothing answer 202 as well.
  const ask = mounted === undefined || !own || upload.descriptor.size > unaskedBelow;
  if (ask && (await upload.exists())) return 'present';
  if (mounted !== undefined) return mounted;
  const reply = await upload.transport.send({ method: 'POST', path, scopes: scopesOf(upload), body: new Uint8Array(), accept: [202] });
  await reply.discard();
  return reply;
}

/** 201 when mounted, 202 when an upload was begun instead, `undefined` when the source may not be read: then the bytes are sent. */
async function mount(upload: Upload, path: string, from: string): Promise<HttpReply | undefined> {
  const query = new URLSearchParams({ mount: upload.descriptor.digest, from });
  const scopes = from === upload.name ? scopesOf(upload) : [...scopesOf(upload), repositoryScope(from, 'pull')];
  try {
    return await upload.transport.send({ method: 'POST', path: `${path}?${query}`, scopes, body: new Uint8Array(), accept: [201, 202] });
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

const openVerified = async (upload: Upload): Promise<ReadableStream<Uint8Array>> => verifyStream(await upload.open(), upload.descriptor, `the blob for ${upload.name}`);

async function putWhole(upload: Upload, location: URL): Promise<void> {
  const { descriptor, transport } = upload;
  await finish(upload, await transport.send({
    method: 'PUT', path: closing(location, descriptor.digest), scopes: scopesOf(upload), headers: { 'content-type': 'application/octet-stream' },
    body: { size: descriptor.size, open: () => openVerified(upload) }, accept: [201, 204], attempts: 1,
  }));
}

async function finish(upload: Upload, reply: HttpReply): Promise<void> {
  await reply.discard();
  const stored = reply.headers.get('docker-content-digest');
  if (stored === null || stored === upload.descriptor.digest) return;
  throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `the registry stored ${stored.slice(0, 200)} where ${upload.descriptor.digest} was sent` });
}

/** How far an upload has come. ACR's `_state` in the location changes each time. */
interface Progress {
  readonly location: URL;
  readonly received: number;
}

async function putPieces(upload: Upload, begun: URL, size: number): Promise<void> {
  const { descriptor, transport } = upload;
  const pieces = createPieces(() => openVerified(upload));
  let progress: Progress = { location: begun, received: 0 };
  try {
    while (progress.received < descriptor.size) {
      const end = Math.min(progress.received + size, descriptor.size);
      progress = await retry(async (attempt) => {
        if (attempt > 1) progress = await resume(upload, progress, end);
        return progress.received === end ? progress : putPiece(upload, progress, { pieces, end });
      }, { clock: transport.clock, signal: transport.signal, budgetSeconds: 600 });
    }
  } finally {
    await pieces.cancel();
  }
  await finish(upload, await transport.send({ method: 'PUT', path: closing(progress.location, descriptor.digest), scopes: scopesOf(upload), body: new Uint8Array(), accept: [201, 204], attempts: 1 }));
}

async function putPiece(upload: Upload, { location, received }: Progress, { pieces, end }: { readonly pieces: Pieces; readonly end: number }): Promise<Progress> {
  const size = end - received;
  const reply = await upload.transport.send({
    method: 'PATCH', path: location, scopes: scopesOf(upload), body: { size, open: () => pieces.at(received, size) }, accept: [201, 202, 204], attempts: 1,
    headers: { 'content-type': 'application/octet-stream', 'content-range': `${received}-${end - 1}` },
  });
  await reply.discard();
  return { location: locationOf(upload, reply), received: end };
}

/** After a break: how much arrived. What was acknowledged before must still be there, or the whole upload is begun again. */
async function resume(upload: Upload, before: Progress, end: number): Promise<Progress> {
  const status = await uploadStatus(upload, before.location);
  if (status.received < before.received || status.received > end) throw lost(upload, status.received, before.received);
  return status;
}

async function uploadStatus(upload: Upload, location: URL): Promise<Progress> {
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
