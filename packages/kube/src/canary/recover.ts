// SPDX-License-Identifier: Apache-2.0
// Puts back what a canary changed: after its own end, after a fault, and after a run that was killed. Every part can be repeated.
import { Failure } from '@pratique/core';
import type { CanaryRecord } from './record.ts';
import type { CanaryReleases, CanaryTraffic, CanaryWorld } from './world.ts';

/** What a recovery needs of the world. */
export interface RecoveryWorld extends Pick<CanaryWorld, 'clock' | 'log' | 'journal' | 'residue'> {
  readonly releases: Pick<CanaryReleases, 'main' | 'removeTwin' | 'rollBackMain' | 'removeMain'>;
  readonly traffic: Pick<CanaryTraffic, 'close' | 'settle'>;
}

/** Which way a recovery went. */
export type CanaryRecovery = 'reverted' | 'completed';

/**
 * Goes back to what was before, or forward when the main release is already new and ready. What the record says may have happened is looked up, not believed.
 * Fails with `CANARY_RESIDUE` and with what the world fails with; the record stays then.
 */
export async function recoverCanary(world: RecoveryWorld, record: CanaryRecord, signal: AbortSignal): Promise<CanaryRecovery> {
  world.log.line(`putting back what ${record.run} left at stage ${record.stage}`);
  if (record.stage === 'first') await world.releases.removeMain(signal);
  const main = record.stage === 'promoting' || record.stage === 'reverting' ? await world.releases.main(signal) : undefined;
  const upgraded = main !== undefined && main.revision > record.stableRevision;
  const completed = record.stage === 'promoted' || (record.stage === 'promoting' && upgraded && main.settled);
  // Killed before the upgrade began: there is nothing to go back from.
  const untouched = main?.settled === true && !upgraded;
  if ((record.stage === 'promoting' && !completed && !untouched) || (record.stage === 'reverting' && upgraded)) await world.releases.rollBackMain(record.stableRevision, signal);
  await restore(world, record, signal);
  return completed ? 'completed' : 'reverted';
}

/**
 * The route as it was, then the two releases away, then proof that nothing is left; the record goes last. `meanwhile` needs the route, but not that the
 * releases are away, whose pods take their time to end.
 */
export async function restore(world: RecoveryWorld, record: CanaryRecord, signal: AbortSignal, meanwhile?: () => Promise<void>): Promise<void> {
  if (record.originals !== undefined) {
    await world.traffic.close(record.originals, signal);
    await world.traffic.settle(record.originals, signal);
  }
  // Whoever puts things back after a failure must not find the other half still at work.
  const ends = await Promise.allSettled([removeTwins(world, signal), meanwhile?.()]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  await world.journal.remove(signal);
}

async function removeTwins(world: RecoveryWorld, signal: AbortSignal): Promise<void> {
  await Promise.all((['canary', 'baseline'] as const).map((arm) => world.releases.removeTwin(arm, signal)));
  if ((await waitForNothing(world, signal)).length === 0) return;
  const left = await world.residue(signal, { whole: true });
  if (left.length > 0) throw new Failure({ code: 'CANARY_RESIDUE', message: `${left.length} objects of the canary are still there: ${left.slice(0, 10).join(', ')}`, facts: { left: left.slice(0, 100) } });
}

/** Pods end at their own pace: at most a minute and a half, three times the usual grace. */
const looks = 180;
const lookSeconds = 0.5;

async function waitForNothing(world: RecoveryWorld, signal: AbortSignal): Promise<readonly string[]> {
  for (let look = 1; ; look += 1) {
    const left = await world.residue(signal);
    if (left.length === 0 || look === looks) return left;
    await world.clock.sleep(lookSeconds, signal);
  }
}
