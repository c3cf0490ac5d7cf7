// SPDX-License-Identifier: Apache-2.0
// Finds the route of a Service and changes its weights; whoever else writes it meanwhile is noticed, never overwritten.
import { Failure } from '@pratique/core';
import type { Cluster, PatchOperation } from '../client/cluster.ts';
import { kinds, type KubeObject } from '../client/object.ts';
import { attachOperations, disownOperations, planSplit, restoreOperations, routeManager, routesTo, shiftOperations, type RouteSplit } from './http-route-plan.ts';
import type { TrafficSplit } from './split.ts';
import type { SplitServices } from './weights.ts';

type Api = Pick<Cluster, 'get' | 'patch'>;

/** The only HTTPRoute of the namespace that sends traffic to `service`, or the one called `name`; `undefined` when there is none. Fails with `ROUTE_REFUSED` when there are several. */
export async function findRoute(cluster: Pick<Cluster, 'get' | 'list'>, service: string, name?: string): Promise<KubeObject | undefined> {
  if (name !== undefined) return cluster.get({ ...kinds.httpRoute, name });
  const found = (await cluster.list(kinds.httpRoute)).items.filter((route) => routesTo(route, service));
  if (found.length <= 1) return found[0];
  throw new Failure({ code: 'ROUTE_REFUSED', message: `several HTTPRoutes send traffic to the Service "${service}": ${found.map((route) => route.metadata.name).join(', ')}`, hint: 'Name the one to split in the input route.' });
}

const restoreTries = 6;

/** Plans the split of `route`. Fails with `ROUTE_REFUSED`. */
export function openRoute(cluster: Api, route: KubeObject, services: SplitServices): TrafficSplit {
  return resumeRoute(cluster, planSplit(route, services));
}

/** A split that an earlier run planned, as its journal has it. */
export function resumeRoute(cluster: Api, plan: RouteSplit): TrafficSplit {
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
