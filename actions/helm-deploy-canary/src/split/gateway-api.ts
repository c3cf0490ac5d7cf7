// SPDX-License-Identifier: Apache-2.0
// By weights of the HTTPRoute in front of the release.
import { kinds, listOf, openRoute, routeManner, type Arm, type Cluster, type KubeObject, type UpgradeOptions } from '@pratique/kube';
import { servicesOf } from '../plan.ts';
import type { Task } from '../task.ts';
import type { Splittable, Way } from './way.ts';

/** The split of `route`. */
export function byRoute({ given, rendered, connection: { cluster } }: Task, { service, strategy, livePods }: Splittable, route: KubeObject): Way {
  const arms: readonly Arm[] = strategy === 'canary' ? ['baseline', 'canary'] : ['canary'];
  const ownsRoute = rendered.next.some(({ kind, metadata }) => kind === 'HTTPRoute' && metadata.name === route.metadata.name);
  return {
    arms, manner: routeManner(arms), remarks: [], replicas: strategy === 'canary' ? given.replicas : livePods,
    ownsRoute, keepRoute: () => (ownsRoute ? liveRules(cluster, route) : Promise.resolve(undefined)),
    open: (made) => Promise.resolve(openRoute(cluster, route, servicesOf(service, made))),
  };
}

/** What the route says at the moment of the upgrade, so that the canary goes on serving while stable is upgraded. */
async function liveRules(cluster: Cluster, route: KubeObject): Promise<UpgradeOptions['postRenderer']> {
  const now = await cluster.get({ ...kinds.httpRoute, name: route.metadata.name });
  return now === undefined ? undefined : { route: route.metadata.name, rules: listOf(now, 'spec', 'rules') };
}
