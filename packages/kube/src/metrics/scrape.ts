// SPDX-License-Identifier: Apache-2.0
// How often the metrics server reads its counters, as the series themselves tell.
import type { Series } from './prometheus.ts';

/** Seconds between two samples of the longest series, the median, whole and at least 1; `undefined` when no series has three samples. */
export function scrapeInterval(series: readonly Series[]): number | undefined {
  const longest = series.reduce<Series['samples']>((most, { samples }) => (samples.length > most.length ? samples : most), []);
  const gaps = longest.slice(1).map(({ at }, index) => at - (longest[index]?.at ?? at)).sort((a, b) => a - b);
  const median = gaps.length < 2 ? undefined : gaps[Math.floor(gaps.length / 2)];
  return median === undefined ? undefined : Math.max(1, Math.round(median));
}
