// SPDX-License-Identifier: Apache-2.0
// Proof that the gateway splits the traffic as it was told: what it counted against the weights.
import type { Weights } from '../traffic/weights.ts';
import { formatPercent, formatWeights } from './weights.ts';

/** Requests that each backend answered. */
export type BackendRequests = Readonly<Record<keyof Weights, number>>;

/** Requests below which nothing is said: a handful says nothing about a share. */
export const leastRequests = 100;
/** Standard deviations; once in more than a million looks for a gateway that does as it was told. */
const deviations = 5;
/** Percentage points beside chance: gateways balance by connection, and take a moment to converge (Gateway API conformance allows 5). */
const tolerance = 5;

const backends = ['stable', 'baseline', 'canary'] as const;

/** Of all backends. */
export function totalOf({ stable, baseline, canary }: BackendRequests): number {
  return stable + baseline + canary;
}

/** What is wrong with the split, in words; `undefined` when it holds or when there were too few requests to say. */
export function splitProblem(requests: BackendRequests, weights: Weights): string | undefined {
  const total = totalOf(requests);
  if (total < leastRequests) return undefined;
  const wrong = backends.filter((backend) => {
    const wanted = weights[backend] / 100;
    const share = requests[backend] / total;
    return Math.abs(share - wanted) > deviations * Math.sqrt((wanted * (1 - wanted)) / total) + tolerance / 100;
  });
  if (wrong.length === 0) return undefined;
  const seen = wrong.map((backend) => `${backend} got ${((100 * requests[backend]) / total).toFixed(1)} % instead of ${formatPercent(weights[backend])} %`);
  return `of ${total} requests ${seen.join(', ')}`;
}

/** The shares that were counted, behind those that were computed; nothing without requests. */
export function countedShares(requests: BackendRequests): string {
  const total = totalOf(requests);
  const percent = (count: number): number => (100 * count) / total;
  return total === 0 ? '' : `, counted ${formatWeights({ stable: percent(requests.stable), baseline: percent(requests.baseline), canary: percent(requests.canary) })}`;
}
