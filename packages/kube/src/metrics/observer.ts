// SPDX-License-Identifier: Apache-2.0
// Looks at the counters of the three backends, slot by slot, for the canary.
import { Failure, type Log } from '@pratique/core';
import type { Look } from '../canary/world.ts';
import type { Weights } from '../traffic/weights.ts';
import { noCounters, readCounters, type CounterSample, type CounterState } from '../judge/counter.ts';
import type { ArmCounts } from '../judge/slot.ts';
import { requestSamples, slowSamples } from './counters.ts';
import type { Backend, CounterPreset } from './preset.ts';
import type { MetricsServer, Series } from './prometheus.ts';

/** What is looked at. */
export interface ObserverOptions {
  readonly server: MetricsServer;
  readonly preset: CounterPreset;
  readonly log: Log;
  /** Seconds since the epoch. */
  readonly now: () => number;
  /** On a first deployment `canary` is the main release's own Service, and there is no other. */
  readonly backends: Partial<Readonly<Record<keyof Weights, Backend>>> & { readonly canary: Backend };
  /** Whose counts are held against the canary's. Default: the baseline's. */
  readonly rival?: 'baseline' | 'stable';
  /** Names of the pods that there are, where they count themselves: one that is gone is not waited for. Default: nobody knows. */
  readonly livePods?: () => Promise<ReadonlySet<string>>;
  /** Seconds; each is a metric of its own. */
  readonly boundaries: readonly number[];
  /** A sample older than this is of a series that ended, or of a scrape that failed. */
  readonly freshSeconds: number;
}

/** Name of the metric of failed requests. */
export const failureMetric = 'failed requests';

/** Name of the metric of requests slower than a boundary in seconds. */
export function slowMetric(boundary: number): string {
  return `requests slower than ${boundary} s`;
}

type BackendName = keyof Weights;
const names = ['stable', 'baseline', 'canary'] as const;

/** Begins to observe. The first look sets where counting begins. What cannot be read is told once, and absent. */
export function createObserver(options: ObserverOptions): (signal: AbortSignal) => Promise<Look> {
  const states = new Map<string, CounterState>();
  const { rival = 'baseline' } = options;
  let told = '';
  const tell = (problem: string): void => {
    if (problem !== told && problem !== '') options.log.notice({ level: 'warning', title: 'Metrics cannot be read', message: problem });
    told = problem;
  };
  let gone: readonly string[] = [];
  const count = (name: BackendName, metric: string, samples: readonly CounterSample[]): ArmCounts | undefined => {
    const key = `${name} ${metric}`;
    const { state, counts } = readCounters(states.get(key) ?? noCounters, { atSeconds: options.now(), samples, gone });
    states.set(key, state);
    return counts;
  };
  return async (signal) => {
    const since = options.now() - options.freshSeconds;
    const seen = await Promise.all(names.map(async (name) => ({ name, ...(await query(options, name, signal)) })));
    tell(seen.map(({ problem }) => problem ?? '').find((problem) => problem !== '') ?? '');
    gone = await endedSources(options, states, seen.flatMap(({ requests }) => requestSamples(requests, options.preset, since)));
    if (!options.preset.countsItself) bornHere(states, seen.map(({ name, requests }) => ({ name, samples: requestSamples(requests, options.preset, since) })), options.now());
    const failures = new Map(seen.map(({ name, requests }) => [name, count(name, failureMetric, requestSamples(requests, options.preset, since))]));
    const metrics: Record<string, Look['metrics'][string]> = { [failureMetric]: pair(failures.get(rival), failures.get('canary')) };
    for (const boundary of options.boundaries) {
      const slow = new Map(seen.map(({ name, buckets }) => [name, name !== rival && name !== 'canary' ? undefined : count(name, slowMetric(boundary), slowSamples(buckets, options.preset, { boundary, since }))]));
      metrics[slowMetric(boundary)] = pair(slow.get(rival), slow.get('canary'));
    }
    const stable = failures.get('stable')?.requests;
    const requests = { stable: stable ?? 0, baseline: failures.get('baseline')?.requests ?? 0, canary: failures.get('canary')?.requests ?? 0 };
    return stable === undefined ? { metrics } : { metrics, requests };
  };
}

/** Pods that were counted before, are not seen, and are not there any more. */
async function endedSources({ preset, livePods }: ObserverOptions, states: ReadonlyMap<string, CounterState>, samples: readonly CounterSample[]): Promise<readonly string[]> {
  if (!preset.countsItself || livePods === undefined) return [];
  const seen = new Set(samples.map(({ source }) => source));
  const missing = [...new Set([...states.values()].flatMap(({ sources }) => Object.keys(sources)))].filter((source) => !seen.has(source));
  if (missing.length === 0) return [];
  const live = await livePods();
  // The name of the pod is the last part of a source; where the counters do not tell it, nothing is known.
  return missing.filter((source) => {
    const pod = source.split(' ').at(-1) ?? '';
    return pod !== '' && !live.has(pod);
  });
}

/** A gateway that was read before, and had no series of a backend: the series is born at its first request, and counts from zero. */
function bornHere(states: Map<string, CounterState>, seen: readonly { readonly name: BackendName; readonly samples: readonly CounterSample[] }[], now: number): void {
  const sources = [...new Set(seen.flatMap(({ samples }) => samples.map(({ source }) => source)))];
  for (const { name, samples } of seen) {
    const key = `${name} ${failureMetric}`;
    if (samples.length > 0 || states.has(key) || sources.length === 0) continue;
    states.set(key, { sources: Object.fromEntries(sources.map((source) => [source, { atSeconds: now, values: {} }])) });
  }
}

function pair(baseline: ArmCounts | undefined, canary: ArmCounts | undefined): Look['metrics'][string] {
  return { ...(baseline !== undefined && { baseline }), ...(canary !== undefined && { canary }) };
}

interface Answer {
  readonly requests: readonly Series[];
  readonly buckets: readonly Series[];
  readonly problem?: string;
}

async function query({ server, preset, backends, boundaries, freshSeconds, rival = 'baseline' }: ObserverOptions, name: BackendName, signal: AbortSignal): Promise<Answer> {
  const backend = backends[name];
  if (backend === undefined) return { requests: [], buckets: [] };
  try {
    const wantsBuckets = boundaries.length > 0 && (name === rival || name === 'canary') && preset.buckets !== undefined;
    const [requests, buckets] = await Promise.all([
      server.samples(preset.requests(backend), freshSeconds, signal), wantsBuckets ? server.samples(preset.buckets(backend), freshSeconds, signal) : [],
    ]);
    return { requests, buckets };
  } catch (thrown) {
    // In the middle of a run this is a gap, which the judge never takes for good news. At the start the caller asks by itself.
    if (thrown instanceof Failure && /^(?:METRICS|AZURE)_/.test(thrown.code)) return { requests: [], buckets: [], problem: `${thrown.code}: ${thrown.message}` };
    throw thrown;
  }
}
