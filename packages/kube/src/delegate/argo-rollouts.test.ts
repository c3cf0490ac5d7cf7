// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../client/object.ts';
import { readArgoRollout } from './argo-rollouts.ts';

/** A status as Argo Rollouts 1.9 writes it, for generation 4. */
function rollout(phase: string, status: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'app', generation: 4, ...metadata }, spec: { strategy: { canary: { steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 60 }] } } },
    status: { phase, observedGeneration: '4', currentPodHash: 'new', stableRS: 'old', ...status },
  };
}

describe('a status is of our revision or of none', () => {
  test.each<[name: string, now: KubeObject | undefined, expected: object]>([
    ['no Rollout', undefined, { state: 'unseen' }],
    ['no status yet', { ...rollout(''), status: {} }, { state: 'unseen' }],
    ['healthy, of the generation before', rollout('Healthy', { observedGeneration: '3', stableRS: 'old', currentPodHash: 'old' }), { state: 'unseen' }],
    ['degraded, of the generation before', rollout('Degraded', { observedGeneration: '3', abort: true }), { state: 'unseen' }],
    ['a generation that is no number', rollout('Healthy', { observedGeneration: '7c9d', stableRS: 'new' }), { state: 'unseen' }],
    ['at a step', rollout('Progressing', { currentStepIndex: 0, canary: { weights: { canary: { weight: 20 } } }, message: 'more replicas need to be updated' }), { state: 'under-way', weight: 20, words: 'Progressing, step 1 of 3, 20 % to the canary: more replicas need to be updated' }],
    ['without a router', rollout('Progressing', { currentStepIndex: 0 }), { state: 'under-way', words: 'Progressing, step 1 of 3' }],
    ['paused', rollout('Paused', { currentStepIndex: 1, controllerPause: true, pauseConditions: [{ reason: 'CanaryPauseStep' }], message: 'CanaryPauseStep' }), { state: 'under-way', words: 'Paused, step 2 of 3: CanaryPauseStep' }],
    ['resumed, not taken up', rollout('Healthy', { stableRS: 'new', controllerPause: true, pauseConditions: [] }), { state: 'under-way' }],
    ['healthy, but stable is another', rollout('Healthy'), { state: 'under-way' }],
    ['healthy', rollout('Healthy', { stableRS: 'new', currentStepIndex: 3 }), { state: 'succeeded', words: 'Healthy' }],
    ['aborted', rollout('Degraded', { abort: true, message: 'RolloutAborted: metric "errors" assessed Failed' }), { state: 'failed', words: 'Degraded, aborted: RolloutAborted: metric "errors" assessed Failed' }],
    ['no progress', rollout('Degraded', { message: 'ProgressDeadlineExceeded: ReplicaSet "app-1" has timed out progressing.' }), { state: 'failed' }],
    ['being deleted', rollout('Healthy', { stableRS: 'new' }, { deletionTimestamp: '2026-11-21T10:00:00Z' }), { state: 'failed' }],
  ])('%s', (_name, now, expected) => {
    expect(readArgoRollout(now)).toMatchObject(expected);
  });

  test.each([['6', 'unseen'], ['7', 'succeeded'], ['8', 'succeeded'], ['', 'unseen']])('a template from a Deployment of generation 7, seen at "%s"', (workloadObservedGeneration, state) => {
    expect(readArgoRollout(rollout('Healthy', { stableRS: 'new', workloadObservedGeneration }), 7)).toMatchObject({ state });
  });
});
