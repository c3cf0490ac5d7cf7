// SPDX-License-Identifier: Apache-2.0
// What every strategy is wrapped in: what a killed run left is put back, evidence is required, each stage is in the journal, and a fault undoes everything.
import { Failure, formatImage, type PinnedImage } from '@pratique/core';
import type { CanaryRecord, CanaryStage } from './record.ts';
import { recoverCanary, type RecoveryWorld } from './recover.ts';
import type { CanaryWorld } from './world.ts';

/** What every strategy is told. */
export interface RunPlan {
  readonly image: PinnedImage;
  /** Address of this run, for the journal. */
  readonly run: string;
  /** Aborted when the run is cancelled; then there are seconds, not minutes. */
  readonly cancelled: AbortSignal;
  /** Whether another run has taken the lock over. Default: never. */
  readonly superseded?: () => boolean;
  /** For the whole run. */
  readonly timeoutSeconds: number;
}

/** What every strategy does to the world. */
export type RunWorld = RecoveryWorld & Pick<CanaryWorld, 'requireEvidence' | 'releases' | 'traffic'>;

/** A run under way. */
export interface Run<World extends RunWorld = RunWorld, Plan extends RunPlan = RunPlan> {
  readonly world: World;
  readonly plan: Plan;
  readonly signal: AbortSignal;
  /** 0 on a first deployment. */
  readonly stableRevision: number;
  record: CanaryRecord;
}

// GitHub kills what it cancels 10 s after the first signal (docs.github.com, workflow cancellation); two requests fit into this.
const cancelSeconds = 5;
/** For putting things back when the time of the run itself is over. */
const restoreSeconds = 300;

/** Runs `work`, which notes each stage before its effects. When it throws, everything is put back, as far as the time allows, and the reason is thrown. */
export async function undertake<World extends RunWorld, Plan extends RunPlan, End>(world: World, plan: Plan, work: (run: Run<World, Plan>) => Promise<End>): Promise<End> {
  const timeout = AbortSignal.timeout(plan.timeoutSeconds * 1000);
  const signal = AbortSignal.any([plan.cancelled, timeout]);
  const left = await world.journal.read(signal);
  if (left !== undefined) await recoverCanary(world, left, signal);
  await world.requireEvidence(signal);
  await world.releases.mendMain(signal);
  const stableRevision = (await world.releases.main(signal))?.revision;
  const record: CanaryRecord = { version: 1, run: plan.run, image: formatImage(plan.image), stage: stableRevision === undefined ? 'first' : 'installing', stableRevision: stableRevision ?? 0 };
  const run: Run<World, Plan> = { world, plan, signal, stableRevision: record.stableRevision, record };
  try {
    return await work(run);
  } catch (thrown) {
    throw await abandon(run, reasonOf(thrown, plan, timeout));
  }
}

/** Writes the stage into the journal. */
export async function note(run: Run, stage: CanaryStage, originals?: string): Promise<void> {
  run.record = { ...run.record, stage, ...(originals !== undefined && { originals }) };
  await run.world.journal.write(run.record, run.signal);
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

function reasonOf(thrown: unknown, plan: RunPlan, timeout: AbortSignal): unknown {
  if (plan.cancelled.aborted) return new Failure({ code: 'CANARY_CANCELLED', message: `the deployment of ${formatImage(plan.image)} was cancelled`, cause: thrown });
  if (timeout.aborted) return new Failure({ code: 'CANARY_TIMEOUT', message: `the deployment of ${formatImage(plan.image)} did not end within ${plan.timeoutSeconds} s`, cause: thrown });
  return thrown;
}
