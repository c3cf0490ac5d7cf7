// SPDX-License-Identifier: Apache-2.0
// Finds the route of a Service and changes its weights; whoever else writes it meanwhile is noticed, never overwritten.
import { Failure } from '@pratique/core';
import type { Cluster, PatchOperation } from '../client/cluster.ts';
import { kinds, type KubeObject } from '../client/object.ts';
import { attachOperations, disownOperations, planSplit, restoreOperations, routeManager, routesTo, shiftOperations, type RouteSplit, type Weights } from './split.ts';

type Api = Pick<Cluster, 'get' | 'list' | 'patch'>;

/** The only HTTPRoute of the namespace that sends traffic to `service`, or the one called `name`. Fails with `ROUTE_REFUSED` when there is none, or several. */
export async function findRoute(cluster: Api, service: string, options: { readonly name?: string; readonly namespace?: string } = {}): Promise<KubeObject> {
  const place = options.namespace === undefined ? {} : { namespace: options.namespace };
  if (options.name !== undefined) {
    const named = await cluster.get({ ...kinds.httpRoute, ...place, name: options.name });
    if (named !== undefined) return named;
    throw new Failure({ code: 'ROUTE_REFUSED', message: `there is no HTTPRoute "${options.name}"`, hint: 'kubectl get httproutes shows which there are.' });
  }
  const { items } = await cluster.list({ ...kinds.httpRoute, ...place });
  const found = items.filter((route) => routesTo(route, service));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new Failure({
    code: 'ROUTE_REFUSED', message: found.length === 0 ? `no HTTPRoute sends traffic to the Service "${service}"` : `several HTTPRoutes send traffic to the Service "${service}": ${found.map((route) => route.metadata.name).join(', ')}`,
    hint: found.length === 0 ? 'A canary needs one in front of its Service: add it.' : 'Name the one to split in the input route.',
  });
}

/** The split of one route. */
export interface TrafficSplit {
  readonly plan: RouteSplit;
  /** Attaches the arms at weight 0. */
  attach(): Promise<void>;
  /** From the weights that this run set to others. Fails with `ROUTE_CHANGED`. */
  shift(from: Weights, to: Weights): Promise<void>;
  /** Takes the arms out; twice is as good as once. Says what others changed. */
  restore(): Promise<readonly string[]>;
}

const restoreTries = 6;

/** Plans the split of `route`. Fails with `ROUTE_REFUSED`. */
export function openSplit(cluster: Api, route: KubeObject, services: RouteSplit['services']): TrafficSplit {
  return resumeSplit(cluster, planSplit(route, services));
}

/** A split that an earlier run planned, as its journal has it. */
export function resumeSplit(cluster: Api, plan: RouteSplit): TrafficSplit {
  const ref = { ...kinds.httpRoute, name: plan.name, namespace: plan.namespace };
  const change = async (operations: readonly PatchOperation[], what: string): Promise<void> => {
    try {
      await cluster.patch(ref, operations, { manager: routeManager });
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'KUBE_CONFLICT') throw thrown;
      throw new Failure({ code: 'ROUTE_CHANGED', message: `HTTPRoute ${plan.namespace}/${plan.name} is not as this run left it: ${what}`, hint: 'Who wrote it: kubectl get httproute --output yaml --show-managed-fields', cause: thrown });
    }
  };
  return {
    plan,
    attach: () => change(attachOperations(plan), 'the arms were not attached'),
    shift: (from, to) => change(shiftOperations(plan, from, to), 'the weights were not changed'),
    async restore() {
      let told: readonly string[] = [];
      for (let attempt = 1; attempt <= restoreTries; attempt += 1) {
        const route = await cluster.get(ref);
        // A route that is gone sends no traffic to an arm.
        if (route === undefined) return told;
        const { operations, foreign } = restoreOperations(route, plan);
        // What the rules are is given back before whose they are: the first change would take them again.
        const next = operations.length > 0 ? operations : disownOperations(route, plan);
        if (next.length === 0) return told;
        try {
          await change(next, 'the arms were not taken out');
          told = [...told, ...foreign];
        } catch (thrown) {
          if (!(thrown instanceof Failure) || thrown.code !== 'ROUTE_CHANGED' || attempt === restoreTries) throw thrown;
        }
      }
      return [...told, `its fields still belong to ${routeManager}: the next helm upgrade needs --force-conflicts`];
    },
  };
}
