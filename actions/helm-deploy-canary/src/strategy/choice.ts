// SPDX-License-Identifier: Apache-2.0
// What `strategy: auto` comes to in this cluster, for this chart.
import { formatImage, type PinnedImage } from '@pratique/core';
import { formatObject, kinds, routesTo, type Cluster, type KubeObject } from '@pratique/kube';
import { findServices } from '../entrance.ts';
import type { Inputs } from '../inputs.ts';
import { ownerOf } from '../operator.ts';
import { imagesOf, workloadsOf } from '../plan.ts';

/** A strategy and the reason for it, in words. */
export interface Choice {
  readonly strategy: Exclude<Inputs['strategy'], 'auto'>;
  readonly why: string;
}

/** The operator's where one owns the workload. Canary where its traffic can be split: a Deployment behind a Service behind an HTTPRoute. Rolling elsewhere. */
export async function chooseStrategy(cluster: Pick<Cluster, 'serves' | 'list'>, objects: readonly KubeObject[], image: PinnedImage): Promise<Choice> {
  const owner = await ownerOf(cluster, objects, image);
  if (owner !== undefined) return { strategy: owner.operator, why: `the ${owner.ref.kind} ${owner.ref.name} owns the workload` };
  const rolling = (why: string): Choice => ({ strategy: 'rolling', why });
  const other = workloadsOf(objects).find((workload) => imagesOf(workload).includes(formatImage(image)) && workload.kind !== 'Deployment');
  if (other !== undefined) return rolling(`${formatObject(other)} cannot be run twice side by side`);
  if (!(await cluster.serves(kinds.httpRoute))) return rolling('the cluster has no Gateway API, so that traffic cannot be split');
  // Without a stable release the route may be only in the chart.
  const routes = [...(await cluster.list(kinds.httpRoute)).items, ...objects.filter(({ kind }) => kind === kinds.httpRoute.kind)];
  const services = findServices(objects, image).map(({ metadata }) => metadata.name);
  for (const service of services) {
    const route = routes.find((one) => routesTo(one, service));
    if (route !== undefined) return { strategy: 'canary', why: `the HTTPRoute ${route.metadata.name} sends traffic to the Service ${service}` };
  }
  return rolling(`no HTTPRoute sends traffic to ${services.length === 0 ? 'the workload' : `the Service ${services.join(' or ')}`}`);
}
