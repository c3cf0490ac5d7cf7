// SPDX-License-Identifier: Apache-2.0
// Which bucket boundaries "slow" is measured at: chosen from stable's history before the run, never after.

/** One bucket of a cumulative histogram: how many requests took at most `le` seconds (`Infinity` for all). */
export interface Bucket {
  readonly le: number;
  readonly count: number;
}

/** Quantiles of stable whose boundaries are watched. */
const watched = [0.5, 0.95, 0.99];

/**
 * The smallest boundaries at or above the 50th, 95th and 99th percentile of `buckets`, each once, ascending. A percentile above the last finite
 * boundary has none: it cannot be watched. Empty when there is no request, or no bucket `Infinity` to say how many there were.
 */
export function chooseBoundaries(buckets: readonly Bucket[]): number[] {
  const sorted = buckets.filter(({ le, count }) => !Number.isNaN(le) && Number.isFinite(count)).sort((a, b) => a.le - b.le);
  const last = sorted.at(-1);
  if (last === undefined || last.le !== Number.POSITIVE_INFINITY || last.count <= 0) return [];
  const chosen = watched.map((quantile) => sorted.find(({ count }) => count >= quantile * last.count)?.le ?? Number.POSITIVE_INFINITY);
  return [...new Set(chosen)].filter(Number.isFinite).sort((a, b) => a - b);
}
