// SPDX-License-Identifier: Apache-2.0
// Series out of a timeline: shares within slots and so far, and even grids for charts that know no other.
import { allStable, type Arm, type ArmCounts, type TimelinePoint, type Weights } from '@pratique/kube';

/** Share of failures within the point, 0 to 1; `undefined` when nothing was counted. */
export function failureShare({ counts }: Pick<TimelinePoint, 'counts'>, metric: string, arm: Arm): number | undefined {
  return shareOf(counts[metric]?.[arm]);
}

function shareOf(counts: ArmCounts | undefined): number | undefined {
  const share = counts === undefined || !(counts.requests > 0) ? undefined : counts.failures / counts.requests;
  return share !== undefined && Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : undefined;
}

/** Share of failures of everything up to each point; points before the first request are left out. */
export function shareSoFar(timeline: readonly TimelinePoint[], metric: string, arm: Arm): readonly { readonly x: number; readonly y: number }[] {
  let [requests, failures] = [0, 0];
  return timeline.flatMap(({ counts, elapsedSeconds }) => {
    const seen = counts[metric]?.[arm];
    if (shareOf(seen) !== undefined && seen !== undefined) [requests, failures] = [requests + seen.requests, failures + seen.failures];
    return requests > 0 ? [{ x: elapsedSeconds, y: failures / requests }] : [];
  });
}

/** What held, and what failed, in one of several equal parts of the time. */
export interface GridCell {
  readonly weights: Weights;
  /** Shares of failures, 0 to 1; absent without requests. */
  readonly canary?: number;
  readonly baseline?: number;
}

/** The whole time in at most `most` equal parts, none shorter than a slot; every request is in one of them. */
export function gridOf(timeline: readonly TimelinePoint[], metric: string, most: number): readonly GridCell[] {
  const end = timeline.at(-1)?.elapsedSeconds ?? 0;
  const size = Math.min(most, timeline.length);
  const cellOf = ({ elapsedSeconds }: TimelinePoint): number => Math.min(size - 1, Math.max(0, Math.ceil((elapsedSeconds / end) * size) - 1));
  return Array.from({ length: size }, (_, cell) => {
    const members = timeline.filter((point) => cellOf(point) === cell);
    const [canary, baseline] = (['canary', 'baseline'] as const).map((arm) => shareSoFar(members, metric, arm).at(-1)?.y);
    const { weights } = members.at(-1) ?? timeline.findLast((point) => cellOf(point) < cell) ?? { weights: allStable };
    return { weights, ...(canary !== undefined && { canary }), ...(baseline !== undefined && { baseline }) };
  });
}
