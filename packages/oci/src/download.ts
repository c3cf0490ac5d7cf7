// SPDX-License-Identifier: Apache-2.0
// Blobs from a registry: redirected to storage, verified while streamed, taken up again where a connection broke.
import { Failure, retry } from '@pratique/core';
import type { Descriptor } from './descriptor.ts';
import type { HttpReply } from './exchange.ts';
import { repositoryScope } from './scope.ts';
import type { Transport } from './transport.ts';
import { verifyStream } from './verified-stream.ts';

const resumptions = 5;

/** Opens a blob. Later breaks are mended by range requests, at most five times without progress. */
export async function downloadBlob(transport: Transport, name: string, descriptor: Descriptor): Promise<ReadableStream<Uint8Array>> {
  const get = (from: number): Promise<HttpReply> => transport.send({
    method: 'GET', path: `/v2/${name}/blobs/${descriptor.digest}`, scopes: [repositoryScope(name, 'pull')],
    ...(from > 0 ? { headers: { range: `bytes=${from}-` }, accept: [200, 206] } : { accept: [200] }),
  });
  const first = await get(0);
  const length = first.headers.get('content-length');
  if (length !== null && Number(length) !== descriptor.size) {
    await first.discard();
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `the blob ${descriptor.digest} of ${name} has ${length} bytes, not ${descriptor.size}` });
  }
  return verifyStream(resumable(first, get, transport), descriptor, `the blob of ${name}`);
}

function resumable(first: HttpReply, get: (from: number) => Promise<HttpReply>, transport: Transport): ReadableStream<Uint8Array> {
  let reader = first.stream().getReader();
  let offset = 0;
  const reopen = async (): Promise<void> => {
    const reply = await get(offset);
    reader = (reply.status === 206 ? requireRange(reply, offset) : skip(reply.stream(), offset)).getReader();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await retry(async (attempt) => {
        if (attempt > 1) await reopen();
        return reader.read();
      }, { clock: transport.clock, signal: transport.signal, attempts: resumptions });
      if (done) {
        controller.close();
        return;
      }
      offset += value.byteLength;
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function requireRange(reply: HttpReply, offset: number): ReadableStream<Uint8Array> {
  const range = reply.headers.get('content-range') ?? '';
  if (range.startsWith(`bytes ${offset}-`)) return reply.stream();
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `asked for bytes from ${offset}, was given "${range.slice(0, 100)}"`, facts: { url: reply.url.href } });
}

/** The stream without its first `count` bytes: for servers that answer a range request with everything. */
function skip(stream: ReadableStream<Uint8Array>, count: number): ReadableStream<Uint8Array> {
  let left = count;
  return stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      const rest = chunk.subarray(Math.min(left, chunk.byteLength));
      left -= chunk.byteLength - rest.byteLength;
      if (rest.byteLength > 0) controller.enqueue(rest);
    },
  }));
}
