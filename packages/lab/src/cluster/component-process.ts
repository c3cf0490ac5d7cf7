// SPDX-License-Identifier: Apache-2.0
// The running programs of a cluster: started, asked to end, started again, each with its log.
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Failure } from '@pratique/core';
import { componentArguments, type ComponentName } from './component.ts';
import { onlyChild, type Enclosure } from './enclosure.ts';

/** Programs of one cluster. */
export interface Components {
  /** Starts it; a running one stays as it is. */
  start(name: ComponentName): Promise<void>;
  /** Ends it: by default as an operator would (SIGTERM, after ten seconds SIGKILL). */
  stop(name: ComponentName, signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Asks `holds` until it does. Fails with `LAB_CLUSTER_FAILED` when `name` ends before, or after `seconds`. */
  until(name: ComponentName, what: string, holds: () => Promise<boolean>): Promise<void>;
}

const patience = { step: 50, seconds: 60 } as const;

/** `paths`: where the programs are; `logs`: a folder outside. */
export function createComponents(enclosure: Enclosure, { paths, logs }: { readonly paths: Readonly<Record<string, string>>; readonly logs: string }): Components {
  const address = enclosure.link.inside;
  const running = new Map<ComponentName, ChildProcess>();
  const lives = (name: ComponentName): boolean => running.get(name)?.exitCode === null && running.get(name)?.signalCode === null;
  const logOf = (name: ComponentName): string => join(logs, `${name}.log`);
  const failure = async (name: ComponentName, message: string): Promise<Failure> =>
    new Failure({ code: 'LAB_CLUSTER_FAILED', message, hint: `The end of ${logOf(name)}:\n${(await readFile(logOf(name), 'utf8')).slice(-4000).trimEnd()}` });
  return {
    async start(name) {
      if (lives(name)) return;
      running.set(name, await enclosure.start(paths[name] ?? name, componentArguments(name, address), logOf(name)));
    },
    async stop(name, signal = 'SIGTERM') {
      const child = running.get(name);
      if (child === undefined || !lives(name)) return;
      const ended = once(child, 'exit');
      // The child is nsenter, which waits for the program and hands no signal on.
      const program = await onlyChild(child.pid ?? 0);
      process.kill(program, signal);
      const late = setTimeout(() => process.kill(program, 'SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
    },
    async until(name, what, holds) {
      const end = Date.now() + patience.seconds * 1000;
      // A server that does not listen yet refuses: that is asked again as well.
      while (!(await holds().catch(() => false))) {
        if (!lives(name)) throw await failure(name, `${name} has ended before ${what}`);
        if (Date.now() > end) throw await failure(name, `${what} was awaited for ${patience.seconds} s`);
        await new Promise((resolve) => setTimeout(resolve, patience.step));
      }
    },
  };
}
