// SPDX-License-Identifier: Apache-2.0
// What the gateway counts while a deployment runs, as lines of a plot: the canary's share of the traffic, and who answers with errors.
import { setTimeout as sleep } from 'node:timers/promises';
import { instantQuery } from '../fixtures/prometheus.ts';

/** Requests and failures of each backend in one interval. */
export type Seen = Readonly<Record<'stable' | 'baseline' | 'canary', Count>>;

interface Count {
  readonly requests: number;
  readonly failures: number;
}

export interface TrafficWatch extends AsyncDisposable {
  /** Ends it; gives what was seen of the whole, counted from the start. */
  stop(): Promise<Seen>;
}

const arms = ['stable', 'baseline', 'canary'] as const;
const none: Seen = { stable: { requests: 0, failures: 0 }, baseline: { requests: 0, failures: 0 }, canary: { requests: 0, failures: 0 } };

export interface WatchOptions {
  readonly prometheus: string;
  /** Whose traffic is told: on a first deployment there is no canary. */
  readonly of: 'stable' | 'canary';
  readonly everySeconds: number;
  readonly tell: (line: string) => void;
}

/** Asks Prometheus again and again about the release `app` in `production`, and tells each answer in which there was traffic. */
export function watchTraffic(options: WatchOptions): TrafficWatch {
  const end = new AbortController();
  const watched = watch(options, end.signal);
  // Told to whoever stops it.
  watched.catch(() => undefined);
  const stop = (): Promise<Seen> => {
    end.abort();
    return watched;
  };
  return { stop, [Symbol.asyncDispose]: () => stop().then(() => undefined) };
}

async function watch({ prometheus, of: told, everySeconds, tell }: WatchOptions, signal: AbortSignal): Promise<Seen> {
  const started = performance.now();
  let before = await readCounters(prometheus);
  let total = none;
  for (let ended = false; !ended; ended = signal.aborted) {
    await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined);
    const now = await readCounters(prometheus);
    const seen = combine((arm, of) => increase(before[arm][of], now[arm][of]));
    before = now;
    total = combine((arm, of) => total[arm][of] + seen[arm][of]);
    if (seen[told].requests > 0 && !signal.aborted) tell(formatSeen((performance.now() - started) / 1000, seen));
  }
  return total;
}

/** A backend that came or restarted counts from zero; one that is gone counts nothing. */
const increase = (before: number, now: number): number => (now >= before ? now - before : now);

function combine(value: (arm: (typeof arms)[number], of: keyof Count) => number): Seen {
  return Object.fromEntries(arms.map((arm) => [arm, { requests: value(arm, 'requests'), failures: value(arm, 'failures') }])) as Seen;
}

async function readCounters(prometheus: string): Promise<Seen> {
  const query = 'sum by (service, code) (traefik_service_requests_total{service=~".+-svc-production-app-.+"})';
  const counters = (await instantQuery(prometheus, query)).map(({ labels: { service = '', code = '' }, value }) => (
    { arm: /-svc-production-app(?:-(baseline|canary))?-[0-9]+@/.exec(service)?.[1] ?? 'stable', failed: code.startsWith('5'), value }
  ));
  return combine((arm, of) => counters.filter((one) => one.arm === arm && (of === 'requests' || one.failed)).reduce((sum, { value }) => sum + value, 0));
}

/** One line: the canary's share as a bar, the share of errors of each; without a canary what everybody gets. */
function formatSeen(seconds: number, seen: Seen): string {
  const all = arms.reduce((sum, arm) => sum + seen[arm].requests, 0);
  const errors = arms.toReversed().filter((arm) => seen[arm].requests > 0).map((arm) => `${arm} ${percent(seen[arm].failures / seen[arm].requests)}`);
  const share = seen.canary.requests / all;
  const traffic = share === 0 ? `${all} requests` : `canary gets ${percent(share).padStart(4)}  ${'█'.repeat(Math.round(share * 20)).padEnd(20, '·')}`;
  return `${seconds.toFixed(0).padStart(4)} s  ${traffic}  errors: ${errors.join(', ')}`;
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))}%`;
