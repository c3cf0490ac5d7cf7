// SPDX-License-Identifier: Apache-2.0
// A client that only moves bytes: `load.ts URL blobs|manifests COUNT SIZE` pushes and pulls, and prints the milliseconds of both as JSON.
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request, type IncomingMessage } from 'node:http';
import process from 'node:process';
import { mapConcurrently } from '@pratique/core';

const [base = '', kind = '', count = '0', size = '0'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const parallel = 4;

interface Call {
  readonly method: string;
  readonly type?: string;
  readonly body?: Uint8Array;
}

/** Sends, counts the bytes of the reply, and throws them away. */
async function call(url: string, { method, type = 'application/octet-stream', body = new Uint8Array() }: Call): Promise<{ readonly reply: IncomingMessage; readonly bytes: number }> {
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    request(new URL(url, base), { method, agent, headers: { 'content-type': type, 'content-length': body.byteLength, accept: type } }, resolve).on('error', reject).end(body);
  });
  let bytes = 0;
  for await (const chunk of reply as AsyncIterable<Buffer>) bytes += chunk.length;
  if ((reply.statusCode ?? 500) >= 400) throw new Error(`${method} ${url} was answered by ${reply.statusCode}`);
  return { reply, bytes };
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function pushBlob(bytes: Uint8Array, digest: string): Promise<void> {
  const { reply } = await call('/v2/web/blobs/uploads/', { method: 'POST' });
  const location = new URL(reply.headers.location ?? '', base);
  location.searchParams.set('digest', digest);
  await call(location.href, { method: 'PUT', body: bytes });
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const empty = Buffer.from('{}');
const emptyPart = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(empty), size: empty.length };

function manifestOf(index: number): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: emptyPart, layers: [emptyPart], annotations: { index: String(index), filler: randomBytes(Number(size) / 4).toString('hex') } }));
}

const parts = Array.from({ length: Number(count) }, (_, index) => (kind === 'manifests' ? manifestOf(index) : randomBytes(Number(size)))).map((bytes) => ({ bytes, digest: digestOf(bytes) }));
await pushBlob(empty, emptyPart.digest);

async function time(work: (part: (typeof parts)[number]) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await mapConcurrently(parts, parallel, work);
  return performance.now() - start;
}

const push = await time(({ bytes, digest }) => (kind === 'manifests' ? call(`/v2/web/manifests/${digest}`, { method: 'PUT', type: manifestType, body: bytes }) : pushBlob(bytes, digest)));
const pull = await time(async ({ bytes, digest }) => {
  const got = await call(`/v2/web/${kind}/${digest}`, { method: 'GET', ...(kind === 'manifests' ? { type: manifestType } : {}) });
  if (got.bytes !== bytes.length) throw new Error(`${digest} came with ${got.bytes} of ${bytes.length} bytes`);
});
process.stdout.write(JSON.stringify({ push, pull }));
agent.destroy();
