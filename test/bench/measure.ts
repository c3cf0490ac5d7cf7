// SPDX-License-Identifier: Apache-2.0
// Measuring side by side: contestants take turns, so that whatever else the machine does hits all of them.
import { spawn } from 'node:child_process';

/** One run from its preparation to its cleaning up; gives the milliseconds of what counts. */
export type Contestant = () => Promise<number>;

/** One line of the table. Times are medians in milliseconds, or single runs where one takes minutes. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  /** `ours / theirs` is to be at most this; none for a row that is there for scale. */
  readonly goal?: number;
  /** Default: `time`. */
  readonly unit?: 'time' | 'count';
}

/** Medians of `repetitions` rounds in which everybody runs once, after one round that does not count. */
export async function takeTurns<K extends string>(contestants: Readonly<Record<K, Contestant>>, repetitions: number): Promise<Record<K, number>> {
  const names = Object.keys(contestants) as K[];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round <= repetitions; round += 1) {
    for (const name of names) {
      const time = await contestants[name]();
      if (round > 0) times.get(name)?.push(time);
    }
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, median(all)])) as Record<K, number>;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The fastest of the peers. */
export function fastest(times: Readonly<Record<string, number>>): { readonly peer: string; readonly theirs: number } {
  const [peer = '', theirs = 0] = Object.entries(times).sort(([, a], [, b]) => a - b)[0] ?? [];
  return { peer, theirs };
}

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 0. */
  readonly status?: number;
}

/** Runs a program to its end. Throws with the end of what it said when its exit status is another one. */
export async function run(program: Program): Promise<{ readonly milliseconds: number; readonly stdout: string }> {
  const start = performance.now();
  const child = spawn(program.file, program.args, { cwd: program.cwd, env: { PATH: process.env['PATH'], ...program.env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  let stdout = '';
  let all = '';
  const take = (chunk: Buffer): unknown => (all = (all + chunk.toString()).slice(-4000));
  child.stdout.on('data', (chunk: Buffer) => take(chunk) && (stdout += chunk.toString()));
  child.stderr.on('data', take);
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const milliseconds = performance.now() - start;
  if (status !== (program.status ?? 0)) throw new Error(`${program.file} ${program.args.join(' ')} ended with ${String(status)}:\n${all}`);
  return { milliseconds, stdout };
}
