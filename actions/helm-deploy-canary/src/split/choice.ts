// SPDX-License-Identifier: Apache-2.0
// In which way the traffic of this release is split: by the HTTPRoute in front of it, by an Ingress of ingress-nginx, or by numbers of pods.
import { Failure } from '@pratique/core';
import { findIngress, findRoute, kinds } from '@pratique/kube';
import type { Task } from '../task.ts';
import { byRoute } from './gateway-api.ts';
import { byIngress } from './ingress-nginx.ts';
import { byReplicas } from './replicas.ts';
import type { Splittable, Way } from './way.ts';

/** What `split` comes to: `auto` takes the HTTPRoute, and an Ingress where there is none. Fails with `ROUTE_REFUSED` when nothing leads to the Service. */
export async function chooseWay(task: Task, splittable: Splittable): Promise<Way> {
  const { given: { split, route: name }, connection: { cluster } } = task;
  if (split === 'replicas') return byReplicas(task, splittable);
  const route = split === 'gateway-api' || (split === 'auto' && (await cluster.serves(kinds.httpRoute))) ? await findRoute(cluster, splittable.service, name) : undefined;
  if (route !== undefined) return byRoute(task, splittable, route);
  const ingress = split === 'gateway-api' ? undefined : await findIngress(cluster, splittable.service, name);
  if (ingress !== undefined) return byIngress(task, splittable, ingress);
  const wanted = { auto: 'neither an HTTPRoute nor an Ingress of ingress-nginx', 'gateway-api': 'no HTTPRoute', 'ingress-nginx': 'no Ingress of ingress-nginx' }[split];
  throw new Failure({
    code: 'ROUTE_REFUSED', message: name === undefined ? `${wanted} sends traffic to the Service "${splittable.service}"` : `${wanted} is called "${name}"`,
    hint: name === undefined ? 'A canary needs one in front of its Service: add it, or take split: replicas, which needs none.' : 'kubectl get httproutes,ingresses shows which there are.',
  });
}
