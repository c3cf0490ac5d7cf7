// SPDX-License-Identifier: Apache-2.0
// Runs programs: a clean environment, bounded output, and an end for the whole process group when time is up or the run is cancelled.
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { exec as run } from '@actions/exec';
import { Failure, redact, type Command, type CommandResult, type Exec } from '@pratique/core';
import { createCapture, createLineReader } from './output.ts';
import { signalGroup, withChild } from './process-group.ts';
import { findProgram } from './program-path.ts';

/** Bytes kept of the beginning and of the end of each stream. */
const captureLimit = 16 * 1024 * 1024;

export interface ExecOptions {
  readonly workspace: string;
  readonly signal: AbortSignal;
  /** The clean environment of every child. */
  readonly environment: () => Promise<Readonly<Record<string, string>>>;
}

/** The exec port on this machine, by @actions/exec. */
export function createExec(options: ExecOptions): Exec {
  return {
    async run(command) {
      options.signal.throwIfAborted();
      const environment = { ...(await options.environment()), ...command.env };
      const file = await findProgram(command.file, environment['PATH'], options.workspace);
      if (file === undefined) throw missing(command.file);
      // setsid makes the child the leader of a group of its own, which can be ended as a whole. Where there is none (macOS), only the child is ended.
      const leader = await findProgram('setsid', environment['PATH'], '/');
      return runChild({ command, environment, signal: options.signal, cwd: command.cwd ?? options.workspace, argv: leader ? [leader, file, ...command.args] : [file, ...command.args], leads: leader !== undefined });
    },
  };
}

interface Start {
  readonly command: Command;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly leads: boolean;
}

async function runChild(start: Start): Promise<CommandResult> {
  const { command, signal } = start;
  const output = { stdout: createCapture(captureLimit), stderr: createCapture(captureLimit) };
  const readers = command.onLine ? { stdout: createLineReader(command.onLine), stderr: createLineReader(command.onLine) } : undefined;
  const take = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
    output[stream].take(chunk);
    readers?.[stream].take(chunk);
  };
  const ending = createEnding(start);
  const stop = (): void => ending.begin('cancelled');
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => ending.begin('timeout'), (command.timeoutSeconds ?? 600) * 1000);
  try {
    const [file = '', ...args] = start.argv;
    const exitCode = await withChild(ending.watch, () => run(quote(file), args, {
      cwd: start.cwd, env: { ...start.environment }, silent: true, ignoreReturnCode: true, delay: 2000,
      // Without any input @actions/exec leaves the child's standard input open, and a program that reads it would wait for ever.
      input: Buffer.from(command.stdin ?? ''),
      listeners: { stdout: take('stdout'), stderr: take('stderr') },
    }));
    readers?.stdout.end();
    readers?.stderr.end();
    if (ending.reason() === 'cancelled') throw signal.reason;
    if (ending.reason() === 'timeout') throw timedOut(command, output.stderr.text() || output.stdout.text());
    return { exitCode: ending.exitCode(exitCode), stdout: output.stdout.text(), stderr: output.stderr.text() };
  } catch (thrown) {
    if (thrown instanceof Failure || signal.aborted) throw signal.aborted ? signal.reason : thrown;
    throw missing(command.file, thrown);
  } finally {
    clearTimeout(timer);
    ending.done();
    signal.removeEventListener('abort', stop);
  }
}

// GitHub kills an action 10 s after it asked it to stop: a child gets 2 s to clean up, then less politeness.
const courtesies = { cancelled: [['SIGINT', 0], ['SIGTERM', 2], ['SIGKILL', 4]], timeout: [['SIGTERM', 0], ['SIGKILL', 3]] } as const;

function createEnding(start: Pick<Start, 'leads'>) {
  let child: ChildProcess | undefined;
  let reason: keyof typeof courtesies | undefined;
  const timers: NodeJS.Timeout[] = [];
  const begin = (why: keyof typeof courtesies): void => {
    if (reason !== undefined) return;
    reason = why;
    for (const [name, after] of courtesies[why]) timers.push(setTimeout(() => child && signalGroup(child, name, start.leads), after * 1000));
  };
  return {
    begin,
    watch(started: ChildProcess): void {
      child = started;
      // A child that ends without reading its input breaks the pipe; that is its right, and no reason for this process to die.
      queueMicrotask(() => started.stdin?.on('error', (error) => ((error as NodeJS.ErrnoException).code === 'EPIPE' ? undefined : started.emit('error', error))));
    },
    reason: () => reason,
    exitCode: (code: number | null): number => code ?? 128 + (child?.signalCode ? constants.signals[child.signalCode] : 0),
    done(): void {
      for (const timer of timers) clearTimeout(timer);
      if (reason !== undefined && child) signalGroup(child, 'SIGKILL', start.leads);
    },
  };
}

// @actions/exec takes the program as a command line that it splits itself; in quotes only backslash and quote are special.
const quote = (file: string): string => `"${file.replace(/(["\\])/g, '\\$1')}"`;

function missing(file: string, cause?: unknown): Failure {
  return new Failure({
    code: 'TOOL_MISSING', message: cause === undefined ? `${file} was not found on PATH` : `${file} could not be started`,
    hint: `Install ${file}, or put it on PATH; "pratique tools" lists what is looked for and where.`, facts: { program: file }, cause,
  });
}

function timedOut(command: Command, output: string): Failure {
  const lastLines = redact(output).trimEnd().split('\n').slice(-10);
  return new Failure({
    code: 'TOOL_TIMEOUT', message: `${command.file} ${command.args[0] ?? ''} did not end within ${command.timeoutSeconds ?? 600} seconds and was ended`.replace('  ', ' '),
    hint: 'Its last lines are in the details.', facts: { program: command.file, lastLines },
  });
}
