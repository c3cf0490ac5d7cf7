// SPDX-License-Identifier: Apache-2.0
// The judge against values that two independent implementations agree on.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { betIncrements, logMean, stakeEvidence, type Line } from './bet.ts';
import { addDispersion, historyRho, noDispersion, runRho } from './dispersion.ts';
import { judgeSlot, startJudge } from './judge.ts';
import { judgeDefaults, planJudge } from './settings.ts';
import type { ArmPair } from './slot.ts';

type Counts = readonly [number, number, number, number];
interface Vectors {
  readonly t: readonly { s: number; c: number; t: number }[];
  readonly increments: readonly { G: number[]; a: number; r: number; rho: number; w: { nb: number; xb: number; nc: number; xc: number }; out: number[] }[];
  readonly history: readonly { n: number[]; x: number[]; rho: number }[];
  readonly runs: readonly { name: string; rhoHist: number; windows: Counts[]; logA: number[]; logP: number[]; decision: string[] }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../test-vectors/judge.json', import.meta.url), 'utf8')) as Vectors;
const close = (actual: number | undefined, expected: number | undefined, what: string): void => {
  expect(actual, what).toBeTypeOf('number');
  expect(Math.abs((actual ?? 0) - (expected ?? 0)) / Math.max(1, Math.abs(expected ?? 0)), `${what}: ${actual}, not ${expected}`).toBeLessThan(1e-9);
};
const pair = ([nb, xb, nc, xc]: Counts): ArmPair => ({ baseline: { requests: nb, failures: xb }, canary: { requests: nc, failures: xc } });
const alarmBets = judgeDefaults.alarmBets;
const promoteBets = judgeDefaults.promoteBets;

test('evidence of a stake', () => {
  for (const { s, c, t } of vectors.t) close(stakeEvidence(s, c), t, `t(${s}, ${c})`);
  expect(vectors.t.length).toBe(40);
});

test('what a window adds to each bet', () => {
  for (const { G, a, r, rho, w, out } of vectors.increments) {
    const added = betIncrements({ bets: G, line: { absolute: a, relative: r }, window: pair([w.nb, w.xb, w.nc, w.xc]), rho });
    out.forEach((value, index) => close(added[index], value, JSON.stringify({ w, a, r, rho, index })));
  }
});

test.each<{ name: string; window: Counts; bets: readonly number[]; line: Line; rho: number; log: number }>([
  { name: 'alarm', window: [100, 1, 100, 4], bets: alarmBets, line: judgeDefaults.alarm, rho: 0, log: 0.3554569243 },
  { name: 'alarm in bursts', window: [100, 1, 100, 4], bets: alarmBets, line: judgeDefaults.alarm, rho: 0.01, log: 0.2533278484 },
  { name: 'promote in bursts', window: [100, 1, 100, 4], bets: promoteBets, line: judgeDefaults.promote, rho: 0.01, log: -1.072046531 },
  { name: 'alarm, unequal arms', window: [900, 9, 100, 2], bets: alarmBets, line: judgeDefaults.alarm, rho: 0, log: -0.3665599917 },
  { name: 'alarm, unequal arms in bursts', window: [900, 9, 100, 2], bets: alarmBets, line: judgeDefaults.alarm, rho: 0.01, log: -0.1203318651 },
  { name: 'promote without failures', window: [1000, 0, 1000, 0], bets: promoteBets, line: judgeDefaults.promote, rho: 0, log: 3.749313833 },
  { name: 'alarm, very many', window: [5e6, 5000, 5e6, 25000], bets: alarmBets, line: judgeDefaults.alarm, rho: 1e-4, log: 5.998815349 },
  { name: 'alarm at a limit', window: [0, 0, 200, 5], bets: alarmBets, line: { absolute: 0.01, relative: 0 }, rho: 0.001, log: 0.3074059186 },
])('one window: $name', ({ window, bets, line, rho, log }) => {
  close(logMean(betIncrements({ bets, line, window: pair(window), rho })), log, 'log evidence');
});

test('correlation from a history', () => {
  for (const { n, x, rho } of vectors.history) close(historyRho(n.map((requests, index) => ({ requests, failures: x[index] ?? 0 }))), rho, 'rho');
  const slots = [1, 0, 2, 0, 0, 7, 1, 0, 1, 0, 0, 6].map((failures) => ({ requests: 100, failures }));
  close(historyRho(slots), 0.04828643789, 'history');
  close(runRho(slots.reduce(addDispersion, noDispersion)), 0.02969084787, 'run');
});

describe.each(vectors.runs)('run $name', ({ rhoHist, windows, logA, logP, decision }) => {
  test('evidence and verdict at every slot', () => {
    const settings = planJudge({ minimumDwellSeconds: 0, metrics: [{ name: 'failures', historyRho: rhoHist }] });
    let state = startJudge(settings);
    let proven = 'wait';
    windows.forEach((window, index) => {
      const step = judgeSlot(state, { elapsedSeconds: (index + 1) * 5, metrics: { failures: pair(window) } });
      state = step.state;
      const [evidence] = step.judgement.metrics;
      close(evidence?.alarm, logA[index], `alarm at slot ${index}`);
      close(evidence?.promote, logP[index], `promote at slot ${index}`);
      // The values are those of each slot by itself; the judge does not forget that it crossed the alarm line, and gives up at the horizon.
      if (decision[index] === 'rollback' || proven === 'rollback') proven = 'rollback';
      else proven = decision[index] ?? 'wait';
      expect(step.judgement.verdict, `slot ${index}`).toBe(proven === 'wait' && index === 119 ? 'insufficient' : proven);
    });
  });
});
