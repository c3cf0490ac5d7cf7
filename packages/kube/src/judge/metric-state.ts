// SPDX-License-Identifier: Apache-2.0
// The evidence of one metric, and how a slot changes it.
import { alarmEvidence, feedAlarm, restartAlarm, startAlarm, type AlarmState } from './alarm.ts';
import { addEach, betIncrements, logMean } from './bet.ts';
import { addDispersion, noDispersion, runRho, type DispersionSums } from './dispersion.ts';
import type { JudgeSettings, MetricSettings } from './settings.ts';
import { addSilence, noSilence, type Silence } from './silence.ts';
import { addCounts, noCounts, readableCounts, type Arm, type ArmCounts, type ArmPair, type SlotMetric } from './slot.ts';

/** What is remembered of one metric: about 60 numbers, all finite. */
export interface MetricState {
  readonly alarm: AlarmState;
  /** Log evidence of each promote bet. */
  readonly promote: readonly number[];
  /** Only for a limit: whether the baseline is beyond the limit as well, and the fault then not the canary's. */
  readonly environment: AlarmState;
  /** Counts that wait until both arms have some. */
  readonly carry: ArmPair;
  readonly dispersion: Readonly<Record<Arm, DispersionSums>>;
  readonly silence: Readonly<Record<Arm, Silence>>;
  /** Everything counted so far. */
  readonly totals: ArmPair;
}

/** One slot of one metric, and what was fixed beforehand. */
export interface MetricStep {
  readonly settings: JudgeSettings;
  readonly metric: MetricSettings;
  readonly counts: SlotMetric | undefined;
  readonly canaryShare: number;
  /** Restarts that have begun by this slot. */
  readonly restartsDue: number;
}

/** Nothing seen. */
export function startMetric({ alarmBets, promoteBets, starts }: JudgeSettings): MetricState {
  return {
    alarm: startAlarm(alarmBets.length, starts), promote: promoteBets.map(() => 0), environment: startAlarm(alarmBets.length, starts),
    carry: { baseline: noCounts, canary: noCounts }, dispersion: { baseline: noDispersion, canary: noDispersion },
    silence: { baseline: noSilence, canary: noSilence }, totals: { baseline: noCounts, canary: noCounts },
  };
}

/** The state after one slot. Evidence grows only when each arm that is compared has requests; until then the counts are carried. */
export function stepMetric(state: MetricState, step: MetricStep): MetricState {
  const baseline = readableCounts(step.counts?.baseline);
  const canary = readableCounts(step.counts?.canary);
  const restarts = { due: step.restartsDue, starts: step.settings.starts };
  const ticked = {
    ...state, alarm: restartAlarm(state.alarm, restarts),
    environment: step.metric.comparison === 'limit' ? restartAlarm(state.environment, restarts) : state.environment,
    carry: { baseline: addCounts(state.carry.baseline, baseline), canary: addCounts(state.carry.canary, canary) },
    totals: { baseline: addCounts(state.totals.baseline, baseline), canary: addCounts(state.totals.canary, canary) },
    silence: {
      baseline: addSilence(state.silence.baseline, baseline, { counts: canary, share: 1 - step.canaryShare }),
      canary: addSilence(state.silence.canary, canary, { counts: baseline, share: step.canaryShare }),
    },
  };
  return step.metric.comparison === 'baseline' ? compare(ticked, step) : holdToLimit(ticked, step);
}

function compare(state: MetricState, { settings, metric }: MetricStep): MetricState {
  const { carry: window, dispersion } = state;
  if (window.baseline.requests <= 0 || window.canary.requests <= 0) return state;
  // Only earlier windows count for the dispersion. The canary's own must not weaken the alarm: a fault that begins looks like bursts.
  const rhoAlarm = Math.max(settings.rhoFloor, metric.historyRho, runRho(dispersion.baseline));
  const rhoPromote = Math.max(rhoAlarm, runRho(dispersion.canary));
  return {
    ...state,
    alarm: feedAlarm(state.alarm, betIncrements({ bets: settings.alarmBets, line: metric.alarm, window, rho: rhoAlarm })),
    promote: addEach(state.promote, betIncrements({ bets: settings.promoteBets, line: metric.promote, window, rho: rhoPromote })),
    dispersion: { baseline: addDispersion(dispersion.baseline, window.baseline), canary: addDispersion(dispersion.canary, window.canary) },
    carry: { baseline: noCounts, canary: noCounts },
  };
}

function holdToLimit(state: MetricState, { settings, metric }: MetricStep): MetricState {
  const { carry, dispersion } = state;
  const rhoAlarm = Math.max(settings.rhoFloor, metric.historyRho);
  const against = (canary: ArmCounts): number[] => betIncrements({ bets: settings.alarmBets, line: metric.alarm, window: { baseline: noCounts, canary }, rho: rhoAlarm });
  const rhoPromote = Math.max(rhoAlarm, runRho(dispersion.canary));
  const forIt = betIncrements({ bets: settings.promoteBets, line: metric.promote, window: { baseline: noCounts, canary: carry.canary }, rho: rhoPromote });
  return {
    ...state, alarm: feedAlarm(state.alarm, against(carry.canary)), environment: feedAlarm(state.environment, against(carry.baseline)),
    promote: addEach(state.promote, forIt),
    dispersion: { baseline: addDispersion(dispersion.baseline, carry.baseline), canary: addDispersion(dispersion.canary, carry.canary) },
    carry: { baseline: noCounts, canary: noCounts },
  };
}

/** Log evidence of a metric: that the canary is beyond the alarm line, that it is below the promote line, that the baseline is beyond the limit (0 without one). */
export function metricEvidence(state: MetricState, metric: MetricSettings, { starts }: JudgeSettings): { readonly alarm: number; readonly promote: number; readonly environment: number } {
  return {
    alarm: alarmEvidence(state.alarm, starts), promote: logMean(state.promote),
    environment: metric.comparison === 'limit' ? alarmEvidence(state.environment, starts) : 0,
  };
}
