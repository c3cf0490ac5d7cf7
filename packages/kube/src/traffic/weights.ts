// SPDX-License-Identifier: Apache-2.0
// Who gets how much of the traffic, in percent.
import { Failure } from '@pratique/core';
import type { Arm } from '../judge/slot.ts';

/** Parts of the traffic; a share is weight by sum. */
export interface Weights {
  readonly stable: number;
  readonly baseline: number;
  readonly canary: number;
}

/** Who gets traffic; without a baseline the canary is compared with nothing beside it. */
export interface SplitServices {
  readonly stable: string;
  readonly baseline?: string;
  readonly canary: string;
}

/** All traffic to stable, both others attached. */
export const allStable: Weights = { stable: 100, baseline: 0, canary: 0 };

/** `share` percent for the canary and as much for the baseline, 0 to 50; up to 100 when there is no baseline. */
export function weightsFor(share: number, arms: readonly Arm[] = ['baseline', 'canary']): Weights {
  const baseline = arms.includes('baseline') ? share : 0;
  const stable = 100 - share - baseline;
  if (!Number.isInteger(share) || share < 0 || stable < 0) throw new Failure({ code: 'INPUT_INVALID', message: `a canary cannot have ${share} % of the traffic`, hint: 'Whole numbers from 0 to 50: the baseline gets as much.' });
  return { stable, baseline, canary: share };
}
