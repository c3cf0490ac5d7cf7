// SPDX-License-Identifier: Apache-2.0
// What a Rollout of Argo says (argoproj.io/v1alpha1; utils/rollout/rolloututil.go of 1.9), and of which revision it says so.
import { fieldOf, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import type { RolloutProgress } from './progress.ts';

/** The kind that Argo Rollouts acts on. */
export const argoRollout = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' } as const;

/**
 * Reads the status of a Rollout. `workloadGeneration`: `metadata.generation`, after the change, of the Deployment that it takes its template from.
 *
 * The observed generations are texts, and a phase counts only when they have caught up: until then it is of an earlier revision.
 */
export function readArgoRollout(rollout: KubeObject | undefined, workloadGeneration?: number): RolloutProgress {
  if (rollout === undefined) return { state: 'unseen', words: 'the Rollout is not there' };
  if (rollout.metadata.deletionTimestamp !== undefined) return { state: 'failed', words: 'the Rollout is being deleted' };
  const observed = hasSeen(rollout, 'observedGeneration', rollout.metadata.generation) && hasSeen(rollout, 'workloadObservedGeneration', workloadGeneration);
  const phase = textOf(rollout, 'status', 'phase');
  if (!observed || phase === '') return { state: 'unseen', words: 'Argo Rollouts has not looked at it' };
  const [stable, current] = [textOf(rollout, 'status', 'stableRS'), textOf(rollout, 'status', 'currentPodHash')];
  // Between its two halves a resumed Rollout still names the phase before.
  const resuming = fieldOf(rollout, 'status', 'controllerPause') === true && listOf(rollout, 'status', 'pauseConditions').length === 0;
  if (phase === 'Healthy' && !resuming && stable !== '' && stable === current) return { state: 'succeeded', words: wordsOf(rollout) };
  if (phase === 'Degraded') return { state: 'failed', words: wordsOf(rollout) };
  const weight = numberOf(rollout, 'status', 'canary', 'weights', 'canary', 'weight');
  return { state: 'under-way', words: wordsOf(rollout), ...(weight !== undefined && { weight }) };
}

function hasSeen(rollout: KubeObject, key: string, generation: number | undefined): boolean {
  return generation === undefined || Number(textOf(rollout, 'status', key) || 'never') >= generation;
}

function wordsOf(rollout: KubeObject): string {
  const weight = numberOf(rollout, 'status', 'canary', 'weights', 'canary', 'weight');
  const [step, steps] = [numberOf(rollout, 'status', 'currentStepIndex'), listOf(rollout, 'spec', 'strategy', 'canary', 'steps').length];
  const parts = [
    textOf(rollout, 'status', 'phase'), ...(fieldOf(rollout, 'status', 'abort') === true ? ['aborted'] : []),
    ...(step !== undefined && step < steps ? [`step ${step + 1} of ${steps}`] : []), ...(weight === undefined ? [] : [`${weight} % to the canary`]),
  ];
  const message = textOf(rollout, 'status', 'message');
  return `${parts.join(', ')}${message === '' ? '' : `: ${message}`}`;
}
