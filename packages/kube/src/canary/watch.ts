// SPDX-License-Identifier: Apache-2.0
// Watches the traffic of one step: a slot at a time into the judge, until the step is over or the judge has an answer.
import { Failure } from '@pratique/core';
import { judgeSlot, judgeState, startJudge, type JudgeState } from '../judge/judge.ts';
import { explainJudgement, type Judgement } from '../judge/judgement.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import { countedShares, leastRequests, splitProblem, totalOf, type BackendRequests } from './split.ts';
import type { SplitManner } from '../traffic/manner.ts';
import type { Weights } from '../traffic/weights.ts';
import { extendTimeline, timelinePoint, type TimelinePoint } from './timeline.ts';
import { formatWeights } from './weights.ts';
import type { CanaryWorld } from './world.ts';

/** What a watch knows; it goes on from step to step. */
export interface Watch {
  readonly startedAt: Date;
  readonly judge: JudgeState;
  readonly judgement: Judgement;
  readonly timeline: readonly TimelinePoint[];
}

/** What is watched, and for how long. */
export interface WatchedStep {
  readonly weights: Weights;
  readonly manner: Pick<SplitManner, 'rival' | 'exact'>;
  /** At the least. Until the judge has an answer when `untilDecided`. */
  readonly seconds: number;
  readonly untilDecided: boolean;
}

const noRequests: BackendRequests = { stable: 0, baseline: 0, canary: 0 };
/** Time until every part of a gateway does what its route says (Gateway API conformance, MaxTimeToConsistency). */
const convergenceSeconds = 30;

/** A watch that has seen nothing. The first look of all, before it, sets where counting begins. */
export function startWatch(world: Pick<CanaryWorld, 'clock'>, settings: JudgeSettings): Watch {
  const judge = startJudge(settings);
  return { startedAt: world.clock.now(), judge, judgement: judgeState(judge), timeline: [] };
}

/** Watches one step; gives what it knows after each slot. Ends early when the judge answers anything but `wait` or `promote`. Fails with `CANARY_SPLIT_WRONG`. */
export async function* watchStep(world: CanaryWorld, before: Watch, { weights, manner, seconds, untilDecided, signal }: WatchedStep & { signal: AbortSignal }): AsyncGenerator<Watch> {
  const { slotSeconds } = before.judge.settings;
  const elapsed = (): number => (world.clock.now().getTime() - before.startedAt.getTime()) / 1000;
  const start = elapsed();
  const end = start + seconds;
  const goesOn = ({ judgement }: Watch): boolean => elapsed() < end || (untilDecided && judgement.verdict === 'wait');
  let watch = before;
  let requests = noRequests;
  let problem: string | undefined;
  for (let slot = 0; goesOn(watch) || problem !== undefined; slot += 1) {
    await world.clock.sleep(slotSeconds, signal);
    const look = await world.look(signal);
    const { state, judgement } = judgeSlot(watch.judge, { elapsedSeconds: elapsed(), canaryShare: canaryShareOf(weights, manner), metrics: look.metrics });
    watch = { ...watch, judge: state, judgement, timeline: extendTimeline(watch.timeline, timelinePoint(judgement, weights, look.metrics)) };
    world.watched?.(watch.timeline, judgement);
    // The first slot still holds requests that went out by the weights before.
    if (slot > 0 && look.requests) requests = add(requests, look.requests);
    world.log.line(`${judgement.elapsedSeconds.toFixed(0).padStart(5)} s  ${formatWeights(weights)}${manner.exact ? '' : countedShares(requests)}  ${explainJudgement(judgement, state.settings)}`);
    yield watch;
    if (isOver(judgement)) return;
    if (!manner.exact) continue;
    if (totalOf(requests) >= leastRequests) problem = splitProblem(requests, weights);
    if (problem === undefined) continue;
    // A gateway that has not come round yet is counted anew.
    if (elapsed() - start >= convergenceSeconds) throw new Failure({ code: 'CANARY_SPLIT_WRONG', message: `the gateway does not split the traffic as the route says: ${problem}` });
    if (totalOf(requests) >= leastRequests) requests = noRequests;
  }
}

/** Whether the judge has an answer that ends the canary. */
export function isOver({ verdict }: Judgement): boolean {
  return verdict === 'rollback' || verdict === 'insufficient';
}

/** Of what the two that are compared get together. On a first deployment there is nobody to compare with. */
function canaryShareOf(weights: Weights, { rival }: WatchedStep['manner']): number {
  const both = weights.canary + (rival === undefined ? 0 : weights[rival]);
  return both > 0 ? weights.canary / both : 1;
}

function add(a: BackendRequests, b: BackendRequests): BackendRequests {
  return { stable: a.stable + b.stable, baseline: a.baseline + b.baseline, canary: a.canary + b.canary };
}
