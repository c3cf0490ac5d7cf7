// SPDX-License-Identifier: Apache-2.0
// The job summary: how it ended and why, what to do, the figures, weights and rates over time. Every value from outside is escaped.
import { formatImage } from '@pratique/core';
import { formatLine, formatOdds, formatShare, formatWeights, type JudgeSettings, type TimelinePoint } from '@pratique/kube';
import { code, count, fence, folded, prose, table } from '@pratique/step';
import { gridOf, type GridCell } from './report/series.ts';
import type { RunRecord } from './run-record.ts';

/** How each end is called. */
export const headlines: Readonly<Record<RunRecord['result'], string>> = { failed: '❌ Failed', 'rolled-back': '⛔ Rolled back', insufficient: '🤷 Not enough evidence', promoted: '✅ Promoted' };

/** Markdown. */
export function summarize(record: RunRecord): string {
  const { result, release, namespace, image, words, revision = 0, attestation, hint } = record;
  const signed = attestation === undefined ? '' : ` The signed record of it hangs on the image: ${code(attestation)}.`;
  const at = revision > 0 ? ` The release is at revision ${revision}.` : '';
  const [todo = '', ...command] = (hint ?? '').split('\n');
  return [
    `## ${headlines[result]}: ${prose(release)} in ${prose(namespace)}`, '', code(formatImage(image)), '',
    `${record.code === undefined ? '' : `**${record.code}** `}${prose(words, 1500)}${at}${signed}`, '',
    ...(todo === '' ? [] : [`**What to do:** ${prose(todo)}`, '']), ...(command.length === 0 ? [] : fence(command, 'sh')),
    ...findings(record), ...figures(record), ...plots(record.timeline, record.settings), ...lines(record), ...fence(commands(record), 'sh'),
  ].join('\n');
}

function findings({ findings: found }: RunRecord): string[] {
  return found.slice(0, 5).flatMap((one) => [
    `- ${code(one.code)} ${prose(one.object)}: ${prose(one.cause)} **${prose(one.mend)}**`, ...(one.evidence.length === 0 ? [] : ['', ...folded('What Kubernetes and the log say', fence(one.evidence.slice(0, 20)))]),
  ]).concat(found.length === 0 ? [] : ['']);
}

function figures({ judgement, settings }: RunRecord): string[] {
  const share = ({ requests, failures }: { readonly requests: number; readonly failures: number }): string => (requests === 0 ? 'no requests' : `${formatShare(failures / requests)} of ${count(Math.round(requests), 'request')}`);
  const heads = ['metric', 'canary', 'baseline', 'evidence against', 'needed', 'evidence for', 'needed'];
  if (judgement === undefined) return [];
  return table(heads, judgement.metrics.map(({ name, alarm, promote, totals }) => {
    const weight = settings.metrics.find((metric) => metric.name === name)?.weight ?? 1;
    return [prose(name), share(totals.canary), share(totals.baseline), formatOdds(alarm), formatOdds(judgement.alarm.needed - Math.log(weight)), formatOdds(promote), formatOdds(judgement.promote.needed)];
  }));
}

function lines({ forecast, settings, remarks }: RunRecord): string[] {
  const [metric] = settings.metrics;
  if (metric === undefined) return [];
  const limits = `Roll back beyond ${formatLine(metric.alarm)}, promote below ${formatLine(metric.promote)} of failed requests; false rollback at most ${formatShare(settings.alpha)}, false promotion at most ${formatShare(settings.beta)}.`;
  return [...remarks.flatMap((remark) => [prose(remark, 1500), '']), `<sub>${prose(forecast)} ${limits}</sub>`, ''];
}

/** To look further; to put things back where that may be needed. */
function commands({ result, image, release, namespace }: RunRecord): string[] {
  const recover = result === 'failed' || result === 'insufficient' ? ['# puts back whatever this run may have left; the next deployment does the same first', `pratique canary recover --release ${release} --namespace ${namespace}`] : [];
  return [...recover, '# everything that is known of the image, its deployments too', `pratique report ${formatImage(image)} --policy github://OWNER/REPO`];
}

/** Points on a chart that GitHub draws. */
const mostPoints = 40;

// In the order of GitHub's squares below; https://mermaid.js.org/syntax/xyChart.html#chart-theme-variables. It draws no legend.
const head = (): string[] => ['```mermaid', '---', 'config:', '  xyChart:', '    height: 220', '  themeVariables:', '    xyChart:', '      plotColorPalette: "#d1570c, #1f6feb, #8250df"', '---', 'xychart-beta'];

function plots(timeline: readonly TimelinePoint[], settings: JudgeSettings): string[] {
  const [metric] = settings.metrics;
  const last = timeline.at(-1);
  if (timeline.length < 2 || last === undefined || metric === undefined) return [];
  const cells = gridOf(timeline, metric.name, mostPoints);
  const list = (value: (cell: GridCell) => number): string => `[${cells.map((cell) => Number(value(cell).toFixed(2))).join(', ')}]`;
  const axis = `  x-axis "seconds since the first traffic" 0 --> ${Math.round(last.elapsedSeconds)}`;
  const top = Math.max(0.1, ...cells.flatMap(({ canary = 0, baseline = 0 }) => [110 * canary, 110 * baseline]));
  return [
    '🟧 canary 🟦 baseline 🟪 stable', '', ...head(), axis, '  y-axis "weight, percent" 0 --> 100', `  line ${list(({ weights }) => weights.canary)}`, `  line ${list(({ weights }) => weights.baseline)}`, `  line ${list(({ weights }) => weights.stable)}`, '```', '',
    ...head(), axis, `  y-axis "${metric.name.replace(/[^a-zA-Z0-9 .]/g, '')}, percent" 0 --> ${top.toFixed(2)}`, `  line ${list(({ canary = 0 }) => 100 * canary)}`, `  line ${list(({ baseline = 0 }) => 100 * baseline)}`, '```', '',
    `<sub>At the end: ${formatWeights(last.weights)}.</sub>`, '',
  ];
}
