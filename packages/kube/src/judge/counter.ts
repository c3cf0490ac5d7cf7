// SPDX-License-Identifier: Apache-2.0
// From raw counters, as they are scraped, to increments that count each request once.
import type { ArmCounts } from './slot.ts';

/**
 * What a series counts. `good` and `failed` requests are disjoint. For latency `all` counts every request (as slow, until `fast` takes
 * back those at or below the boundary).
 */
export type SeriesRole = 'good' | 'failed' | 'all' | 'fast';

/** One series of one scrape. */
export interface CounterSample {
  /** Who counts: a pod, a gateway instance. It restarts as one. */
  readonly source: string;
  /** Labels in a form that is always the same. */
  readonly series: string;
  readonly role: SeriesRole;
  /** The counter itself, never a rate. */
  readonly value: number;
}

/** One look at all series of an arm. */
export interface CounterReading {
  /** Seconds on any steady clock, the same for all readings. */
  readonly atSeconds: number;
  readonly samples: readonly CounterSample[];
  /** When a source began, on the same clock; its first 30 s are left out. Absent: it has been there for long. */
  readonly startedAt?: Readonly<Record<string, number>>;
  /** Sources that are known to have ended. Their last requests are lost, and `ended` says so. */
  readonly gone?: readonly string[];
}

/** What is remembered of an arm's counters; JSON. */
export interface CounterState {
  readonly sources: Readonly<Record<string, SourceState>>;
}

/** Last values of one source by series, and when they were read. */
export interface SourceState {
  readonly atSeconds: number;
  readonly values: Readonly<Record<string, number>>;
}

/** What a reading adds. */
export interface CounterIncrement {
  readonly state: CounterState;
  /** Absent when a source that is expected could not be read whole: nothing is counted then, and the next whole reading covers the time. */
  readonly counts?: ArmCounts;
  /** Sources whose counters began again: a signal of its own. */
  readonly restarted: readonly string[];
  /** Sources that should be there and could not be read (absent, NaN, infinite, twice, or without the other half of a histogram). */
  readonly missing: readonly string[];
  /** Sources that were counted before and are gone for good. */
  readonly ended: readonly string[];
}

/** How long a new source is left out: start-up is not what is judged. */
export const warmUpSeconds = 30;

const parts: Readonly<Record<SeriesRole, ArmCounts>> = {
  good: { requests: 1, failures: 0 }, failed: { requests: 1, failures: 1 }, all: { requests: 1, failures: 1 }, fast: { requests: 0, failures: -1 },
};

/** Nothing read yet. */
export const noCounters: CounterState = { sources: {} };

/** Takes in a reading. The first one of a source only sets where counting begins. */
export function readCounters(state: CounterState, reading: CounterReading): CounterIncrement {
  const gone = new Set(reading.gone);
  const known = Object.keys(state.sources);
  const bySource = Map.groupBy(reading.samples.filter(({ source }) => !gone.has(source)), ({ source }) => source);
  const missing = [...new Set([...known.filter((source) => !gone.has(source)), ...bySource.keys()])].filter((source) => !isWhole(bySource.get(source), state.sources[source])).sort();
  const ended = known.filter((source) => gone.has(source)).sort();
  if (missing.length > 0 || bySource.size === 0) return { state, restarted: [], missing, ended: [] };
  const sources: Record<string, SourceState> = {};
  const restarted: string[] = [];
  let counts: ArmCounts = { requests: 0, failures: 0 };
  for (const [source, samples] of bySource) {
    const step = readSource(samples, { before: state.sources[source], atSeconds: reading.atSeconds, countsFrom: (reading.startedAt?.[source] ?? Number.NEGATIVE_INFINITY) + warmUpSeconds });
    sources[source] = step.state;
    if (step.restarted) restarted.push(source);
    counts = { requests: counts.requests + step.counts.requests, failures: counts.failures + step.counts.failures };
  }
  return { state: { sources }, counts, restarted: restarted.sort(), missing, ended };
}

/** A source is whole when each of its series is a number, named once, with both halves of a histogram, and none that it had before is absent without a restart of all. */
function isWhole(samples: readonly CounterSample[] | undefined, before: SourceState | undefined): boolean {
  if (samples === undefined || samples.some(({ value }) => !Number.isFinite(value) || value < 0)) return false;
  const named = new Set(samples.map(({ series }) => series));
  const roles = new Set(samples.map(({ role }) => role));
  if (named.size !== samples.length || roles.has('all') !== roles.has('fast')) return false;
  return Object.keys(before?.values ?? {}).every((series) => named.has(series)) || hasRestarted(samples, before);
}

/** One counter that went back means that the process began again, and with it all of its counters, also those that seem to go on. */
function hasRestarted(samples: readonly CounterSample[], before: SourceState | undefined): boolean {
  return samples.some(({ series, value }) => value < (before?.values[series] ?? 0));
}

interface SourceStep {
  readonly before: SourceState | undefined;
  readonly atSeconds: number;
  /** Only what happened after this is counted. */
  readonly countsFrom: number;
}

function readSource(samples: readonly CounterSample[], { before, atSeconds, countsFrom }: SourceStep): { readonly state: SourceState; readonly counts: ArmCounts; readonly restarted: boolean } {
  const restarted = hasRestarted(samples, before);
  const state = { atSeconds, values: Object.fromEntries(samples.map(({ series, value }) => [series, value])) };
  if (before === undefined || before.atSeconds < countsFrom) return { state, counts: { requests: 0, failures: 0 }, restarted };
  let [requests, failures] = [0, 0];
  for (const { series, role, value } of samples) {
    // A series that is new in a source which was read before was born since then, at zero: the first failure of a kind must count.
    const increment = restarted ? value : value - (before.values[series] ?? 0);
    requests += increment * parts[role].requests;
    failures += increment * parts[role].failures;
  }
  // Buckets and their count are not read at the same instant by every exporter: less than none is none.
  return { state, counts: { requests, failures: Math.max(0, failures) }, restarted };
}
