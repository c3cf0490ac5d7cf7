// SPDX-License-Identifier: Apache-2.0
// Work that ends at once when an arm cannot serve any more.
import type { ArmLoss, CanaryWorld } from './world.ts';

/** Works while the arms are watched. Gives the loss that ended the work, or `undefined` when it came to its end; fails when the work or the watch fails. */
export async function guardArms(world: Pick<CanaryWorld, 'armLoss'>, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<ArmLoss | undefined> {
  const end = new AbortController();
  const ended = new Error('an arm of the canary cannot serve');
  let loss: ArmLoss | undefined;
  const watching = world.armLoss(AbortSignal.any([signal, end.signal])).then(
    (found) => {
      loss = found;
      end.abort(ended);
    },
    (thrown: unknown) => end.abort(thrown),
  );
  try {
    await work(AbortSignal.any([signal, end.signal]));
    // Without the watch nobody knows whether they still serve.
    if (loss === undefined) end.signal.throwIfAborted();
  } catch (thrown) {
    if (loss === undefined || signal.aborted) throw thrown;
  } finally {
    end.abort(ended);
    await watching;
  }
  return loss;
}
