// SPDX-License-Identifier: Apache-2.0
// Getting hold of the processes that @actions/exec starts, and ending them with all their children.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { kill } from 'node:process';

const starting = new AsyncLocalStorage<(child: ChildProcess) => void>();
let subscribed = false;

/**
 * Runs `start` and hands on the child that it spawns. @actions/exec 3 keeps the child to itself, so that nobody could end it;
 * Node publishes each one on a channel (https://nodejs.org/docs/latest-v24.x/api/diagnostics_channel.html#process), in the async context of who spawns it.
 */
export function withChild<T>(onChild: (child: ChildProcess) => void, start: () => Promise<T>): Promise<T> {
  if (!subscribed) {
    subscribed = true;
    subscribe('child_process', (message) => starting.getStore()?.((message as { process: ChildProcess }).process));
  }
  return starting.run(onChild, start);
}

/** Sends a signal to the group that the child leads, or to the child alone where it leads none. One that is gone is no error. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals, leads: boolean): void {
  if (child.pid === undefined) return;
  try {
    kill(leads ? -child.pid : child.pid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
  }
}
