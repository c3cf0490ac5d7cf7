// SPDX-License-Identifier: Apache-2.0
// The canary: two releases beside stable, traffic by steps, a judgement, and then either promotion or everything as it was.
import { Failure, formatImage, type PinnedImage } from '@pratique/core';
import { explainJudgement, type Judgement } from '../judge/judgement.ts';
import type { JudgeSettings } from '../judge/settings.ts';
import type { CanaryRecord, CanaryStage } from './record.ts';
import { recoverCanary, restore } from './recover.ts';
import { startWatch, watchStep, type TimelinePoint, type Watch } from './watch.ts';
import { allStable, weightsFor, type Weights } from '../route/split.ts';
import { formatWeights, type CanaryStep } from './weights.ts';
import type { CanaryWorld } from './world.ts';

/** What is decided before anything is touched. */
export interface CanaryPlan {
  readonly image: PinnedImage;
  /** Address of this run, for the journal. */
  readonly run: string;
  readonly steps: readonly CanaryStep[];
  readonly judge: JudgeSettings;
  /** `hold`: traffic back to stable, the two releases stay for a look, and the next run removes them. `rollback`: everything as it was. */
  readonly onInsufficientData: 'hold' | 'rollback';
  /** Aborted when the run is cancelled; then there are seconds, not minutes. */
  readonly cancelled: AbortSignal;
  /** Whether another run has taken the lock over. Default: never. */
  readonly superseded?: () => boolean;
  /** For the whole run. */
  readonly timeoutSeconds: number;
}

/** How it ended. Anything else is a `Failure`, after everything was put back. */
export interface CanaryEnd {
  readonly verdict: 'promoted' | 'rolled-back' | 'insufficient';
  /** Absent when it was promoted. */
  readonly code?: 'CANARY_REGRESSION' | 'CANARY_INSUFFICIENT';
  /** Which line was crossed, with which evidence. */
  readonly words: string;
  readonly judgement: Judgement;
  /** The largest weights that were reached. */
  readonly reached: Weights;
  readonly timeline: readonly TimelinePoint[];
  /** Revision of the main release now; 0 when there is none. */
  readonly revision: number;
}

// GitHub kills what it cancels 10 s after the first signal (docs.github.com, workflow cancellation); two requests fit into this.
const cancelSeconds = 5;
/** For putting things back when the time of the run itself is over. */
const restoreSeconds = 300;

interface Run {
  readonly world: CanaryWorld;
  readonly plan: CanaryPlan;
  readonly signal: AbortSignal;
  readonly stableRevision: number;
  record: CanaryRecord;
}

/**
 * Runs a canary from the first object to the last. What a killed run left is put back first.
 * Fails with what the world fails with, `CANARY_SPLIT_WRONG`, `CANARY_TIMEOUT`, `CANARY_CANCELLED`, `CANARY_RESIDUE`; before that, traffic is back at stable.
 */
export async function runCanary(world: CanaryWorld, plan: CanaryPlan): Promise<CanaryEnd> {
  const timeout = AbortSignal.timeout(plan.timeoutSeconds * 1000);
  const signal = AbortSignal.any([plan.cancelled, timeout]);
  const left = await world.journal.read(signal);
  if (left !== undefined) await recoverCanary(world, left, signal);
  await world.requireEvidence(signal);
  const main = await world.releases.main(signal);
  const stableRevision = main?.revision ?? 0;
  const run: Run = { world, plan, signal, stableRevision, record: { version: 1, run: plan.run, image: formatImage(plan.image), stage: main === undefined ? 'first' : 'installing', stableRevision } };
  try {
    await world.journal.write(run.record, signal);
    return main === undefined ? await deployFirst(run) : await deployBeside(run);
  } catch (thrown) {
    throw await abandon(run, reasonOf(thrown, plan, timeout));
  }
}

async function deployBeside(run: Run): Promise<CanaryEnd> {
  const { world, plan, signal } = run;
  await world.log.group('Install canary and baseline', () => installTwins(run));
  const originals = await world.traffic.originals(signal);
  await note(run, 'routing', originals);
  await world.traffic.open(originals, signal);
  let watch = await startWatch(world, plan.judge, signal);
  let reached = allStable;
  for (const [index, step] of plan.steps.entries()) {
    const weights = weightsFor(step.weight);
    await world.traffic.shift(weights, signal);
    reached = weights;
    world.log.line(`step ${index + 1} of ${plan.steps.length}: ${formatWeights(weights)} for ${step.seconds} s`);
    watch = await watchStep(world, watch, { weights, seconds: step.seconds, untilDecided: index === plan.steps.length - 1, signal });
    if (watch.judgement.verdict === 'rollback' || watch.judgement.verdict === 'insufficient') break;
  }
  const end = { judgement: watch.judgement, words: explainJudgement(watch.judgement, watch.judge.settings), reached, timeline: watch.timeline };
  if (watch.judgement.verdict !== 'promote') return { ...end, ...(await turnBack(run, watch)), revision: run.stableRevision };
  const revision = await promote(run);
  return { ...end, verdict: 'promoted', revision };
}

