// SPDX-License-Identifier: Apache-2.0
// Takes up a split that an earlier run planned, in whatever way it splits.
import { Failure, parseJsonObject } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { resumeRoute } from './http-route.ts';
import { resumeIngress } from './ingress.ts';
import { resumePods } from './pods.ts';
import type { SplitPlan, TrafficSplit } from './split.ts';

/** The split of the journal's originals. Fails with `KUBE_JOURNAL_INVALID`. */
export function resumeSplit(cluster: Pick<Cluster, 'get' | 'list' | 'create' | 'patch' | 'remove'>, originals: string): TrafficSplit {
  const found = parseJsonObject(originals, 'the split in the journal', 'KUBE_JOURNAL_INVALID');
  // Journals of versions that knew routes only do not say it.
  const plan = { kind: 'gateway-api', ...found } as unknown as SplitPlan;
  switch (plan.kind) {
    case 'gateway-api': return resumeRoute(cluster, plan);
    case 'ingress-nginx': return resumeIngress(cluster, plan);
    case 'replicas': return resumePods(cluster, plan);
    default: throw new Failure({ code: 'KUBE_JOURNAL_INVALID', message: 'the journal speaks of a way to split traffic that this version does not know', facts: { kind: found['kind'] } });
  }
}
