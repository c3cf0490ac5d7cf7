// SPDX-License-Identifier: Apache-2.0
// How far an operator in the cluster (Flagger, Argo Rollouts) has come with the revision that was applied.

/** One look. What belongs to an earlier revision is never told as if it were of this one: it is `unseen`. */
export interface RolloutProgress {
  /** `unseen`: the operator has not taken up what was applied. */
  readonly state: 'unseen' | 'under-way' | 'succeeded' | 'failed';
  /** One line, in the operator's own terms. */
  readonly words: string;
  /** Percent of the traffic that the new revision has; absent when the operator does not say. */
  readonly weight?: number;
}
