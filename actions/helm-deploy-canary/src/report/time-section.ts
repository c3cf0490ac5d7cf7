// SPDX-License-Identifier: Apache-2.0
// The run over time: weights, the share of failed and of slow requests, and the evidence on its way to the lines.
import { formatOdds, formatShare, formatWeights, type MetricSettings, type TimelinePoint } from '@pratique/kube';
import { html, htmlSection, type Markup } from '@pratique/step';
import type { RunRecord } from '../run-record.ts';
import { plot, type PlotLine } from './plot.ts';
import { failureShare, shareSoFar } from './series.ts';
import { shareAxis, timeTicks } from './ticks.ts';

const mostMetrics = 5;

/** Nothing when no slot was seen. */
export function timeSection(record: RunRecord): Markup | undefined {
  const { timeline, settings } = record;
  if (timeline.length === 0) return undefined;
  const plots = [weightsPlot(record), evidencePlot(record), ...settings.metrics.slice(0, mostMetrics).map((metric) => sharePlot(timeline, metric))];
  const note = 'Lines are shares of all requests so far, dots those of single slots; a dot beyond the top stands at the top.';
  return htmlSection('time', 'Over time', html`<div class="plots">${plots}</div><p class="dim">${note}</p>`);
}

const endOf = (timeline: readonly TimelinePoint[]): number => Math.max(1, timeline.at(-1)?.elapsedSeconds ?? 1);

function weightsPlot({ timeline, strategy, reached }: RunRecord): Markup {
  const right = endOf(timeline);
  const line = (arm: 'stable' | 'baseline' | 'canary'): PlotLine => ({ name: arm, look: arm, drawn: 'steps', points: timeline.map(({ elapsedSeconds, weights }) => ({ x: elapsedSeconds, y: weights[arm] })) });
  // A first deployment has no other arm: the release itself is judged.
  const lines = strategy === 'first deployment' ? [{ ...line('stable'), name: 'the release' }] : [line('stable'), line('baseline'), line('canary')];
  return plot({
    title: 'Weights', description: `At most ${formatWeights(reached)}.`, lines, right, top: 100,
    columns: timeTicks(right), rows: shareAxis(1).rows.map(({ at, text }) => ({ at: 100 * at, text })),
  });
}

function evidencePlot({ timeline, judgement, settings }: RunRecord): Markup {
  const right = endOf(timeline);
  const needed = { alarm: judgement?.alarm.needed ?? Math.log(1 / settings.alpha), promote: judgement?.promote.needed ?? Math.log(1 / settings.beta) };
  const tens = (log: number): number => log / Math.LN10;
  const line = (which: 'alarm' | 'promote', name: string): PlotLine => ({ name, look: which, points: timeline.map((point) => ({ x: point.elapsedSeconds, y: Math.max(0, tens(point[which])) })) });
  const most = Math.max(...timeline.flatMap(({ alarm, promote }) => [tens(alarm), tens(promote)]).filter(Number.isFinite), tens(needed.alarm), 2);
  const top = Math.min(6, Math.ceil(most + 0.3));
  return plot({
    title: 'Evidence', lines: [line('alarm', 'that it is worse'), line('promote', 'that it is good enough')], right, top, columns: timeTicks(right),
    description: `At the end ${formatOdds(timeline.at(-1)?.alarm ?? 0)} that the canary is worse and ${formatOdds(timeline.at(-1)?.promote ?? 0)} that it is good enough.`,
    rows: [{ at: 0, text: '' }],
    levels: [
      { y: tens(needed.alarm), text: `rolls back at ${formatOdds(needed.alarm)}`, look: 'alarm' }, { y: tens(needed.promote), text: `promotes at ${formatOdds(needed.promote)}`, look: 'promote' },
    ],
  });
}

function sharePlot(timeline: readonly TimelinePoint[], { name, comparison, alarm }: MetricSettings): Markup {
  const right = endOf(timeline);
  const arms = comparison === 'limit' ? ['canary'] as const : ['baseline', 'canary'] as const;
  const sums = arms.map((arm): PlotLine => ({ name: comparison === 'limit' ? 'the release' : arm, look: arm, points: shareSoFar(timeline, name, arm) }));
  const dots = arms.map((arm): PlotLine => ({
    name: arm, look: arm, drawn: 'dots', points: timeline.flatMap((point) => {
      const y = failureShare(point, name, arm);
      return y === undefined ? [] : [{ x: point.elapsedSeconds, y }];
    }),
  }));
  const limit = comparison === 'limit' ? alarm.absolute : 0;
  const most = (lines: readonly PlotLine[]): number => Math.max(0, ...lines.flatMap(({ points }) => points.map(({ y }) => y)));
  // Single slots jump; they may not press the lines flat.
  const { top, rows } = shareAxis(Math.max(1.2 * limit, 1.1 * most(sums), Math.min(most(dots), 3 * most(sums))));
  const said = sums.map(({ name: arm, points }) => `${arm} ${points.length === 0 ? 'no requests' : formatShare(points.at(-1)?.y ?? 0)}`).join(', ');
  return plot({
    title: `${name.slice(0, 1).toUpperCase()}${name.slice(1, 120)}`, description: `At the end: ${said}.`, lines: [...dots, ...sums], right, top, rows, columns: timeTicks(right),
    ...(limit > 0 && { levels: [{ y: limit, text: `limit ${formatShare(limit)}`, look: 'alarm' as const }] }),
  });
}
