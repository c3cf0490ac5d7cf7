// SPDX-License-Identifier: Apache-2.0
// The rolling strategy: the main release becomes the new version at once, pod by pod, and goes back to the revision before when it does not get ready.
import { Failure } from '@pratique/core';
import { note, undertake, type Run, type RunPlan, type RunWorld } from './undertaking.ts';
import { recoverCanary, restore } from './recover.ts';

/** How it ended. Anything else is a `Failure`, after everything was put back. */
export interface RollingEnd {
  readonly verdict: 'promoted' | 'rolled-back';
  /** Absent when it was promoted: why the new version does not run. */
  readonly failure?: Failure;
  /** Revision of the main release now; 0 when there is none. */
  readonly revision: number;
}

/**
 * Upgrades (or installs) the main release and waits until it is ready. What a killed run left is put back first.
 * Fails with what the world fails with, `CANARY_TIMEOUT`, `CANARY_CANCELLED`, `CANARY_RESIDUE`.
 */
export function runRolling(world: RunWorld, plan: RunPlan): Promise<RollingEnd> {
  return undertake(world, plan, async (run) => {
    await note(run, run.record.stage === 'first' ? 'first' : 'promoting');
    const outcome = await upgrade(run);
    if (outcome instanceof Failure) {
      await recoverCanary(world, run.record, run.signal);
      return { verdict: 'rolled-back', failure: outcome, revision: (await world.releases.main(run.signal))?.revision ?? 0 };
    }
    await note(run, 'promoted');
    await restore(world, run.record, run.signal);
    return { verdict: 'promoted', revision: outcome };
  });
}

/** Not getting ready is an answer. */
async function upgrade({ world, signal }: Run): Promise<number | Failure> {
  try {
    return await world.log.group('Upgrade', () => world.releases.upgradeMain(signal));
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'CANARY_NOT_READY') return thrown;
    throw thrown;
  }
}
