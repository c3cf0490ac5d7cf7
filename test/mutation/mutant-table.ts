// SPDX-License-Identifier: Apache-2.0
// What a mutation run found: a table by file, and each survivor that nobody has looked at yet.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { describeMutant } from './mutant.ts';

/** A survivor that a person has looked at: no test can tell it from the source, or none needs to. */
interface Reviewed {
  readonly file: string;
  /** A piece of the source line. */
  readonly in: string;
  readonly change: string;
  readonly why: string;
}

const goal = 85;
const reviewed = JSON.parse(readFileSync(join(import.meta.dirname, 'reviewed-survivors.json'), 'utf8')) as readonly Reviewed[];

const states = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'Reviewed'] as const;
type State = (typeof states)[number];

/** Prints the table; gives whether at least 85 % were noticed, reviewed survivors counted as survivors. */
export function printMutants(mutants: readonly MutantResult[]): boolean {
  const judged = mutants.flatMap((mutant) => {
    const state = stateOf(mutant);
    return state === undefined ? [] : [{ mutant, state, file: describeMutant(mutant).file }];
  });
  const byFile = [...Map.groupBy(judged, ({ file }) => file)].sort(([a], [b]) => (a < b ? -1 : 1));
  printRow('', ['killed', 'timeout', 'survived', 'untested', 'reviewed', 'noticed', 'without reviewed']);
  for (const [name, some] of [...byFile, ['all', judged] as const]) {
    const counts = countOf(some);
    printRow(name, [...states.map((state) => `${counts[state]}`), share(counts, counts.Reviewed), share(counts, 0)]);
  }
  for (const { mutant, state } of judged) if (state === 'Survived' || state === 'NoCoverage') process.stdout.write(`survived ${describeMutant(mutant).text}\n`);
  const total = countOf(judged);
  return Number.parseFloat(share(total, total.Reviewed)) >= goal;
}

function stateOf(mutant: MutantResult): State | undefined {
  const state = states.find((one) => one === mutant.status);
  return (state === 'Survived' || state === 'NoCoverage') && isReviewed(mutant) ? 'Reviewed' : state;
}

function isReviewed(mutant: MutantResult): boolean {
  const { file, line, change } = describeMutant(mutant);
  return reviewed.some((one) => one.file === file && one.change === change && line.includes(one.in));
}

function countOf(some: readonly { readonly state: State }[]): Record<State, number> {
  const count = (state: State): number => some.filter((one) => one.state === state).length;
  return { Killed: count('Killed'), Timeout: count('Timeout'), Survived: count('Survived'), NoCoverage: count('NoCoverage'), Reviewed: count('Reviewed') };
}

function share({ Killed, Timeout, Survived, NoCoverage }: Record<State, number>, unnoticed: number): string {
  const noticed = Killed + Timeout;
  return `${((100 * noticed) / Math.max(1, noticed + Survived + NoCoverage + unnoticed)).toFixed(1)} %`;
}

function printRow(name: string, cells: readonly string[]): void {
  process.stdout.write(`${name.padEnd(52)}${cells.map((cell) => cell.padStart(Math.max(10, cell.length + 2))).join('')}\n`);
}
