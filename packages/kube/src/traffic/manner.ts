// SPDX-License-Identifier: Apache-2.0
// What a run knows of a split beside how it is made: who gets what at a step, and what may be concluded from it.
import type { Arm } from '../judge/slot.ts';
import { weightsFor, type Weights } from './weights.ts';

/** What a run has to know of the way in which its traffic is split. */
export interface SplitManner {
  /** Who gets what when the canary is to have `share` percent. */
  weights(share: number): Weights;
  /** Whom the canary is held against: fresh pods, or stable itself where there can be no second arm. Absent: a limit. */
  readonly rival?: 'baseline' | 'stable';
  /** Requests follow the weights, so that what was counted proves or refutes the split. */
  readonly exact: boolean;
}

/** The manner of a route with these arms. */
export function routeManner(arms: readonly Arm[]): SplitManner {
  return { weights: (share) => weightsFor(share, arms), exact: true, ...(arms.includes('baseline') && { rival: 'baseline' as const }) };
}
