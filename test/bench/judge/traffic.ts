// SPDX-License-Identifier: Apache-2.0
// What the two arms of a simulated rollout count in one slot.
import type { ArmCounts } from '@pratique/kube';
import { binomial, burstyBinomial, poissonCounts, type Random } from './random.ts';

/** Shares of an arm's requests: failures, and slower than each boundary, descending. */
export interface Shares {
  readonly failures: number;
  readonly slow: readonly number[];
}

/** Boundaries at which "slow" is counted, in seconds. */
export const boundaries = [0.1, 0.25, 0.5];
/** So many of the failures are slow ones, at every boundary: time-outs. */
const slowFailures = 0.8;
/** Logarithmic spread of answer times. */
const spread = 0.5;

/** Shares of a service whose answers take `median` seconds (log-normal) and which fails `failures` of them. */
export function serviceShares(failures: number, median: number): Shares {
  return { failures, slow: boundaries.map((boundary) => slowFailures * failures + (1 - failures) * (1 - normalBelow(Math.log(boundary / median) / spread))) };
}

/** Every share moved to a line. */
export function sharesOn({ failures, slow }: Shares, line: { readonly absolute: number; readonly relative: number }): Shares {
  const onLine = (share: number): number => line.absolute + line.relative * share;
  return { failures: onLine(failures), slow: slow.map(onLine) };
}

/** Counts of one slot: failures first, then slower than each boundary. Failures and slow answers are of the same requests. */
export function countSlot(random: Random, { mean, rho, shares }: { readonly mean: number; readonly rho: number; readonly shares: Shares }): ArmCounts[] {
  const requests = countsOf(mean)(random);
  const failures = burstyBinomial(random, requests, { share: shares.failures, rho });
  const timeouts = shares.slow.length > 0 ? binomial(random, failures, slowFailures) : 0;
  const counts: ArmCounts[] = [{ requests, failures }];
  let [left, leftShare] = [requests - failures, 1 - shares.failures];
  for (const [index, share] of shares.slow.entries()) {
    const own = Math.max(0, share - slowFailures * shares.failures);
    // The bursts are in the first boundary; those above are parts of it.
    left = index === 0 ? burstyBinomial(random, left, { share: own / leftShare, rho }) : binomial(random, left, own / leftShare);
    leftShare = own;
    counts.push({ requests, failures: left + timeouts });
  }
  return counts;
}

const known = new Map<number, (random: Random) => number>();

function countsOf(mean: number): (random: Random) => number {
  const counts = known.get(mean) ?? poissonCounts(mean);
  known.set(mean, counts);
  return counts;
}

/** Standard normal distribution function (Abramowitz and Stegun 26.2.17; error below 1e-7, and the shares only need to be the same for both arms). */
function normalBelow(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail = (Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI)) * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
