// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { WatchChange } from '../client/watch.ts';
import type { KubeObject } from '../client/object.ts';
import { followRollout, type FollowOptions } from './follow.ts';
import type { RolloutProgress } from './progress.ts';

const ref = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', name: 'app' };
const object = (state: string): KubeObject => ({ ...ref, metadata: { name: 'app' }, state });
const read: FollowOptions['read'] = (found) => ({ state: (found?.['state'] ?? 'unseen') as RolloutProgress['state'], words: String(found?.['state'] ?? 'nothing') });

/** A watch that tells these states one after the other, and then nothing until it is ended. */
async function* tell(states: readonly string[], { signal }: { readonly signal: AbortSignal }): AsyncGenerator<WatchChange> {
  yield { type: 'listed', items: [] };
  for (const state of states) yield { type: 'changed', object: object(state) };
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** Sleeps never end by themselves, but for those that are shorter than `patience`. */
function play(states: readonly string[], options: Partial<FollowOptions> & { readonly patience?: number } = {}): Promise<{ readonly last: RolloutProgress; readonly told: readonly string[] }> {
  const told: string[] = [];
  const clock = {
    now: () => new Date(0),
    sleep: (seconds: number, signal?: AbortSignal) => new Promise<void>((resolve, reject) => {
      if (seconds < (options.patience ?? 0)) setImmediate(() => setImmediate(resolve));
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
  };
  return followRollout({ watch: (_query, watchOptions) => tell(states, watchOptions) }, { ref, read, timeoutSeconds: 600, clock, signal: new AbortController().signal, onProgress: ({ words }) => told.push(words), ...options }).then((last) => ({ last, told }));
}

test('every change is told until there is a verdict', async () => {
  expect(await play(['under-way', 'under-way', 'succeeded', 'failed'])).toEqual({ last: { state: 'succeeded', words: 'succeeded' }, told: ['nothing', 'under-way', 'succeeded'] });
});

test('without a verdict the last look is the answer when time is up', async () => {
  expect((await play(['under-way'], { patience: 1000 })).last.state).toBe('under-way');
});

test('what is not taken up is waited for shortly, what is taken up is not', async () => {
  const impatient = { unseenSeconds: 20, patience: 100 };
  expect((await play([], impatient)).last.state).toBe('unseen');
  const cancel = new AbortController();
  const ended = play(['under-way'], { ...impatient, signal: cancel.signal });
  setTimeout(() => cancel.abort(new Error('cancelled')), 50);
  await expect(ended).rejects.toThrow('cancelled');
});
