// SPDX-License-Identifier: Apache-2.0
// Follows an operator's rollout over a watch until it has a verdict, or until time is up.
import type { Clock } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import type { KubeObject, ObjectRef } from '../client/object.ts';
import type { RolloutProgress } from './progress.ts';

/** What is followed, and for how long. */
export interface FollowOptions {
  readonly ref: ObjectRef;
  readonly read: (object: KubeObject | undefined) => RolloutProgress;
  readonly timeoutSeconds: number;
  /** A revision that the operator has not taken up by then is not waited for any longer. Default: `timeoutSeconds`. */
  readonly unseenSeconds?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every change. */
  readonly onProgress: (progress: RolloutProgress) => void;
}

/** Gives the last look; `unseen` and `under-way` mean that time was up. Fails as the watch does (`KUBE_*`), and with the signal's reason. */
export async function followRollout(cluster: Pick<Cluster, 'watch'>, { ref, read, timeoutSeconds, unseenSeconds = timeoutSeconds, clock, signal, onProgress }: FollowOptions): Promise<RolloutProgress> {
  const end = new AbortController();
  const stop = AbortSignal.any([signal, end.signal]);
  let last: RolloutProgress = { state: 'unseen', words: '' };
  const endAfter = async (seconds: number, holds: () => boolean): Promise<void> => {
    try {
      await clock.sleep(seconds, stop);
      if (holds()) end.abort();
    } catch (thrown) {
      if (!stop.aborted) throw thrown;
    }
  };
  const timers = Promise.all([endAfter(timeoutSeconds, () => true), endAfter(unseenSeconds, () => last.state === 'unseen')]);
  const { name, ...query } = ref;
  for await (const change of cluster.watch({ ...query, fieldSelector: `metadata.name=${name}` }, { signal: stop })) {
    const next = read(change.type === 'listed' ? change.items[0] : change.type === 'gone' ? undefined : change.object);
    if (next.state !== last.state || next.words !== last.words) onProgress(next);
    last = next;
    if (next.state === 'succeeded' || next.state === 'failed') break;
  }
  end.abort();
  await timers;
  signal.throwIfAborted();
  return last;
}
