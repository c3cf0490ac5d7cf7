// SPDX-License-Identifier: Apache-2.0
// What the judge answers at a slot, and what that says in words.
import type { Line } from './bet.ts';
import type { JudgeSettings } from './settings.ts';
import type { Arm, ArmCounts, ArmPair } from './slot.ts';

/** `rollback` and `promote` are proven. `insufficient` means hold or roll back by policy, never promote. */
export type JudgeVerdict = 'rollback' | 'promote' | 'wait' | 'insufficient';

/** Why. The first two go with a proof, `collecting` and `dwell` with `wait`, the rest with `insufficient`; `series-missing` with either. */
export type JudgeReason =
  | 'alarm-line-crossed' | 'promote-line-crossed' | 'collecting' | 'dwell' | 'environment' | 'routing' | 'series-missing' | 'no-traffic' | 'evidence-short';

/** One metric at a slot. */
export interface MetricJudgement {
  readonly name: string;
  /** Natural log of the evidence that the canary is beyond the alarm line, before its weight. */
  readonly alarm: number;
  /** Natural log of the evidence that it is below the promote line. */
  readonly promote: number;
  /** Everything counted so far. */
  readonly totals: ArmPair;
}

/** The answer at a slot. JSON as it stands. */
export interface Judgement {
  readonly verdict: JudgeVerdict;
  readonly reason: JudgeReason;
  readonly elapsedSeconds: number;
  /** The metric that the reason is about: what crossed the line, what is silent, or what is furthest from promotion. */
  readonly metric: string;
  /** With a rollback: `culprit` when the metric alone crosses the line, `suspect` when only all together do and this one says most. */
  readonly certainty?: 'culprit' | 'suspect';
  /** With `routing` and `series-missing`: the arm that is silent. */
  readonly arm?: Arm;
  /** Log evidence against the canary over all metrics by weight, and what is needed: `ln(1/alpha)`. */
  readonly alarm: { readonly evidence: number; readonly needed: number };
  /** Log evidence of the metric furthest from promotion, and what is needed: `ln(1/beta)`. */
  readonly promote: { readonly evidence: number; readonly needed: number };
  readonly metrics: readonly MetricJudgement[];
}

/** The judgement in one or two sentences: which line, with which evidence, from how many requests. */
export function explainJudgement(judgement: Judgement, settings: JudgeSettings): string {
  const { metric: name, reason, alarm, promote, arm = 'canary' } = judgement;
  const setting = settings.metrics.find((metric) => metric.name === name);
  const seen = judgement.metrics.find((metric) => metric.name === name);
  if (setting === undefined || seen === undefined) return `${judgement.verdict}: ${reason}`;
  const counted = formatTotals(seen.totals, setting.comparison === 'limit');
  const share = `${formatOdds(promote.evidence)} of the ${formatOdds(promote.needed)} needed`;
  switch (reason) {
    case 'alarm-line-crossed': return `${name}: ${counted}. ${explainAlarm(judgement)} that the canary is beyond ${formatLine(setting.alarm)}; ${formatOdds(alarm.needed)} is needed to roll back.`;
    case 'promote-line-crossed': return `Every metric shows that the canary is below its promote line. The last was ${name}: ${counted}, evidence of ${formatOdds(promote.evidence)} that it is below ${formatLine(setting.promote)}; ${formatOdds(promote.needed)} is needed.`;
    case 'dwell': return `${name}: ${counted}. The evidence is enough to promote, but not before ${settings.minimumDwellSeconds} s.`;
    case 'collecting': return `${name}: ${counted}. Evidence for promotion: ${share}.`;
    case 'environment': return `${name}: ${counted}. The baseline is beyond ${formatLine(setting.alarm)} as well: the fault is not the canary's alone.`;
    case 'routing': return `${name}: the ${arm} gets no requests while the other arm does. ${counted}. Either the gateway sends it nothing, or it does not count what it sends.`;
    case 'series-missing': return `${name}: the series of the ${arm} cannot be read. ${counted}. What cannot be read is not taken for zero.`;
    case 'no-traffic': return `${name}: no request reached the canary in ${judgement.elapsedSeconds} s.`;
    case 'evidence-short': return `${name}: ${counted}. After ${judgement.elapsedSeconds} s there is evidence of ${share} to promote, and ${formatOdds(alarm.evidence)} of the ${formatOdds(alarm.needed)} needed to roll back.`;
    default: return reason satisfies never;
  }
}

function explainAlarm({ alarm, certainty }: Judgement): string {
  if (alarm.evidence < alarm.needed) return `The line was crossed before; now it is evidence of ${formatOdds(alarm.evidence)}`;
  return `${certainty === 'culprit' ? 'This alone is evidence' : 'All metrics together, this one most, are evidence'} of ${formatOdds(alarm.evidence)}`;
}

/** A line in words: "0.5 % + 1.25 x the baseline", "a limit of 1 %". */
export function formatLine({ absolute, relative }: Line): string {
  return relative === 0 ? `a limit of ${formatShare(absolute)}` : `${formatShare(absolute)} + ${relative} x the baseline`;
}

/** Log evidence as odds: "143 : 1". Evidence below 1 is "less than 1 : 1". */
export function formatOdds(log: number): string {
  if (log < -1e-9) return 'less than 1 : 1';
  if (log > Math.log(1e6)) return 'more than 1,000,000 : 1';
  return `${formatNumber(Number(Math.exp(log).toPrecision(3)))} : 1`;
}

/** A share as percent, at most three digits. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function formatTotals({ baseline, canary }: ArmPair, limit: boolean): string {
  const rest = limit && baseline.requests === 0 ? '' : `, ${formatArm('baseline', baseline)}`;
  return `${formatArm('canary', canary)}${rest}`;
}

function formatArm(arm: Arm, { requests, failures }: ArmCounts): string {
  return requests > 0 ? `${arm} ${formatShare(failures / requests)} of ${formatNumber(requests)} requests` : `${arm} no requests`;
}

function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 });
}
