// SPDX-License-Identifier: Apache-2.0
// The canary: two releases beside stable, traffic by steps, a judgement, and then either promotion or everything as it was.
import type { Failure } from '@pratique/core';
import { explainJudgement, type Judgement } from '../judge/judgement.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import type { Arm } from '../judge/slot.ts';
import { guardArms } from './guard.ts';
import { note, undertake, type Run, type RunPlan } from './undertaking.ts';
import { recoverCanary, restore } from './recover.ts';
import type { TimelinePoint } from './timeline.ts';
import { isOver, startWatch, watchStep, type Watch } from './watch.ts';
import { routeManner, type SplitManner } from '../traffic/manner.ts';
import { allStable, type Weights } from '../traffic/weights.ts';
import { formatWeights, type CanaryStep } from './weights.ts';
import type { ArmLoss, CanaryWorld } from './world.ts';

/** What is decided before anything is touched. */
export interface CanaryPlan extends RunPlan {
  /** What is installed next to stable; blue-green has no baseline. */
  readonly arms: readonly Arm[];
  readonly steps: readonly CanaryStep[];
  /** Default: that of a route with these arms. */
  readonly manner?: SplitManner;
  readonly judge: JudgeSettings;
  /** `hold`: traffic back to stable, the two releases stay for a look, and the next run removes them. `rollback`: everything as it was. */
  readonly onInsufficientData: 'hold' | 'rollback';
}

/** How it ended. Anything else is a `Failure`, after everything was put back. */
export interface CanaryEnd {
  readonly verdict: 'promoted' | 'rolled-back' | 'insufficient';
  /** Absent when it was promoted. */
  readonly code?: 'CANARY_REGRESSION' | 'CANARY_INSUFFICIENT' | 'CANARY_NOT_READY' | 'CANARY_BASELINE_FAILED';
  /** Which line was crossed, with which evidence; or why an arm could not serve. */
  readonly words: string;
  /** The diagnosis, when an arm could not serve. */
  readonly loss?: Failure;
  readonly judgement: Judgement;
  /** The largest weights that were reached. */
  readonly reached: Weights;
  readonly timeline: readonly TimelinePoint[];
  /** Revision of the main release now; 0 when there is none. */
  readonly revision: number;
  /** Names of objects that stay for a look; absent when nothing stays. */
  readonly held?: readonly string[];
}

/** Until the kubelet has told that a container ended. */
const podNewsSeconds = 2;

/**
 * Runs a canary from the first object to the last. What a killed run left is put back first.
 * Fails with what the world fails with, `CANARY_UNREACHABLE`, `CANARY_SPLIT_WRONG`, `CANARY_TIMEOUT`, `CANARY_CANCELLED`, `CANARY_RESIDUE`; before that, traffic is back at stable.
 */
export function runCanary(world: CanaryWorld, plan: CanaryPlan): Promise<CanaryEnd> {
  return undertake(world, plan, (run) => (run.record.stage === 'first' ? deployFirst(run) : deployBeside(run)));
}

type CanaryRun = Run<CanaryWorld, CanaryPlan>;

async function deployBeside(run: CanaryRun): Promise<CanaryEnd> {
  const { world, plan, signal } = run;
  await note(run, 'installing');
  await world.log.group(`Install ${plan.arms.join(' and ')}`, () => installTwins(run));
  await world.probe(signal);
  const originals = await world.traffic.originals(signal);
  await note(run, 'routing', originals);
  const seen: Seen = { watch: startWatch(world, plan.judge), reached: allStable };
  const loss = await guardArms(world, signal, (watched) => shiftAndJudge(run, { originals, seen, signal: watched }));
  if (loss !== undefined) return { ...(await lose(run, seen, loss)), revision: run.stableRevision };
  if (seen.watch.judgement.verdict !== 'promote') return { ...tell(seen), ...(await turnBack(run, seen.watch)), revision: run.stableRevision };
  const promoted = await promote(run);
  if (typeof promoted === 'number') return { ...tell(seen), verdict: 'promoted', revision: promoted };
  return { ...(await lose(run, seen, promoted)), revision: (await world.releases.main(signal))?.revision ?? 0 };
}

/** What a run has seen so far; it is told whatever ends the run. */
interface Seen {
  watch: Watch;
  reached: Weights;
}

function tell({ watch: { judge, judgement, timeline }, reached }: Seen): Pick<CanaryEnd, 'judgement' | 'words' | 'reached' | 'timeline'> {
  return { judgement, words: explainJudgement(judgement, judge.settings), reached, timeline };
}

