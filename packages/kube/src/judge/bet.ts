// SPDX-License-Identifier: Apache-2.0
// What one window adds to the evidence of each bet: the arithmetic of docs/adr/0007-canary-judge.md.
import type { Arm, ArmPair } from './slot.ts';

/** A line that the canary's failure share is held against: `absolute + relative * (failure share of the baseline)`. */
export interface Line {
  readonly absolute: number;
  readonly relative: number;
}

/** How a window of so many requests is bet on. */
export interface BetOptions {
  /** How many times as often as the line allows the canary is bet to fail; over 1 against it, under 1 for it. */
  readonly bets: readonly number[];
  readonly line: Line;
  readonly requests: Readonly<Record<Arm, number>>;
  /** Intra-window correlation of failures; 0 when each request fails by itself. */
  readonly rho: number;
}

/** What one bet's log evidence gains in a window. */
export interface Stake {
  readonly perCanaryFailure: number;
  readonly perBaselineFailure: number;
  readonly perWindow: number;
}

/** How many requests count as one when failures come in bursts, at least 1. */
export function dispersionOf(requests: number, rho: number): number {
  return 1 + rho * Math.max(0, requests - 1);
}

/** Evidence per failure for the stake `s`, with `c = 1 - 1/dispersion`: the log of the moment generating function of gamma-Poisson counts, solved for its argument. */
export function stakeEvidence(s: number, c: number): number {
  return c < 1e-12 ? Math.log1p(s) : Math.log1p(Math.expm1(c * s) / c) - c * s;
}

/** The stake of each bet for a window of so many requests. */
export function stakesOf({ bets, line, requests: { baseline, canary }, rho }: BetOptions): Stake[] {
  const phiB = dispersionOf(baseline, rho);
  const phiC = dispersionOf(canary, rho);
  const effective = canary / phiC;
  const ratio = line.relative === 0 ? 0 : (line.relative * effective) / (baseline / phiB);
  return bets.map((bet) => {
    const s = (bet - 1) / (1 + ratio * bet);
    return { perCanaryFailure: stakeEvidence(s, 1 - 1 / phiC), perBaselineFailure: stakeEvidence(-ratio * s, 1 - 1 / phiB), perWindow: -line.absolute * s * effective };
  });
}

/** What a window adds to the log evidence of each bet. On the line its exponential has mean at most 1, whatever the baseline fails. */
export function betIncrements({ window: { baseline, canary }, ...bet }: Omit<BetOptions, 'requests'> & { readonly window: ArmPair }): number[] {
  const stakes = stakesOf({ ...bet, requests: { baseline: baseline.requests, canary: canary.requests } });
  return stakes.map((stake) => canary.failures * stake.perCanaryFailure + baseline.failures * stake.perBaselineFailure + stake.perWindow);
}

/** `log(sum(exp(values)))` without overflow; of nothing, minus infinity. */
export function logSum(values: readonly number[]): number {
  const top = values.reduce((a, b) => (a > b ? a : b), Number.NEGATIVE_INFINITY);
  if (top === Number.NEGATIVE_INFINITY) return top;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - top);
  return top + Math.log(sum);
}

/** Log of the mean of what `values` are the logs of: an even mixture of bets. */
export function logMean(values: readonly number[]): number {
  return logSum(values) - Math.log(values.length);
}

/** Adds element by element. */
export function addEach(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + (b[index] ?? 0));
}
