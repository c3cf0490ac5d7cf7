// SPDX-License-Identifier: Apache-2.0
// A network in front of a server on loopback: every reply comes a little later.
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

/** For the table. */
export function titleOf(milliseconds: number): string {
  return milliseconds === 0 ? '' : `, replies after ${milliseconds} ms`;
}
