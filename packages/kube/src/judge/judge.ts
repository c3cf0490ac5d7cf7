// SPDX-License-Identifier: Apache-2.0
// The canary judge: a pure function from slots to a verdict, which may be asked at every slot (docs/adr/0007-canary-judge.md).
import { logSum } from './bet.ts';
import type { Judgement } from './judgement.ts';
import { metricEvidence, startMetric, stepMetric, type MetricState } from './metric-state.ts';
import type { JudgeSettings, MetricSettings } from './settings.ts';
import { isSilent, type Silence } from './silence.ts';
import type { Arm, Slot } from './slot.ts';

/** Everything the judge remembers; it carries its settings, so that nobody changes the lines after looking. */
export interface JudgeState {
  readonly version: 1;
  readonly settings: JudgeSettings;
  readonly elapsedSeconds: number;
  /** Once the alarm line was crossed the verdict stays `rollback`. */
  readonly alarmed: boolean;
  /** In the order of the settings. */
  readonly metrics: readonly MetricState[];
}

/** A judge that has seen nothing. */
export function startJudge(settings: JudgeSettings): JudgeState {
  return { version: 1, settings, elapsedSeconds: 0, alarmed: false, metrics: settings.metrics.map(() => startMetric(settings)) };
}

/**
 * Takes in one slot. A slot that is not later than the last one changes nothing, so that a caller may repeat what it is not sure of.
 * After `insufficient` a caller may go on: what is proven later is proven as well.
 */
export function judgeSlot(state: JudgeState, slot: Slot): { readonly state: JudgeState; readonly judgement: Judgement } {
  if (!(slot.elapsedSeconds > state.elapsedSeconds)) return { state, judgement: judgeState(state) };
  const { settings } = state;
  // A restart is due by the time that the slot began, which was known before its counts were.
  const restartsDue = Math.min(settings.starts - 1, Math.floor((state.elapsedSeconds * settings.starts) / settings.horizonSeconds + 1e-9));
  const metrics = state.metrics.map((metricState, index) => {
    const metric = settings.metrics[index];
    const counts = metric !== undefined && Object.hasOwn(slot.metrics, metric.name) ? slot.metrics[metric.name] : undefined;
    return metric === undefined ? metricState : stepMetric(metricState, { settings, metric, counts, canaryShare: slot.canaryShare ?? 0.5, restartsDue });
  });
  const next = { ...state, elapsedSeconds: slot.elapsedSeconds, metrics };
  const judgement = judgeState(next);
  return { state: { ...next, alarmed: judgement.verdict === 'rollback' }, judgement };
}

/** The same over several slots, from the start. */
export function judgeSlots(settings: JudgeSettings, slots: readonly Slot[]): { readonly state: JudgeState; readonly judgement: Judgement } {
  let state = startJudge(settings);
  for (const slot of slots) ({ state } = judgeSlot(state, slot));
  return { state, judgement: judgeState(state) };
}

/** What a state amounts to. Rollback wins ties; nothing but evidence promotes. */
export function judgeState(state: JudgeState): Judgement {
  const { settings } = state;
  const needed = Math.log(1 / settings.alpha);
  const metrics = settings.metrics.map((metric, index): Weighed => {
    const found = state.metrics[index] ?? startMetric(settings);
    const evidence = metricEvidence(found, metric, settings);
    const sick = evidence.environment >= needed;
    // What fails in both arms does not speak against the canary. Evidence only shrinks by that, so the error rate holds.
    return { metric, state: found, ...evidence, sick, weighed: Math.log(metric.weight) + (sick ? Math.min(evidence.alarm, 0) : evidence.alarm) };
  });
  const alarm = { evidence: logSum(metrics.map((each) => each.weighed)), needed };
  const promote = { evidence: Math.min(...metrics.map((each) => each.promote)), needed: Math.log(1 / settings.beta) };
  return {
    ...answer({ state, metrics, alarm, promote }), elapsedSeconds: state.elapsedSeconds, alarm, promote,
    metrics: metrics.map((each) => ({ name: each.metric.name, alarm: each.alarm, promote: each.promote, totals: each.state.totals })),
  };
}

interface Weighed {
  readonly metric: MetricSettings;
  readonly state: MetricState;
  readonly alarm: number;
  readonly promote: number;
  /** The baseline is beyond the limit as well. */
  readonly sick: boolean;
  /** Log evidence in the sum of all metrics. */
  readonly weighed: number;
}
type Answer = Pick<Judgement, 'verdict' | 'reason' | 'metric' | 'certainty' | 'arm'>;
interface Case {
  readonly state: JudgeState;
  readonly metrics: readonly Weighed[];
  readonly alarm: Judgement['alarm'];
  readonly promote: Judgement['promote'];
}

function answer({ state, metrics, alarm, promote }: Case): Answer {
  const { settings, elapsedSeconds } = state;
  if (state.alarmed || alarm.evidence >= alarm.needed) {
    const { metric, weighed } = mostOf(metrics, (each) => each.weighed);
    return { verdict: 'rollback', reason: 'alarm-line-crossed', metric: metric.name, certainty: weighed >= alarm.needed ? 'culprit' : 'suspect' };
  }
  const sick = metrics.find((each) => each.sick);
  if (sick !== undefined) return { verdict: 'insufficient', reason: 'environment', metric: sick.metric.name };
  const silent = findArm(metrics, isSilent);
  if (silent !== undefined) return { verdict: 'insufficient', reason: silent.unread ? 'series-missing' : 'routing', metric: silent.metric, arm: silent.arm };
  const slowest = mostOf(metrics, (each) => -each.promote).metric.name;
  const unread = findArm(metrics, (silence) => silence.unread);
  const enough = promote.evidence >= promote.needed;
  // Old evidence does not promote what cannot be seen now.
  if (enough && unread === undefined && elapsedSeconds >= settings.minimumDwellSeconds) return { verdict: 'promote', reason: 'promote-line-crossed', metric: slowest };
  const late = elapsedSeconds >= settings.horizonSeconds;
  if (unread !== undefined && elapsedSeconds > 0) return { verdict: late ? 'insufficient' : 'wait', reason: 'series-missing', metric: unread.metric, arm: unread.arm };
  if (!late) return { verdict: 'wait', reason: enough ? 'dwell' : 'collecting', metric: slowest };
  const idle = metrics.find((each) => each.state.totals.canary.requests === 0);
  return { verdict: 'insufficient', reason: idle === undefined ? 'evidence-short' : 'no-traffic', metric: idle?.metric.name ?? slowest };
}

/** The first metric with an arm of which this holds, the canary before the baseline. A limit is judged without a baseline. */
function findArm(metrics: readonly Weighed[], holds: (silence: Silence) => boolean): { readonly metric: string; readonly arm: Arm; readonly unread: boolean } | undefined {
  for (const arm of ['canary', 'baseline'] as const) {
    const found = metrics.find((each) => (arm === 'canary' || each.metric.comparison === 'baseline') && holds(each.state.silence[arm]));
    if (found !== undefined) return { metric: found.metric.name, arm, unread: found.state.silence[arm].unread };
  }
  return undefined;
}

function mostOf(metrics: readonly Weighed[], score: (metric: Weighed) => number): Weighed {
  const [first, ...rest] = metrics;
  if (first === undefined) throw new RangeError('A judge without metrics'); // planJudge refuses it
  return rest.reduce((most, each) => (score(each) > score(most) ? each : most), first);
}
