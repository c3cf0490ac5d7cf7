// SPDX-License-Identifier: Apache-2.0
// What a way to split traffic is to a deployment.
import type { Arm, SplitManner, TrafficSplit } from '@pratique/kube';
import type { Arms } from '../plan.ts';
import type { Prepared } from '../releases.ts';

/** Traffic that is to be split. */
export interface Splittable {
  /** The Service of stable. */
  readonly service: string;
  readonly strategy: 'canary' | 'blue-green';
  /** Pods that stable has now: without a second arm beside it, blue-green needs as many. */
  readonly livePods: number;
}

/** One way to split. */
export interface Way extends Pick<Prepared, 'ownsRoute' | 'keepRoute'> {
  readonly arms: readonly Arm[];
  /** Pods of each arm. */
  readonly replicas: number;
  readonly manner: SplitManner;
  /** What is not as one may expect, told before the start. */
  readonly remarks: readonly string[];
  /** Plans it, now that the arms have names. Reads only. Fails with `ROUTE_REFUSED` and `WORKLOAD_INVALID`. */
  open(arms: Arms): Promise<TrafficSplit>;
}
