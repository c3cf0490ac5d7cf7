// SPDX-License-Identifier: Apache-2.0
// A split of traffic, whatever makes it: the same three things are done by an HTTPRoute, by an Ingress of ingress-nginx, and by labels of pods.
import type { RouteSplit } from './http-route-plan.ts';
import type { IngressSplit } from './ingress-plan.ts';
import type { PodSplit } from './pod-plan.ts';
import type { Weights } from './weights.ts';

/** A planned split, with what was before; JSON for the journal, whose `kind` says how it is put back. */
export type SplitPlan = RouteSplit | IngressSplit | PodSplit;

/** The split of one run. */
export interface TrafficSplit {
  readonly plan: SplitPlan;
  /** Attaches the arms at weight 0. Fails with `ROUTE_CHANGED` when it is not as it was planned on. */
  attach(): Promise<void>;
  /** From the weights that this run set to others. Fails with `ROUTE_CHANGED`. */
  shift(from: Weights, to: Weights): Promise<void>;
  /** Takes the arms out; twice is as good as once. Says what others changed. */
  restore(): Promise<readonly string[]>;
  /** Whether the cluster tells gateways what was last asked of it; they take it in a moment later. Absent where they read it themselves. */
  isSettled?(): Promise<boolean>;
}
