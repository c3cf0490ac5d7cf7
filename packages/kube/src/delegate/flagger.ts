// SPDX-License-Identifier: Apache-2.0
// What a Canary of Flagger says (flagger.app/v1beta1; pkg/controller/scheduler.go and pkg/canary/status.go of 1.44), and of which revision it says so.
import { fieldOf, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import { conditionOf } from '../readiness/object-state.ts';
import type { RolloutProgress } from './progress.ts';

/** The kind that Flagger acts on. */
export const flaggerCanary = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' } as const;

/** Phases in which Flagger works on nothing. */
const settledPhases: readonly string[] = ['Initialized', 'Succeeded', 'Failed'];

/** What a Canary said before anything was applied; a later status is compared with it. */
export interface FlaggerMark {
  readonly lastAppliedSpec: string;
  /** When the phase last became another one. */
  readonly changedAt: string;
}

/** Takes the mark. A Canary that is not there yet leaves none. */
export function markFlagger(canary: KubeObject | undefined): FlaggerMark | undefined {
  return canary === undefined ? undefined : { lastAppliedSpec: textOf(canary, 'status', 'lastAppliedSpec'), changedAt: changedAt(canary) };
}

/** Whether Flagger works on no revision now. */
export function isFlaggerSettled(canary: KubeObject): boolean {
  return settledPhases.includes(textOf(canary, 'status', 'phase'));
}

/** Whether Flagger is told to leave it alone. */
export function isFlaggerSuspended(canary: KubeObject): boolean {
  return fieldOf(canary, 'spec', 'suspend') === true;
}

/** Seconds between two looks of Flagger: 60 by default, 10 at the least. */
export function flaggerInterval(canary: KubeObject): number {
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(textOf(canary, 'spec', 'analysis', 'interval')) ?? [];
  return Math.max(10, Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0) || 60);
}

/**
 * Reads the status of a Canary that was settled, or not there, when `mark` was taken.
 *
 * The phase alone does not tell: an old `Succeeded` or `Failed` stays until Flagger looks again, and while it is `Failed` Flagger writes the hash of a new
 * template into `lastAppliedSpec` before it begins with it. But each change of the phase writes the condition `Promoted` anew, so its time does.
 */
export function readFlagger(canary: KubeObject | undefined, mark: FlaggerMark | undefined): RolloutProgress {
  if (canary === undefined) return { state: 'unseen', words: 'the Canary is not there' };
  const phase = textOf(canary, 'status', 'phase');
  const fresh = mark === undefined || changedAt(canary) !== mark.changedAt;
  if (canary.metadata.deletionTimestamp !== undefined || phase.startsWith('Terminat')) return { state: 'failed', words: 'the Canary is being deleted' };
  if (isFlaggerSuspended(canary)) return { state: 'unseen', words: 'the Canary is suspended' };
  if (phase === 'Initialized' && mark === undefined) return { state: 'succeeded', words: 'Initialized: Flagger does not judge a first revision' };
  if (phase === 'Succeeded' && fresh) return { state: 'succeeded', words: wordsOf(canary) };
  // Not always 0: when the primary does not take a promoted revision, Flagger leaves everything at the canary.
  if (phase === 'Failed' && fresh) return { state: 'failed', words: wordsOf(canary), weight: weightOf(canary) };
  if (phase === 'Failed' && isPromotedAgain(canary, mark)) return { state: 'succeeded', words: 'it is what Flagger promoted last, which it does not judge again' };
  if (phase === '' || settledPhases.includes(phase)) return { state: 'unseen', words: `Flagger has not looked at it; it says ${phase || 'nothing'}` };
  return { state: 'under-way', words: wordsOf(canary), weight: weightOf(canary) };
}

/** Where the template became again what the primary runs, Flagger only notes its hash (hasSpecChanged in pkg/canary/spec.go). */
function isPromotedAgain(canary: KubeObject, mark: FlaggerMark | undefined): boolean {
  const applied = textOf(canary, 'status', 'lastAppliedSpec');
  return applied !== '' && applied !== mark?.lastAppliedSpec && applied === textOf(canary, 'status', 'lastPromotedSpec');
}

const changedAt = (canary: KubeObject): string => textOf(listOf(canary, 'status', 'conditions').find(({ type }) => type === 'Promoted'), 'lastUpdateTime');
const weightOf = (canary: KubeObject): number => numberOf(canary, 'status', 'canaryWeight') ?? 0;

function wordsOf(canary: KubeObject): string {
  const status = (key: string): number => numberOf(canary, 'status', key) ?? 0;
  const parts = [
    textOf(canary, 'status', 'phase'), ...(status('canaryWeight') > 0 ? [`${status('canaryWeight')} % to the canary`] : []), ...(status('iterations') > 0 ? [`iteration ${status('iterations')}`] : []),
    ...(status('failedChecks') > 0 ? [`${status('failedChecks')} of ${numberOf(canary, 'spec', 'analysis', 'threshold') ?? 0} failed checks`] : []),
  ];
  const { message } = conditionOf(canary, 'Promoted');
  return `${parts.join(', ')}${message === '' ? '' : `: ${message}`}`;
}
