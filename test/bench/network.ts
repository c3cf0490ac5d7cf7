// SPDX-License-Identifier: Apache-2.0
// A network in front of a server on loopback: every reply comes a little later.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Handler } from '@pratique/lab';

/** Milliseconds: a service in the same region. */
export const networkDelay = 20;

/** `handler`, each of whose replies comes after `milliseconds`. */
export function answerAfter(milliseconds: number, handler: Handler): Handler {
  return async (request) => {
    if (milliseconds > 0) await sleep(milliseconds);
    return handler(request);
  };
}

/** A way to the server at `host` whose replies come after `milliseconds`; gives its host. The server must not name its own. */
export async function openSlowWay(host: string, milliseconds: number): Promise<{ readonly host: string; close(): void }> {
  const { hostname, port } = new URL(`http://${host}`);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket)));
    near.pipe(far);
    far.on('data', (chunk: Buffer) => void setTimeout(() => near.write(chunk), milliseconds)).on('end', () => void setTimeout(() => near.end(), milliseconds));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** For the table. */
export function titleOf(milliseconds: number): string {
  return milliseconds === 0 ? '' : `, replies after ${milliseconds} ms`;
}
