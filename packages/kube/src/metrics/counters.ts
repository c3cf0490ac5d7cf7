// SPDX-License-Identifier: Apache-2.0
// Series of the metrics server as counters of the judge, and stable's past as slots.
import type { Bucket } from '../judge/boundary.ts';
import type { CounterSample } from '../judge/counter.ts';
import type { ArmCounts } from '../judge/slot.ts';
import type { CounterPreset } from './preset.ts';
import type { Series } from './prometheus.ts';

/** What stable did before the run. */
export interface History {
  /** Oldest first, as long as the judge's slots. */
  readonly slots: readonly ArmCounts[];
  readonly requestsPerSecond: number;
  /** Share of failures, 0 to 1. */
  readonly share: number;
}

/** The newest sample of each series that was scraped within `freshSeconds` of the newest scrape of all; older ones are of series that ended. */
export function requestSamples(series: readonly Series[], preset: CounterPreset, since: number): readonly CounterSample[] {
  return series.flatMap(({ labels, samples }): CounterSample[] => {
    const newest = samples.at(-1);
    if (newest === undefined || newest.at < since) return [];
    const role = preset.status.failed.test(labels[preset.status.label] ?? '') ? 'failed' : 'good';
    return [{ source: sourceOf(labels, preset), series: nameOf(labels), role, value: newest.value }];
  });
}

/** The two halves of "slower than `boundary` seconds". */
export function slowSamples(series: readonly Series[], preset: CounterPreset, { boundary, since }: { readonly boundary: number; readonly since: number }): readonly CounterSample[] {
  return series.flatMap(({ labels, samples }): CounterSample[] => {
    const newest = samples.at(-1);
    const le = boundOf(labels, preset);
    if (newest === undefined || newest.at < since || (le !== boundary && le !== Number.POSITIVE_INFINITY)) return [];
    return [{ source: sourceOf(labels, preset), series: nameOf(labels), role: le === boundary ? 'fast' : 'all', value: newest.value }];
  });
}

/** Stable's past. Counters that began again count from zero. */
export function historyOf(series: readonly Series[], preset: CounterPreset, slotSeconds: number): History {
  return sumOf(series, slotSeconds, (labels) => ({ requests: 1, failures: preset.status.failed.test(labels[preset.status.label] ?? '') ? 1 : 0 }));
}

/** The same of a histogram, where failures are requests slower than `boundary` seconds. */
export function slowHistoryOf(series: readonly Series[], preset: CounterPreset, { boundary, slotSeconds }: { readonly boundary: number; readonly slotSeconds: number }): History {
  return sumOf(series, slotSeconds, (labels) => {
    const le = boundOf(labels, preset);
    return le === Number.POSITIVE_INFINITY ? { requests: 1, failures: 1 } : { requests: 0, failures: le === boundary ? -1 : 0 };
  });
}

/** `worth`: what one count of a series with these labels adds. */
function sumOf(series: readonly Series[], slotSeconds: number, worth: (labels: Series['labels']) => ArmCounts): History {
  const counts = new Map<number, ArmCounts>();
  for (const { labels, samples } of series) {
    const each = worth(labels);
    for (const [at, increment] of increments(samples)) {
      const slot = Math.floor(at / slotSeconds);
      const before = counts.get(slot) ?? none;
      counts.set(slot, { requests: before.requests + increment * each.requests, failures: before.failures + increment * each.failures });
    }
  }
  const [first, last] = [Math.min(...counts.keys()), Math.max(...counts.keys())];
  const slots = counts.size === 0 ? [] : Array.from({ length: last - first + 1 }, (_, index) => counts.get(first + index) ?? none);
  const requests = slots.reduce((sum, slot) => sum + slot.requests, 0);
  const failures = slots.reduce((sum, slot) => sum + slot.failures, 0);
  return { slots, requestsPerSecond: slots.length === 0 ? 0 : requests / (slots.length * slotSeconds), share: requests === 0 ? 0 : failures / requests };
}

const none: ArmCounts = { requests: 0, failures: 0 };

/** Stable's times as one cumulative histogram, in seconds. */
export function bucketsOf(series: readonly Series[], preset: CounterPreset): readonly Bucket[] {
  const counts = new Map<number, number>();
  for (const { labels, samples } of series) {
    const le = boundOf(labels, preset);
    counts.set(le, (counts.get(le) ?? 0) + increments(samples).reduce((sum, [, increment]) => sum + increment, 0));
  }
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

function increments(samples: Series['samples']): readonly (readonly [at: number, increment: number])[] {
  const known = samples.filter(({ value }) => Number.isFinite(value) && value >= 0);
  return known.slice(1).map(({ at, value }, index) => {
    const before = known[index]?.value ?? 0;
    return [at, value < before ? value : value - before];
  });
}

// Bounds are texts; 0.3 of one unit must be the same number wherever it is read.
function boundOf(labels: Series['labels'], { unitSeconds }: CounterPreset): number {
  const text = labels['le'] ?? '';
  return text === '+Inf' ? Number.POSITIVE_INFINITY : Number((Number(text === '' ? Number.NaN : text) * unitSeconds).toPrecision(12));
}

const sourceOf = (labels: Series['labels'], preset: CounterPreset): string => preset.source.map((label) => labels[label] ?? '').join(' ');
const nameOf = (labels: Series['labels']): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