/** When one fails, the other is waited for as well: what is still being installed cannot be taken away. */
async function installTwins({ world, signal }: Run): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  await Promise.all((['baseline', 'canary'] as const).map((arm) => world.releases.installTwin(arm, either).catch((thrown: unknown) => failed.abort(thrown))));
  failed.signal.throwIfAborted();
}

/** Without a stable release the image is judged by limits alone, with all of the traffic, and taken away when it does not hold. */
async function deployFirst(run: Run): Promise<CanaryEnd> {
  const { world, plan, signal } = run;
  const revision = await world.log.group('Install', () => world.releases.upgradeMain(signal));
  const reached = allStable;
  const seconds = plan.steps.reduce((sum, step) => sum + step.seconds, 0);
  const watch = await watchStep(world, await startWatch(world, plan.judge, signal), { weights: reached, seconds, untilDecided: true, signal });
  const end = { judgement: watch.judgement, words: explainJudgement(watch.judgement, watch.judge.settings), reached, timeline: watch.timeline };
  if (watch.judgement.verdict !== 'promote') return { ...end, ...(await turnBack(run, watch)), revision: 0 };
  await note(run, 'promoted');
  await restore(world, run.record, signal);
  return { ...end, verdict: 'promoted', revision };
}

/** The main release becomes what the canary is, while the canary still serves. */
async function promote(run: Run): Promise<number> {
  const { world, signal } = run;
  await world.requireEvidence(signal);
  await note(run, 'promoting');
  await world.log.group('Promote', () => world.releases.upgradeMain(signal));
  await note(run, 'promoted');
  await restore(world, run.record, signal);
  return world.releases.settleMain(signal);
}

async function turnBack(run: Run, { judgement }: Watch): Promise<Pick<CanaryEnd, 'verdict' | 'code'>> {
  const { world, plan, signal } = run;
  const regressed = judgement.verdict === 'rollback';
  const end = regressed ? { verdict: 'rolled-back', code: 'CANARY_REGRESSION' } as const : { verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' } as const;
  const hold = !regressed && plan.onInsufficientData === 'hold' && run.record.stage !== 'first';
  if (hold) await world.traffic.close(run.record.originals ?? '', signal);
  else await recoverCanary(world, run.record, signal);
  return end;
}

/** After a fault: everything as it was, as far as the time allows. Gives the failure that the run ends with. */
async function abandon(run: Run, failure: unknown): Promise<unknown> {
  const { world, plan } = run;
  // Whoever has the lock now puts everything back, and may already be at it.
  if (plan.superseded?.() === true) return failure;
  try {
    if (!plan.cancelled.aborted) {
      await recoverCanary(world, run.record, AbortSignal.timeout(restoreSeconds * 1000));
      return failure;
    }
    const signal = AbortSignal.timeout(cancelSeconds * 1000);
    // Users first: the rest is for the next run. While stable itself is being upgraded, canary and baseline go on helping it.
    if (run.record.stage === 'routing' && run.record.originals !== undefined) await world.traffic.close(run.record.originals, signal);
    if (run.record.stage === 'routing' || run.record.stage === 'installing') await world.journal.write({ ...run.record, stage: 'reverting' }, signal);
    return failure;
  } catch (thrown) {
    const cause = thrown instanceof Error ? thrown.message : String(thrown);
    world.log.notice({ level: 'warning', title: 'Not everything could be put back', message: `${cause}. The next run does it, or: pratique canary recover` });
    return failure;
  }
}

async function note(run: Run, stage: CanaryStage, originals?: string): Promise<void> {
  run.record = { ...run.record, stage, ...(originals !== undefined && { originals }) };
  await run.world.journal.write(run.record, run.signal);
}

function reasonOf(thrown: unknown, plan: CanaryPlan, timeout: AbortSignal): unknown {
  if (plan.cancelled.aborted) return new Failure({ code: 'CANARY_CANCELLED', message: `the canary of ${formatImage(plan.image)} was cancelled`, cause: thrown });
  if (timeout.aborted) return new Failure({ code: 'CANARY_TIMEOUT', message: `the canary of ${formatImage(plan.image)} did not end within ${plan.timeoutSeconds} s`, cause: thrown });
  return thrown;
}
