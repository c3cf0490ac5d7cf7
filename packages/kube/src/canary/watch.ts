// SPDX-License-Identifier: Apache-2.0
// Watches the traffic of one step: a slot at a time into the judge, until the step is over or the judge has an answer.
import { Failure } from '@pratique/core';
import { judgeSlot, judgeState, startJudge, type JudgeState } from '../judge/judge.ts';
import { explainJudgement, type Judgement } from '../judge/judgement.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import { splitProblem, type BackendRequests } from './split.ts';
import type { Weights } from '../route/split.ts';
import { formatWeights } from './weights.ts';
import type { CanaryWorld } from './world.ts';

/** One slot of the story, for the plot. */
export interface TimelinePoint {
  /** Seconds since the first traffic. */
  readonly elapsedSeconds: number;
  readonly weights: Weights;
  /** Natural log of the evidence, by line. */
  readonly alarm: number;
  readonly promote: number;
  /** Share of failures in this slot, 0 to 1, of the first metric; absent without requests. */
  readonly baseline?: number;
  readonly canary?: number;
}

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
  /** At the least. Until the judge has an answer when `untilDecided`. */
  readonly seconds: number;
  readonly untilDecided: boolean;
}

/** Begins to watch: the first look sets where counting begins. */
export async function startWatch(world: CanaryWorld, settings: JudgeSettings, signal: AbortSignal): Promise<Watch> {
  await world.look(signal);
  const judge = startJudge(settings);
  return { startedAt: world.clock.now(), judge, judgement: judgeState(judge), timeline: [] };
}

/** Watches one step. Ends early when the judge answers anything but `wait` or `promote`. Fails with `CANARY_SPLIT_WRONG`. */
export async function watchStep(world: CanaryWorld, before: Watch, { weights, seconds, untilDecided, signal }: WatchedStep & { signal: AbortSignal }): Promise<Watch> {
  const { slotSeconds } = before.judge.settings;
  const elapsed = (): number => (world.clock.now().getTime() - before.startedAt.getTime()) / 1000;
  const end = elapsed() + seconds;
  const goesOn = ({ judgement }: Watch): boolean => elapsed() < end || (untilDecided && judgement.verdict === 'wait');
  let watch = before;
  let requests: BackendRequests = { stable: 0, baseline: 0, canary: 0 };
  for (let slot = 0; goesOn(watch); slot += 1) {
    await world.clock.sleep(slotSeconds, signal);
    const look = await world.look(signal);
    const { state, judgement } = judgeSlot(watch.judge, { elapsedSeconds: elapsed(), canaryShare: canaryShareOf(weights), metrics: look.metrics });
    watch = { ...watch, judge: state, judgement, timeline: [...watch.timeline, point(judgement, weights, look.metrics)] };
    world.log.line(`${judgement.elapsedSeconds.toFixed(0).padStart(5)} s  ${formatWeights(weights)}  ${explainJudgement(judgement, state.settings)}`);
    if (judgement.verdict === 'rollback' || judgement.verdict === 'insufficient') return watch;
    // The first slot still holds requests that went out by the weights before.
    if (slot > 0 && look.requests) requests = add(requests, look.requests);
    const problem = splitProblem(requests, weights);
    if (problem !== undefined) throw new Failure({ code: 'CANARY_SPLIT_WRONG', message: `the gateway does not split the traffic as the route says: ${problem}` });
  }
  return watch;
}

/** Of what the two get together. On a first deployment there is no baseline. */
function canaryShareOf({ baseline, canary }: Weights): number {
  return baseline + canary > 0 ? canary / (baseline + canary) : 1;
}

function point(judgement: Judgement, weights: Weights, metrics: Awaited<ReturnType<CanaryWorld['look']>>['metrics']): TimelinePoint {
  const counts = metrics[judgement.metrics[0]?.name ?? ''];
  const share = (arm: 'baseline' | 'canary'): number | undefined => {
    const seen = counts?.[arm];
    return seen !== undefined && seen.requests > 0 ? seen.failures / seen.requests : undefined;
  };
  const [baseline, canary] = [share('baseline'), share('canary')];
  return {
    elapsedSeconds: judgement.elapsedSeconds, weights, alarm: judgement.alarm.evidence, promote: judgement.promote.evidence,
    ...(baseline !== undefined && { baseline }), ...(canary !== undefined && { canary }),
  };
}

function add(a: BackendRequests, b: BackendRequests): BackendRequests {
  return { stable: a.stable + b.stable, baseline: a.baseline + b.baseline, canary: a.canary + b.canary };
}
