// SPDX-License-Identifier: Apache-2.0
// How this canary is judged: metrics, lines and times, all set before the first request; and the forecast of how long it will take.
import type { Context } from '@pratique/core';
import {
  bucketsOf, chooseBoundaries, createObserver, failureMetric, forecast, historyOf, historyRho, planJudge, rhoWithoutHistory, scrapeInterval, slowHistoryOf, slowMetric,
  type Backend, type History, type JudgeSettings, type Look, type SplitManner,
} from '@pratique/kube';
import { countersOf } from './counters.ts';
import type { Inputs } from './inputs.ts';
import { connectServer } from './metrics.ts';

/** What the judge was told, and who looks for it. */
export interface Judging {
  readonly settings: JudgeSettings;
  readonly look: (signal: AbortSignal) => Promise<Look>;
  /** In words, before anything starts. */
  readonly forecast: string;
}

/** The Services that are counted. */
export interface Backends {
  readonly stable?: Backend;
  readonly baseline?: Backend;
  readonly canary: Backend;
}

/** What is judged: without a rival the canary is held to `failure-limit`. */
export interface Judged {
  readonly backends: Backends;
  readonly manner: SplitManner;
  /** Names of the pods that there are. */
  readonly livePods?: () => Promise<ReadonlySet<string>>;
}

/** An hour: enough for the dispersion, and to know how much traffic there is. */
const historySeconds = 3600;
/** Less than nearly all of it says too little about bursts: a quiet quarter of an hour would let the first burst look like proof. */
const leastHistory = 0.9 * historySeconds;
/** Where there is no history: managed Prometheus scrapes every 30 s, most others every 15 s. */
const usualScrapeSeconds = 15;

/** Plans the judgement from stable's past. Fails with `METRICS_*` when the metrics cannot be read at all: without them nothing is judged. */
export async function planJudgement(given: Inputs, ctx: Context, { backends, manner, livePods }: Judged): Promise<Judging> {
  const server = connectServer(given, ctx);
  const preset = countersOf(given);
  const { rival } = manner;
  const past = backends.stable ?? backends.canary;
  const [requests, buckets] = await Promise.all([
    server.samples(preset.requests(past), historySeconds, ctx.signal), given.latency && preset.buckets !== undefined ? server.samples(preset.buckets(past), historySeconds, ctx.signal) : [],
  ]);
  const scrapeSeconds = scrapeInterval(requests);
  const slotSeconds = given['slot-seconds'] ?? scrapeSeconds ?? usualScrapeSeconds;
  if (scrapeSeconds !== undefined && slotSeconds < scrapeSeconds) ctx.log.notice({ level: 'warning', title: 'slot-seconds is shorter than the scrapes', message: `the metrics are scraped every ${scrapeSeconds} s: a look every ${slotSeconds} s sees nothing new. Leave slot-seconds out.` });
  const history = historyOf(requests, preset, slotSeconds);
  const rhoOf = ({ slots }: History): number => (slots.length * slotSeconds < leastHistory ? rhoWithoutHistory : historyRho(slots));
  // Limits of time differ from application to application, and there is nobody beside it to compare with.
  const boundaries = rival === undefined ? [] : chooseBoundaries(bucketsOf(buckets, preset));
  const slow = boundaries.map((boundary) => ({ name: slowMetric(boundary), history: slowHistoryOf(buckets, preset, { boundary, slotSeconds }) }));
  const settings = planJudge({
    // Half of the stake on failures, the other half over the boundaries.
    metrics: rival === undefined ? [{ name: failureMetric, limit: given['failure-limit'] }]
      : [{ name: failureMetric, historyRho: rhoOf(history), weight: Math.max(slow.length, 1) }, ...slow.map((one) => ({ name: one.name, historyRho: rhoOf(one.history) }))],
    slotSeconds, minimumDwellSeconds: given['minimum-dwell-seconds'],
    horizonSeconds: given['on-insufficient-data'] === 'extend' ? Math.max(horizonOf(given), given['timeout-seconds'] - 120) : horizonOf(given),
  });
  const freshSeconds = 3 * Math.max(slotSeconds, scrapeSeconds ?? 0) + 5;
  const look = createObserver({ server, preset, log: ctx.log, now: () => ctx.clock.now().getTime() / 1000, backends, boundaries, freshSeconds, ...(rival !== undefined && { rival }), ...(livePods !== undefined && { livePods }) });
  return { settings, look, forecast: describe(given, settings, { history, slow: slow.map((one) => one.history.share), manner }) };
}

function horizonOf(given: Inputs): number {
  return Math.max(given['horizon-seconds'], given.steps.reduce((sum, step) => sum + step.seconds, 0), given['minimum-dwell-seconds']);
}

function describe(given: Inputs, settings: JudgeSettings, { history, slow, manner }: { readonly history: History; readonly slow: readonly number[]; readonly manner: SplitManner }): string {
  const [metric, ...rest] = settings.metrics;
  if (metric === undefined || history.requestsPerSecond === 0) return 'Stable had no traffic in the last hour: how long this takes cannot be said.';
  const rate = (weight: number): number => Number(((history.requestsPerSecond * weight) / 100).toPrecision(3));
  const { rival } = manner;
  const steps = rival === undefined ? [{ seconds: 0, baselineRate: 0, canaryRate: rate(100) }] : given.steps.map(({ seconds, weight }) => {
    const weights = manner.weights(weight);
    return { seconds, baselineRate: rate(weights[rival]), canaryRate: rate(weights.canary) };
  });
  return forecast({ settings, metric, steps, baselineShare: history.share, others: rest.map((other, index) => ({ metric: other, baselineShare: slow[index] ?? 0 })) }).words;
}
