// SPDX-License-Identifier: Apache-2.0
// `npm run bench:judge [-- --quick] [-- --only WORDS]`: simulates rollouts with the judge and prints how often it errs and how fast it sees. Ends with 1 when a claim does not hold.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { cells, type Cell } from './judge/cells.ts';
import type { Outcome } from './judge/trial.ts';

const quick = process.argv.includes('--quick');
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '') : '';
const runs = quick ? 500 : 10_000;
const columns = [52, 9, 11, 9, 11, 16, 16, 24];

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const row = (words: readonly string[]): string => words.map((word, index) => (index === 0 ? word.padEnd(columns[index] ?? 0) : word.padStart(columns[index] ?? 0))).join(' ').trimEnd();
const rate = (hits: number, of: number): string => (hits === 0 ? '0' : ((100 * hits) / of).toFixed(2));

/** Times by which half and nine tenths of all runs had it; `-` when so many never had. */
function times(seconds: readonly number[], of: number): string {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number): string => String(sorted[Math.ceil(share * of) - 1] ?? '-');
  return seconds.length === 0 ? '' : `${at(0.5)}/${at(0.9)}`;
}

/** The claims of a row in words, and whether each holds. */
function check({ claims }: Cell, { rollback, promote, environment, runs: of }: Outcome): { readonly words: string; readonly holds: boolean } {
  const all: readonly (readonly [string, number | undefined, number, boolean])[] = [
    ['rollback <=', claims.rollbackAtMost, rollback.length, true], ['promote <=', claims.promoteAtMost, promote.length, true],
    ['rollback >=', claims.rollbackAtLeast, rollback.length, false], ['promote >=', claims.promoteAtLeast, promote.length, false], ['environment >=', claims.environmentAtLeast, environment, false],
  ];
  const told = all.flatMap(([words, bound, hits, most]) => (bound === undefined ? [] : [{ words: `${words} ${Math.round(bound * 100)}`, holds: most ? hits / of <= bound : hits / of >= bound }]));
  return { words: told.map(({ words, holds }) => (holds ? words : `NOT ${words}`)).join(', '), holds: told.every(({ holds }) => holds) };
}

function describe(cell: Cell, outcome: Outcome): string {
  const gate = (seconds: readonly number[]): string => `${rate(seconds.length, outcome.runs)} ${times(seconds, outcome.runs)}`.trim();
  const { words } = check(cell, outcome);
  return row([
    cell.name, rate(outcome.rollback.length, outcome.runs), times(outcome.rollback, outcome.runs), rate(outcome.promote.length, outcome.runs), times(outcome.promote, outcome.runs),
    gate(outcome.gate60), gate(outcome.gate10), words,
  ]);
}

async function simulateAll(indexes: readonly number[], done: (index: number, outcome: Outcome) => void): Promise<void> {
  const waiting = [...indexes];
  const threads = Array.from({ length: Math.min(availableParallelism(), waiting.length) }, () => new Worker(new URL('judge/worker.ts', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 64 } }));
  await Promise.all(threads.map((thread) => new Promise<void>((resolve, reject) => {
    const next = (): void => {
      const index = waiting.shift();
      if (index === undefined) resolve(thread.terminate().then(() => undefined));
      else thread.postMessage({ index, runs });
    };
    thread.on('error', reject);
    thread.on('message', ({ index, outcome }: { index: number; outcome: Outcome }) => {
      done(index, outcome);
      next();
    });
    next();
  })));
}

const wanted = cells.flatMap((cell, index) => (`${cell.group}: ${cell.name}`.includes(only) ? [index] : []));
const outcomes = new Map<number, Outcome>();
const start = Date.now();
print(`${runs} rollouts a row, ${wanted.length} rows, slots of 5 s to 600 s, rates per arm, no minimum dwell. Rollback and promotion in % of runs, at any slot, each without stopping at the other`);
print('(a row that only asks for rollbacks stops there). Times in s by which half / nine in ten runs had it. Gates: the last minute at 99 % success, every 60 or 10 s, the fifth failed check rolls back.\n');
let printed = 0;
await simulateAll(wanted, (index, outcome) => {
  outcomes.set(index, outcome);
  for (let at = wanted[printed]; at !== undefined; at = wanted[printed]) {
    const [cell, before, found] = [cells[at], cells[wanted[printed - 1] ?? -1], outcomes.get(at)];
    if (cell === undefined || found === undefined) break;
    if (cell.group !== before?.group) print(`\n${row([cell.group, 'rollback', 'times', 'promote', 'times', 'gate 60 s', 'gate 10 s', 'claim'])}`);
    print(describe(cell, found));
    printed += 1;
  }
});
const broken = wanted.filter((index) => {
  const [cell, outcome] = [cells[index], outcomes.get(index)];
  return cell === undefined || outcome === undefined || !check(cell, outcome).holds;
});
print(`\n${broken.length === 0 ? 'Every claim holds' : `${broken.length} claims do not hold`} (${Math.round((Date.now() - start) / 1000)} s).`);
process.exitCode = broken.length === 0 && wanted.length > 0 ? 0 : 1;
