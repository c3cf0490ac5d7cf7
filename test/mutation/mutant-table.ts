// SPDX-License-Identifier: Apache-2.0
// What a mutation run found: a table by file, and each survivor that nobody has looked at yet.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { describeMutant } from './mutant.ts';

/** A survivor that a person has looked at: no test can tell it from the source, or none needs to. */
interface Reviewed {
  readonly file: string;
  readonly change: string;
  readonly why: string;
}

const goal = 85;
const reviewed = JSON.parse(readFileSync(join(import.meta.dirname, 'reviewed-survivors.json'), 'utf8')) as readonly Reviewed[];

interface Counts {
  readonly killed: number;
  readonly timeouts: number;
  readonly survived: number;
  readonly reviewed: number;
}

/** Prints the table; the status is 1 when less than 85 % were killed. Reviewed survivors count neither way. */
export function printMutants(mutants: readonly MutantResult[]): number {
  const judged = mutants.filter(({ status }) => ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status));
  const byFile = Map.groupBy(judged, (mutant) => describeMutant(mutant).file);
  const rows = [...byFile].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, some]) => ({ name: file, counts: count(some) }));
  const total = count(judged);
  for (const { name, counts } of [...rows, { name: 'all', counts: total }]) {
    process.stdout.write(`${name.padEnd(52)} ${String(counts.killed).padStart(5)} killed ${String(counts.timeouts).padStart(4)} timeouts ${String(counts.survived).padStart(5)} survived ${String(counts.reviewed).padStart(4)} reviewed ${shareOf(counts).toFixed(1).padStart(6)} %\n`);
  }
  for (const mutant of judged) if (survived(mutant) && reviewOf(mutant) === undefined) process.stdout.write(`survived ${describeMutant(mutant).text}\n`);
  return shareOf(total) >= goal ? 0 : 1;
}

const survived = ({ status }: MutantResult): boolean => status === 'Survived' || status === 'NoCoverage';

function reviewOf(mutant: MutantResult): Reviewed | undefined {
  const { file, change } = describeMutant(mutant);
  return reviewed.find((one) => one.file === file && one.change === change);
}

function count(mutants: readonly MutantResult[]): Counts {
  const alive = mutants.filter(survived);
  const known = alive.filter((mutant) => reviewOf(mutant) !== undefined).length;
  return { killed: mutants.filter(({ status }) => status === 'Killed').length, timeouts: mutants.filter(({ status }) => status === 'Timeout').length, survived: alive.length - known, reviewed: known };
}

function shareOf({ killed, timeouts, survived: alive }: Counts): number {
  return (100 * (killed + timeouts)) / Math.max(1, killed + timeouts + alive);
}
