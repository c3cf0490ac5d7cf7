// SPDX-License-Identifier: Apache-2.0
// The job summary: the verdict and why, what each metric showed, and weights and evidence over time.
import { escapeMarkdown, formatImage, type PinnedImage } from '@pratique/core';
import { formatLine, formatOdds, formatShare, type CanaryEnd, type JudgeSettings, type TimelinePoint } from '@pratique/kube';
import type { Inputs } from './inputs.ts';

const headlines: Readonly<Record<CanaryEnd['verdict'], string>> = { promoted: '✅ Promoted', 'rolled-back': '⛔ Rolled back', insufficient: '🤷 Not enough evidence' };

/** Markdown; every value from outside escaped. */
export function summarize(given: Inputs, { end, deployment, image }: { readonly end: CanaryEnd; readonly deployment: { readonly judging: { readonly settings: JudgeSettings; readonly forecast: string } }; readonly image: PinnedImage }): string {
  const { settings } = deployment.judging;
  return [
    `## ${headlines[end.verdict]}: ${escapeMarkdown(given.release)} in ${escapeMarkdown(given.namespace)}`, '', `<code>${escapeMarkdown(formatImage(image))}</code>`, '',
    `${escapeMarkdown(end.words)}${end.revision > 0 ? ` The release is at revision ${end.revision}.` : ''}`, '',
    '| metric | canary | baseline | evidence against | needed | evidence for | needed |', '|---|---:|---:|---:|---:|---:|---:|', ...rows(end, settings), '',
    ...plot(end.timeline), `<sub>${escapeMarkdown(deployment.judging.forecast)} Roll back beyond ${lineOf(settings, 'alarm')}, promote below ${lineOf(settings, 'promote')} of failed requests; false rollback at most ${formatShare(settings.alpha)}, false promotion at most ${formatShare(settings.beta)}.</sub>`, '',
  ].join('\n');
}

function rows({ judgement }: CanaryEnd, settings: JudgeSettings): readonly string[] {
  return judgement.metrics.map(({ name, alarm, promote, totals }) => {
    const share = ({ requests, failures }: { readonly requests: number; readonly failures: number }): string => (requests === 0 ? 'no requests' : `${formatShare(failures / requests)} of ${requests}`);
    const weight = settings.metrics.find((metric) => metric.name === name)?.weight ?? 1;
    return `| ${[escapeMarkdown(name), share(totals.canary), share(totals.baseline), formatOdds(alarm), formatOdds(judgement.alarm.needed - Math.log(weight)), formatOdds(promote), formatOdds(judgement.promote.needed)].join(' | ')} |`;
  });
}

const lineOf = (settings: JudgeSettings, which: 'alarm' | 'promote'): string => (settings.metrics[0] === undefined ? '' : formatLine(settings.metrics[0][which]));

const mostPoints = 60;

/** Weights and failures as a chart that GitHub draws. */
function plot(timeline: readonly TimelinePoint[]): readonly string[] {
  if (timeline.length < 2) return [];
  const every = Math.ceil(timeline.length / mostPoints);
  const points = timeline.filter((_point, index) => index % every === 0 || index === timeline.length - 1);
  const list = (value: (point: TimelinePoint) => number): string => `[${points.map((point) => Number(value(point).toFixed(2))).join(', ')}]`;
  return [
    '```mermaid', 'xychart-beta', '  title "Percent: weight of the canary, failures of canary and baseline"', `  x-axis "seconds" [${points.map((point) => Math.round(point.elapsedSeconds)).join(', ')}]`, '  y-axis 0 --> 100',
    `  line ${list(({ weights }) => weights.canary)}`, `  line ${list(({ canary }) => 100 * (canary ?? 0))}`, `  line ${list(({ baseline }) => 100 * (baseline ?? 0))}`, '```', '',
  ];
}
