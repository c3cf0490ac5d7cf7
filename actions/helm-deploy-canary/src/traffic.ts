// SPDX-License-Identifier: Apache-2.0
// The route in front of stable, baseline and canary: split, and put back as it was.
import { Failure, parseJsonObject, type Context } from '@pratique/core';
import { allStable, findRoute, openSplit, resumeSplit, type CanaryTraffic, type Cluster, type KubeObject, type RouteSplit, type TrafficSplit, type Weights } from '@pratique/kube';

/** Which route, and which Services it splits between. */
export interface TrafficOptions {
  readonly ctx: Pick<Context, 'log'>;
  readonly cluster: Cluster;
  /** Absent while only recovering, and on a first deployment. */
  readonly split?: { readonly route: KubeObject; readonly services: RouteSplit['services'] };
}

/** The traffic of one run. */
export function createTraffic({ ctx, cluster, split }: TrafficOptions): CanaryTraffic {
  let current: Weights = allStable;
  let opened: TrafficSplit | undefined;
  const required = (): TrafficSplit => {
    if (opened === undefined && split !== undefined) opened = openSplit(cluster, split.route, split.services);
    if (opened === undefined) throw new Failure({ code: 'INTERNAL_DEFECT', message: 'there is no route to split' });
    return opened;
  };
  return {
    originals: () => Promise.resolve(JSON.stringify(required().plan)),
    open: () => required().attach(),
    // Whether the gateway does as the route says shows in what it counts.
    async shift(weights) {
      await required().shift(current, weights);
      current = weights;
    },
    async close(originals) {
      const foreign = await resumeSplit(cluster, parseJsonObject(originals, 'the route in the journal', 'KUBE_JOURNAL_INVALID') as unknown as RouteSplit).restore();
      for (const words of foreign) ctx.log.notice({ level: 'warning', title: 'The route was changed by somebody else', message: words });
      current = allStable;
    },
  };
}

/** The route that serves the release; `undefined` when the cluster has none for it and none was named. */
export function routeOf(cluster: Cluster, { route, service }: { readonly route: string | undefined; readonly service: string }): Promise<KubeObject> {
  return findRoute(cluster, service, route === undefined ? {} : { name: route });
}
