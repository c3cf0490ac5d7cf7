// SPDX-License-Identifier: Apache-2.0
// The story of a canary, slot by slot, in bounded memory: what a plot and a report show. No judgement rests on it.
import type { Judgement } from '../judge/judgement.ts';
import { addCounts, type ArmCounts, type SlotMetric } from '../judge/slot.ts';
import type { Weights } from '../traffic/weights.ts';

/** One slot, or several neighbours of equal weights that became one. */
export interface TimelinePoint {
  /** Seconds since the first traffic, at its end. */
  readonly elapsedSeconds: number;
  readonly weights: Weights;
  /** Natural log of the evidence at its end, by line. */
  readonly alarm: number;
  readonly promote: number;
  /** What was counted within it, by metric; an arm that could not be read is absent. */
  readonly counts: Readonly<Record<string, SlotMetric>>;
}

const mostPoints = 400;

/** What one slot showed. */
export function timelinePoint(judgement: Judgement, weights: Weights, counts: TimelinePoint['counts']): TimelinePoint {
  return { elapsedSeconds: judgement.elapsedSeconds, weights, alarm: judgement.alarm.evidence, promote: judgement.promote.evidence, counts };
}

/** The timeline with one point more. When there are 400, neighbours become one; a change of weights keeps its place. */
export function extendTimeline(timeline: readonly TimelinePoint[], next: TimelinePoint): readonly TimelinePoint[] {
  return timeline.length < mostPoints ? [...timeline, next] : [...thin(timeline), next];
}

function thin(timeline: readonly TimelinePoint[]): TimelinePoint[] {
  const thinned: TimelinePoint[] = [];
  for (let index = 0; index < timeline.length; index += 1) {
    const [first, second] = [timeline[index], timeline[index + 1]];
    if (first === undefined) continue;
    const joins = second !== undefined && second.weights.canary === first.weights.canary && second.weights.baseline === first.weights.baseline;
    thinned.push(joins ? { ...second, counts: addMetrics(first.counts, second.counts) } : first);
    if (joins) index += 1;
  }
  return thinned;
}

function addMetrics(a: TimelinePoint['counts'], b: TimelinePoint['counts']): TimelinePoint['counts'] {
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => {
    const [baseline, canary] = (['baseline', 'canary'] as const).map((arm) => addArms(a[name]?.[arm], b[name]?.[arm]));
    return [name, { ...(baseline !== undefined && { baseline }), ...(canary !== undefined && { canary }) }];
  }));
}

function addArms(a: ArmCounts | undefined, b: ArmCounts | undefined): ArmCounts | undefined {
  return a === undefined ? b : addCounts(a, b);
}
