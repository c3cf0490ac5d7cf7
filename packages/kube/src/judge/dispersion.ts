// SPDX-License-Identifier: Apache-2.0
// How much failures come in bursts: from stable's history before the run, and from the run itself.
import type { ArmCounts } from './slot.ts';

/** Sums from which the dispersion of the windows so far is known. */
export interface DispersionSums {
  readonly windows: number;
  readonly requests: number;
  readonly failures: number;
  /** Sum over windows of failures squared by requests. */
  readonly squares: number;
}

/** What is assumed of a service without history: covers failures whose correlation within a slot is 0.01, with a margin as large as a history's own. */
export const rhoWithoutHistory = 0.012;
const enoughWindows = 12;

/** No window yet. */
export const noDispersion: DispersionSums = { windows: 0, requests: 0, failures: 0, squares: 0 };

/** The sums with one more window; a window without requests says nothing. */
export function addDispersion(sums: DispersionSums, { requests, failures }: ArmCounts): DispersionSums {
  if (requests <= 0) return sums;
  return {
    windows: sums.windows + 1, requests: sums.requests + requests, failures: sums.failures + failures, squares: sums.squares + (failures * failures) / requests,
  };
}

/** Correlation within a window as the run shows it; 0 until 12 windows are there or while nothing failed. */
export function runRho({ windows, requests, failures, squares }: DispersionSums): number {
  if (windows < enoughWindows || failures <= 0) return 0;
  const phi = (squares - (failures * failures) / requests) / (failures / requests) / (windows - 1);
  return rhoOf(phi, requests / windows);
}

/**
 * Correlation within a window from stable's history, on the safe side (one standard error up): the largest over blocks of one slot and of
 * six, and of 24 when there are at least four hours (2,880 slots), since bursts longer than the largest block would go unseen. `slots` are
 * as long as those of the run and cover at least one hour, over as many pods as an arm has. Too large costs time, too small costs the guarantee.
 */
export function historyRho(slots: readonly ArmCounts[]): number {
  const requests = slots.reduce((sum, slot) => sum + slot.requests, 0);
  const failures = slots.reduce((sum, slot) => sum + slot.failures, 0);
  if (requests <= 0 || failures <= 0) return 0;
  const lengths = slots.length >= 2_880 ? [1, 6, 24] : [1, 6];
  return Math.max(...lengths.map((length) => rhoOf(blockPhi(slots, length, failures / requests), requests / slots.length)));
}

function rhoOf(phi: number, requestsPerWindow: number): number {
  return phi > 1 && requestsPerWindow > 1 ? (phi - 1) / (requestsPerWindow - 1) : 0;
}

function blockPhi(slots: readonly ArmCounts[], length: number, share: number): number {
  const blocks = Array.from({ length: Math.floor(slots.length / length) }, (_, index) => slots.slice(index * length, (index + 1) * length));
  const deviations = blocks.flatMap((block) => {
    const expected = share * block.reduce((sum, slot) => sum + slot.requests, 0);
    const seen = block.reduce((sum, slot) => sum + slot.failures, 0);
    return expected > 0 ? [(seen - expected) ** 2 / expected] : [];
  });
  const count = deviations.length;
  if (count < 2) return 1;
  const mean = deviations.reduce((a, b) => a + b, 0) / (count - 1);
  const variance = deviations.reduce((a, b) => a + (b - mean) ** 2, 0) / (count - 1);
  return mean + Math.sqrt(variance / count);
}
