// SPDX-License-Identifier: Apache-2.0
// What the benches print: the machine, and a table of ratios.
import { cpus, loadavg } from 'node:os';
import type { Row } from './measure.ts';

/** One line on the machine, and a warning when others use it too. */
export function machineLine(): string {
  const [load = 0] = loadavg();
  const cores = cpus().length;
  const line = `${cores} cores (${cpus()[0]?.model ?? 'unknown'}), load ${load.toFixed(1)}, Node ${process.version}`;
  return load > cores / 2 ? `${line}\nWARNING: others use this machine. Ratios are of runs that took turns, but small ones say little now.` : line;
}

/** The rows as text, columns aligned. */
export function formatRows(rows: readonly Row[]): string {
  const lines = [
    ['what', 'ours', 'theirs', 'peer', 'ratio', 'goal', ''],
    ...rows.map(({ what, ours, theirs, peer, goal, unit = 'time' }) => [what, units[unit](ours), units[unit](theirs), peer, (ours / theirs).toFixed(2), ...verdict(ours / theirs, goal)]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n');
}

function verdict(ratio: number, goal: number | undefined): readonly string[] {
  return goal === undefined ? ['', ''] : [`<= ${goal}`, ratio <= goal ? 'met' : 'MISSED'];
}

function time(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

const units = { time, count: (value: number) => value.toFixed(0) } as const;
