// SPDX-License-Identifier: Apache-2.0
// Blobs: HEAD, GET with ranges, GET by redirect to a second host, DELETE (distribution-spec 1.1, "Pulling blobs", "Deleting blobs").
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isDigest, type Digest } from '@pratique/core';
import { respondWithFile } from '../serve.ts';
import { filePart, type Content } from './media.ts';
import { blobUnknown, digestInvalid, Refusal } from './refusal.ts';
import { requireUnlocked, type Route } from './registry.ts';
import type { Store } from './store.ts';

/** `GET`, `HEAD /v2/NAME/blobs/DIGEST`. */
export const readBlob: Route = async (registry, { name, reference, request, method }) => {
  if (!isDigest(reference)) throw digestInvalid(reference, 'invalid digest');
  const content = registry.store.hasBlob(name, reference) ? await registry.store.content(reference) : undefined;
  if (!content) throw blobUnknown(reference);
  requireUnlocked('read', registry.store.find(name)?.record);
  if (method === 'HEAD' || !registry.blobUrl) return respondWithContent(content, reference, request);
  return new Response(null, { status: 307, headers: { location: registry.blobUrl(reference), 'docker-content-digest': reference } });
};

/** `DELETE /v2/NAME/blobs/DIGEST`. */
export const deleteBlob: Route = async (registry, { name, reference }) => {
  if (!isDigest(reference)) throw digestInvalid(reference, 'invalid digest');
  await registry.store.exclusively(name, async () => {
    if (!registry.store.hasBlob(name, reference)) throw blobUnknown(reference);
    requireUnlocked('delete', registry.store.find(name)?.record);
    await registry.store.unlinkBlob(name, reference);
  });
  return new Response(null, { status: 202, headers: { 'docker-content-digest': reference } });
};

/** Content as a reply, whole or the one range asked for (RFC 9110, section 14; several ranges get the whole). */
export function respondWithContent(content: Content, digest: Digest, request: Request): Response {
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes', 'cache-control': 'max-age=31536000', 'content-type': 'application/octet-stream', 'docker-content-digest': digest, etag: `"${digest}"`,
  };
  const range = readRange(request.headers.get('range'), content.size);
  if (range === 'unsatisfiable') return rangeRefusal(content.size);
  const { start, end } = range ?? { start: 0, end: content.size - 1 };
  headers['content-length'] = String(end - start + 1);
  if (range) headers['content-range'] = `bytes ${start}-${end}/${content.size}`;
  const init = { status: range ? 206 : 200, headers };
  if (request.method === 'HEAD') return new Response(null, init);
  const part = filePart(content, start, end);
  if (part) return respondWithFile(part, init);
  return new Response('bytes' in content ? (content.bytes.subarray(start, end + 1) as Uint8Array<ArrayBuffer>) : null, init);
}

function rangeRefusal(size: number): Response {
  return new Refusal({ status: 416, code: 'RANGE_INVALID', message: 'the range cannot be served', headers: { 'content-range': `bytes */${size}` } }).toResponse();
}

function readRange(header: string | null, size: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const start = suffix ? Math.max(size - Number(match[2]), 0) : Number(match[1]);
  const end = suffix || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

/** The second host that blobs are read from: signed addresses out, blobs in. */
export interface BlobHost {
  /** An address that works for twenty minutes. */
  url(base: string, digest: Digest): string;
  handle(request: Request): Promise<Response>;
}

const urlLifetimeSeconds = 1200;

/** A blob host in the manner of Azure Storage with shared access signatures: it refuses requests that carry `Authorization`. */
export function createBlobHost(store: Store, now: () => Date): BlobHost {
  const key = randomBytes(32);
  const signature = (path: string, expiry: string): Buffer => createHmac('sha256', key).update(`${path}\n${expiry}`).digest();
  return {
    url(base, digest) {
      const path = `/${digest.replace(':', '/')}`;
      const expiry = new Date(now().getTime() + urlLifetimeSeconds * 1000).toISOString();
      return `${base.replace(/\/$/, '')}${path}?${new URLSearchParams({ se: expiry, sig: signature(path, expiry).toString('base64'), sp: 'r', spr: 'https', sr: 'b', sv: '2018-03-28' })}`;
    },
    async handle(request) {
      const url = new URL(request.url);
      const expiry = url.searchParams.get('se') ?? '';
      const given = Buffer.from(url.searchParams.get('sig') ?? '', 'base64');
      const expected = signature(url.pathname, expiry);
      if (request.headers.has('authorization')) return storageError(400, 'InvalidAuthenticationInfo', 'Authentication information is not given in the correct format.');
      if (given.length !== expected.length || !timingSafeEqual(given, expected) || new Date(expiry) <= now()) return storageError(403, 'AuthenticationFailed', 'Signature did not match, or expired.');
      const digest = url.pathname.slice(1).replace('/', ':');
      const content = isDigest(digest) ? await store.content(digest) : undefined;
      return content && isDigest(digest) ? respondWithContent(content, digest, request) : storageError(404, 'BlobNotFound', 'The specified blob does not exist.');
    },
  };
}

function storageError(status: number, code: string, message: string): Response {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(body, { status, headers: { 'content-type': 'application/xml', 'x-ms-error-code': code } });
}
