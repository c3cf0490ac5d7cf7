// SPDX-License-Identifier: Apache-2.0
// What the judge said: each metric with its figures and lines, and the error rates that it keeps.
import { formatLine, formatOdds, formatShare, type ArmCounts, type JudgeSettings, type MetricJudgement } from '@pratique/kube';
import { badge, clip, html, htmlFacts, htmlRow, htmlRows, htmlSection, htmlTable, type Markup } from '@pratique/step';
import type { RunRecord } from '../run-record.ts';
import { formatSeconds } from './ticks.ts';

/** The table, or the words for why there is none. */
export function judgementSection({ judgement, settings, forecast }: RunRecord): Markup {
  const heads = ['Metric', 'Canary', 'Baseline', 'Evidence against', 'Evidence for', 'Lines'];
  const table = judgement === undefined ? html`<p>Nothing was judged: it ended before the first look at the traffic.</p>`
    : htmlTable({ caption: 'Each metric at the end', heads, bodies: [htmlRows(judgement.metrics.map((metric) => metricRow(heads, metric, { settings, needed: judgement })))] });
  return htmlSection('judgement', 'Judgement', html`${table}<h3>What the judge was told before the first request</h3>${htmlFacts([
    ['Rolls back', html`at evidence of ${formatOdds(Math.log(1 / settings.alpha))} over all metrics: at most ${formatShare(settings.alpha)} of canaries that are not worse are rolled back`],
    ['Promotes', html`at evidence of ${formatOdds(Math.log(1 / settings.beta))} for every metric: at most ${formatShare(settings.beta)} of canaries that are worse are promoted`],
    ['Times', html`a look every ${formatSeconds(settings.slotSeconds)}, no promotion before ${formatSeconds(settings.minimumDwellSeconds)}, an answer within ${formatSeconds(settings.horizonSeconds)}`],
    ['Forecast', html`${clip(forecast, 600)}`],
  ])}`);
}

function metricRow(heads: readonly string[], { name, totals, alarm, promote }: MetricJudgement, { settings, needed }: { readonly settings: JudgeSettings; readonly needed: { readonly alarm: { readonly needed: number }; readonly promote: { readonly needed: number } } }): Markup {
  const setting = settings.metrics.find((metric) => metric.name === name);
  const beyond = needed.alarm.needed - Math.log(setting?.weight ?? 1);
  const lines = setting === undefined ? undefined : html`<span class="line">alarm: ${formatLine(setting.alarm)}</span><span class="line">promote: ${formatLine(setting.promote)}</span>`;
  const against = alarm >= beyond ? badge('bad', formatOdds(alarm)) : html`${formatOdds(alarm)}`;
  const forIt = promote >= needed.promote.needed ? badge('good', formatOdds(promote)) : html`${formatOdds(promote)}`;
  return htmlRow(heads, [
    html`<b>${clip(name, 120)}</b>`, counts(totals.canary), setting?.comparison === 'limit' ? html`<span class="dim">none: held to a limit</span>` : counts(totals.baseline),
    html`${against}<span class="line dim">alone it needs ${formatOdds(beyond)}</span>`, html`${forIt}<span class="line dim">needs ${formatOdds(needed.promote.needed)}</span>`, html`${lines}`,
  ]);
}

function counts({ requests, failures }: ArmCounts): Markup {
  if (requests <= 0) return html`<span class="dim">no requests</span>`;
  const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return html`<b class="num">${formatShare(failures / requests)}</b><span class="line dim num">${number(failures)} of ${number(requests)}</span>`;
}