async function shiftAndJudge({ world, plan }: CanaryRun, { originals, seen, signal }: { readonly originals: string; readonly seen: Seen; readonly signal: AbortSignal }): Promise<void> {
  await world.traffic.open(originals, signal);
  await world.look(signal);
  seen.watch = startWatch(world, plan.judge);
  const { manner = routeManner(plan.arms) } = plan;
  for (const [index, step] of plan.steps.entries()) {
    const weights = manner.weights(step.weight);
    await world.traffic.shift(weights, signal);
    seen.reached = weights;
    world.log.line(`step ${index + 1} of ${plan.steps.length}: ${formatWeights(weights)} for ${step.seconds} s`);
    for await (const watch of watchStep(world, seen.watch, { weights, manner, seconds: step.seconds, untilDecided: index === plan.steps.length - 1, signal })) seen.watch = watch;
    if (isOver(seen.watch.judgement)) break;
  }
  if (seen.watch.judgement.verdict !== 'rollback') return;
  // Pods that died explain it better than what the gateway answered in their place. The users do not wait for that.
  await world.traffic.close(originals, signal);
  await world.clock.sleep(podNewsSeconds, signal);
}

/** When one of two fails, the other is waited for as well: what is still being installed cannot be taken away. */
async function installTwins({ world, plan, signal }: CanaryRun): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  await Promise.all(plan.arms.map((arm) => world.releases.installTwin(arm, either).catch((thrown: unknown) => failed.abort(thrown))));
  failed.signal.throwIfAborted();
}

/** Without a stable release the image is judged by limits alone, with all of the traffic, and taken away when it does not hold. */
async function deployFirst(run: CanaryRun): Promise<CanaryEnd> {
  const { world, plan, signal } = run;
  await note(run, 'first');
  const revision = await world.log.group('Install', () => world.releases.upgradeMain(signal));
  const seconds = plan.steps.reduce((sum, step) => sum + step.seconds, 0);
  const seen: Seen = { watch: startWatch(world, plan.judge), reached: allStable };
  const loss = await guardArms(world, signal, async (watched) => {
    await world.look(watched);
    seen.watch = startWatch(world, plan.judge);
    for await (const watch of watchStep(world, seen.watch, { weights: allStable, manner: routeManner([]), seconds, untilDecided: true, signal: watched })) seen.watch = watch;
  });
  if (loss !== undefined) return { ...(await lose(run, seen, loss)), revision: 0 };
  if (seen.watch.judgement.verdict !== 'promote') return { ...tell(seen), ...(await turnBack(run, seen.watch)), revision: 0 };
  await note(run, 'promoted');
  await restore(world, run.record, signal);
  return { ...tell(seen), verdict: 'promoted', revision };
}

/** The main release becomes what the canary is, while the canary still serves. Gives the loss of a canary that dies meanwhile: the version is no good after all. */
async function promote(run: CanaryRun): Promise<number | ArmLoss> {
  const { world, signal } = run;
  await world.requireEvidence(signal);
  await note(run, 'promoting');
  const upgrade = (watched: AbortSignal): Promise<void> => world.log.group('Promote', async () => void (await world.releases.upgradeMain(watched)));
  const loss = await guardArms(world, signal, upgrade);
  if (loss?.arm === 'canary') return loss;
  if (loss !== undefined) {
    // What the baseline showed stands; its users are served by the release. Without traffic there is nothing left to watch.
    await world.traffic.close(run.record.originals ?? '', signal);
    await upgrade(signal);
  }
  await note(run, 'promoted');
  let revision = 0;
  await restore(world, run.record, signal, async () => {
    revision = await world.releases.settleMain(signal);
  });
  return revision;
}

async function turnBack(run: CanaryRun, { judgement }: Watch): Promise<Pick<CanaryEnd, 'verdict' | 'code' | 'held'>> {
  const end = judgement.verdict === 'rollback' ? { verdict: 'rolled-back', code: 'CANARY_REGRESSION' } as const : { verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' } as const;
  return { ...end, ...(await putBack(run, end)) };
}

/** Users of an arm that cannot serve get no answer: the traffic first, and why at the same time. */
async function lose(run: CanaryRun, seen: Seen, { arm, explain }: ArmLoss): Promise<Omit<CanaryEnd, 'revision'>> {
  const { world, signal } = run;
  const [loss] = await Promise.all([
    explain(), run.record.originals !== undefined && world.traffic.close(run.record.originals, signal),
    // However far the upgrade came, from here there is only the way back.
    run.record.stage === 'promoting' && note(run, 'reverting'),
  ]);
  const end = arm === 'canary' ? { verdict: 'rolled-back', code: 'CANARY_NOT_READY' } as const : { verdict: 'insufficient', code: 'CANARY_BASELINE_FAILED' } as const;
  return { ...tell(seen), ...end, ...(await putBack(run, end)), words: loss.message, loss };
}

async function putBack(run: CanaryRun, { verdict }: Pick<CanaryEnd, 'verdict'>): Promise<Pick<CanaryEnd, 'held'>> {
  const { world, plan, signal } = run;
  const hold = verdict === 'insufficient' && plan.onInsufficientData === 'hold' && run.record.stage !== 'first';
  if (hold) {
    await world.traffic.close(run.record.originals ?? '', signal);
    return { held: await world.residue(signal, { whole: true }) };
  }
  await recoverCanary(world, run.record, signal);
  return {};
}
