// SPDX-License-Identifier: Apache-2.0
// How this canary is judged: metrics, lines and times, all set before the first request; and the forecast of how long it will take.
import type { Context } from '@pratique/core';
import {
  bucketsOf, chooseBoundaries, createObserver, failureMetric, findPreset, forecast, historyOf, historyRho, planJudge, rhoWithoutHistory, slowMetric,
  type Backend, type History, type JudgeSettings, type Look, type MetricPlan,
} from '@pratique/kube';
import type { Inputs } from './inputs.ts';
import { connectServer } from './metrics.ts';

/** What the judge was told, and who looks for it. */
export interface Judging {
  readonly settings: JudgeSettings;
  readonly look: (signal: AbortSignal) => Promise<Look>;
  /** In words, before anything starts. */
  readonly forecast: string;
}

/** The Services that are counted. Without a baseline the canary is judged by `failure-limit`. */
export interface Backends {
  readonly stable?: Backend;
  readonly baseline?: Backend;
  readonly canary: Backend;
}

/** An hour: enough for the dispersion, and to know how much traffic there is. */
const historySeconds = 3600;
/** Slots; below, history says nothing about bursts. */
const leastHistory = 60;

/** Plans the judgement from stable's past. Fails with `METRICS_*` when the metrics cannot be read at all: without them nothing is judged. */
export async function planJudgement(given: Inputs, ctx: Context, backends: Backends): Promise<Judging> {
  const server = connectServer(given, ctx);
  const preset = findPreset(given.counters);
  const slotSeconds = given['slot-seconds'];
  const past = backends.stable ?? backends.canary;
  const [requests, buckets] = await Promise.all([
    server.samples(preset.requests(past), historySeconds, ctx.signal), given.latency && preset.buckets !== undefined ? server.samples(preset.buckets(past), historySeconds, ctx.signal) : [],
  ]);
  const history = historyOf(requests, preset, slotSeconds);
  // Limits of time differ from application to application, and there is nobody beside it to compare with.
  const boundaries = backends.baseline === undefined ? [] : chooseBoundaries(bucketsOf(buckets, preset));
  const settings = planJudge({
    metrics: metricPlans(given, { history, boundaries, alone: backends.baseline === undefined }), slotSeconds, minimumDwellSeconds: given['minimum-dwell-seconds'],
    horizonSeconds: given['on-insufficient-data'] === 'extend' ? Math.max(horizonOf(given), given['timeout-seconds'] - 120) : horizonOf(given),
  });
  const look = createObserver({ server, preset, log: ctx.log, now: () => ctx.clock.now().getTime() / 1000, backends, boundaries, freshSeconds: 3 * slotSeconds + 5 });
  return { settings, look, forecast: describe(given, settings, history) };
}

function horizonOf(given: Inputs): number {
  return Math.max(given['horizon-seconds'], given.steps.reduce((sum, step) => sum + step.seconds, 0), given['minimum-dwell-seconds']);
}

function metricPlans(given: Inputs, { history, boundaries, alone }: { readonly history: History; readonly boundaries: readonly number[]; readonly alone: boolean }): readonly MetricPlan[] {
  if (alone) return [{ name: failureMetric, limit: given['failure-limit'] }];
  const rho = history.slots.length >= leastHistory ? historyRho(history.slots) : rhoWithoutHistory;
  // Half of the stake on failures, the other half over the boundaries.
  return [{ name: failureMetric, historyRho: rho, weight: Math.max(boundaries.length, 1) }, ...boundaries.map((boundary) => ({ name: slowMetric(boundary) }))];
}

function describe(given: Inputs, settings: JudgeSettings, history: History): string {
  const [metric] = settings.metrics;
  if (metric === undefined || history.requestsPerSecond === 0) return 'Stable had no traffic in the last hour: how long this takes cannot be said.';
  const rate = (weight: number): number => Number(((history.requestsPerSecond * weight) / 100).toPrecision(3));
  const steps = metric.comparison === 'limit' ? [{ seconds: 0, baselineRate: 0, canaryRate: rate(100) }] : given.steps.map((step) => ({ seconds: step.seconds, baselineRate: rate(step.weight), canaryRate: rate(step.weight) }));
  return forecast({ settings, metric, steps, baselineShare: history.share }).words;
}
