// SPDX-License-Identifier: Apache-2.0
// What is decided before the first request: lines, error rates, times. Nothing here may change after looking.
import { Failure } from '@pratique/core';
import type { Line } from './bet.ts';
import { rhoWithoutHistory } from './dispersion.ts';

/** One metric, as it is judged. */
export interface MetricSettings {
  readonly name: string;
  /** Part of the alarm's stake, all metrics together 1. */
  readonly weight: number;
  /** `baseline`: held against the baseline's own failures. `limit`: against a fixed share, as on a first deploy. */
  readonly comparison: 'baseline' | 'limit';
  /** Roll back when the canary is proven to be beyond it. */
  readonly alarm: Line;
  /** Promote when the canary is proven to be below it. */
  readonly promote: Line;
  /** Correlation within a slot, from stable's history (`historyRho`). */
  readonly historyRho: number;
}

/** Everything the judge was told before it started. */
export interface JudgeSettings {
  /** Largest probability of ever rolling back a canary that is not beyond the alarm line. */
  readonly alpha: number;
  /** Largest probability of promoting, at any one time chosen by looking, a canary that is at or beyond the promote line. */
  readonly beta: number;
  readonly slotSeconds: number;
  readonly horizonSeconds: number;
  /** No promotion before: nothing is known of faults that have not begun. */
  readonly minimumDwellSeconds: number;
  /** Starts of the alarm, evenly over the horizon. */
  readonly starts: number;
  /** Least correlation within a slot: caps a slot at `1/rhoFloor` effective requests. */
  readonly rhoFloor: number;
  readonly alarmBets: readonly number[];
  readonly promoteBets: readonly number[];
  readonly metrics: readonly MetricSettings[];
}

/** What a caller says of a metric; the rest has defaults. */
export interface MetricPlan {
  readonly name: string;
  /** Relative to the weights of the other metrics. Default 1. */
  readonly weight?: number;
  /** Largest share of failures, 0 to 1, that is acceptable without comparison. Makes both lines this share, and replaces `alarm` and `promote`. */
  readonly limit?: number;
  /** Default 0.001 + 1.10 times the baseline. */
  readonly alarm?: Line;
  /** Default 0.005 + 1.25 times the baseline. */
  readonly promote?: Line;
  /** Default 0.012, for a service without history. */
  readonly historyRho?: number;
}

/** What a caller may choose; units and defaults as in `JudgeSettings` and `judgeDefaults`. */
export interface JudgePlan extends Partial<Omit<JudgeSettings, 'metrics'>> {
  readonly metrics: readonly MetricPlan[];
}

/** Defaults; why these is in docs/adr/0007-canary-judge.md. */
export const judgeDefaults: Omit<JudgeSettings, 'metrics'> & { readonly alarm: Line; readonly promote: Line } = {
  alpha: 0.01, beta: 0.05, slotSeconds: 5, horizonSeconds: 600, minimumDwellSeconds: 120, starts: 10, rhoFloor: 1e-4,
  alarmBets: [1.1, 1.25, 1.6, 2.5, 5, 12, 50], promoteBets: [2 / 3, 1 / 3, 1 / 8, 1 / 40],
  alarm: { absolute: 0.001, relative: 1.1 }, promote: { absolute: 0.005, relative: 1.25 },
};

/** Fills in defaults and makes the weights sum to 1. Fails with `INPUT_INVALID`, all problems together. */
export function planJudge(plan: JudgePlan): JudgeSettings {
  const { alarm, promote, ...defaults } = judgeDefaults;
  const total = plan.metrics.reduce((sum, metric) => sum + (metric.weight ?? 1), 0);
  const metrics = plan.metrics.map(({ name, weight = 1, limit, historyRho = rhoWithoutHistory, ...lines }): MetricSettings => {
    const fixed = limit === undefined ? undefined : { absolute: limit, relative: 0 };
    return {
      name, weight: weight / total, comparison: fixed === undefined ? 'baseline' : 'limit', alarm: fixed ?? lines.alarm ?? alarm, promote: fixed ?? lines.promote ?? promote, historyRho,
    };
  });
  const settings = { ...defaults, ...plan, metrics };
  const problems = settingProblems(settings);
  if (problems.length > 0) throw new Failure({ code: 'INPUT_INVALID', message: `The judge cannot work with these settings: ${problems.join('; ')}`, facts: { problems } });
  return settings;
}

/** What is wrong with settings, in words; empty when nothing is. */
export function settingProblems(settings: JudgeSettings): string[] {
  const problems: string[] = [];
  const need = (holds: boolean, words: string): void => void (holds || problems.push(words));
  const positive = (value: number): boolean => Number.isFinite(value) && value > 0;
  need(positive(settings.alpha) && settings.alpha < 0.5, 'alpha must be above 0 and below 0.5');
  need(positive(settings.beta) && settings.beta < 0.5, 'beta must be above 0 and below 0.5');
  need(positive(settings.slotSeconds), 'slotSeconds must be above 0');
  need(positive(settings.horizonSeconds) && settings.horizonSeconds >= settings.slotSeconds, 'horizonSeconds must be at least slotSeconds');
  need(settings.minimumDwellSeconds >= 0 && settings.minimumDwellSeconds <= settings.horizonSeconds, 'minimumDwellSeconds must be from 0 to horizonSeconds');
  need(Number.isInteger(settings.starts) && settings.starts >= 1 && settings.starts <= 100, 'starts must be a whole number from 1 to 100');
  need(positive(settings.rhoFloor) && settings.rhoFloor < 1, 'rhoFloor must be above 0 and below 1');
  need(settings.alarmBets.length > 0 && settings.alarmBets.every((bet) => Number.isFinite(bet) && bet > 1), 'alarmBets must each be above 1');
  need(settings.promoteBets.length > 0 && settings.promoteBets.every((bet) => bet > 0 && bet < 1), 'promoteBets must each be above 0 and below 1');
  need(settings.metrics.length > 0, 'there must be at least one metric');
  need(new Set(settings.metrics.map(({ name }) => name)).size === settings.metrics.length, 'metric names must differ');
  return [...problems, ...settings.metrics.flatMap(metricProblems)];
}

function metricProblems({ name, weight, comparison, alarm, promote, historyRho }: MetricSettings): string[] {
  const problems: string[] = [];
  const need = (holds: boolean, words: string): void => void (holds || problems.push(`metric ${name}: ${words}`));
  const sound = ({ absolute, relative }: Line): boolean => absolute >= 0 && absolute < 1 && relative >= 0 && Number.isFinite(relative) && absolute + relative > 0;
  need(weight > 0 && weight <= 1 + 1e-9, 'the weight must be above 0');
  need(sound(alarm) && sound(promote), 'a line needs a share from 0 to 1 and a factor of 0 or more, not both 0');
  need(promote.absolute >= alarm.absolute && promote.relative >= alarm.relative, 'the promote line may not lie below the alarm line');
  need(comparison === 'baseline' ? alarm.relative > 0 && promote.relative > 0 : alarm.relative === 0 && promote.relative === 0, 'a comparison with the baseline needs factors above 0, a limit has none');
  need(historyRho >= 0 && historyRho < 1, 'historyRho must be from 0 to below 1');
  return problems;
}
