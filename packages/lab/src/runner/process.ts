// SPDX-License-Identifier: Apache-2.0
// Runs one program of a step: its lines go through the runner's command parser and mask; cancellation as GitHub does it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface StepProcess {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Ends with the exit code; 128 + signal when a signal ended it. SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL to the process on cancel (actions/runner ProcessInvoker.cs). */
export function runProcess(options: StepProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.file, options.args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const timers: NodeJS.Timeout[] = [];
    const end = (): void => {
      child.kill('SIGINT');
      timers.push(setTimeout(() => child.kill('SIGTERM'), 7500), setTimeout(() => killGroup(child.pid), 10_000));
    };
    timers.push(setTimeout(end, options.timeoutSeconds * 1000));
    options.signal.addEventListener('abort', end, { once: true });
    const streams = [lines(child.stdout, options.onLine), lines(child.stderr, options.onLine)];
    const settle = (): void => {
      for (const timer of timers) clearTimeout(timer);
      options.signal.removeEventListener('abort', end);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      void Promise.all(streams).then(() => resolve(code ?? 128 + (signal === 'SIGKILL' ? 9 : signal === 'SIGTERM' ? 15 : 2)));
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function lines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) onLine(line);
}
