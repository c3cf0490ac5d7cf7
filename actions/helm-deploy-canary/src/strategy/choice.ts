// SPDX-License-Identifier: Apache-2.0
// What `strategy: auto` comes to in this cluster, for this chart.
import { formatImage, type PinnedImage } from '@pratique/core';
import { formatObject, kinds, leadingIngresses, routesTo, type Cluster, type KubeObject } from '@pratique/kube';
import { findServices } from '../entrance.ts';
import type { Inputs } from '../inputs.ts';
import { ownerOf } from '../operator.ts';
import { imagesOf, workloadsOf } from '../plan.ts';

/** A strategy and the reason for it, in words. */
export interface Choice {
  readonly strategy: Exclude<Inputs['strategy'], 'auto'>;
  readonly why: string;
}

/** What `auto` goes by beside the cluster and the chart. */
export interface ChoiceOptions {
  readonly image: PinnedImage;
  readonly split: Inputs['split'];
}

/** The operator's where one owns the workload. Canary where its traffic can be split: a Deployment behind a Service behind an HTTPRoute or an Ingress of ingress-nginx, or by its pods when that is asked for. Rolling elsewhere. */
export async function chooseStrategy(cluster: Pick<Cluster, 'serves' | 'list' | 'get'>, objects: readonly KubeObject[], { image, split }: ChoiceOptions): Promise<Choice> {
  const owner = await ownerOf(cluster, objects, image);
  if (owner !== undefined) return { strategy: owner.operator, why: `the ${owner.ref.kind} ${owner.ref.name} owns the workload` };
  const rolling = (why: string): Choice => ({ strategy: 'rolling', why });
  const other = workloadsOf(objects).find((workload) => imagesOf(workload).includes(formatImage(image)) && workload.kind !== 'Deployment');
  if (other !== undefined) return rolling(`${formatObject(other)} cannot be run twice side by side`);
  if (split === 'replicas') return { strategy: 'canary', why: 'split: replicas needs no route' };
  const services = findServices(objects, image).map(({ metadata }) => metadata.name);
  for (const kind of [...(split === 'ingress-nginx' ? [] : [kinds.httpRoute]), ...(split === 'gateway-api' ? [] : [kinds.ingress])]) {
    if (!(await cluster.serves(kind))) continue;
    // Without a stable release the route may be only in the chart.
    const routes = [...(await cluster.list(kind)).items, ...objects.filter((object) => object.kind === kind.kind)];
    for (const service of services) {
      const name = kind === kinds.httpRoute ? routes.find((one) => routesTo(one, service))?.metadata.name : (await leadingIngresses(cluster, routes, service)).find(({ problem }) => problem === undefined)?.ingress.metadata.name;
      if (name !== undefined) return { strategy: 'canary', why: `the ${kind.kind} ${name} sends traffic to the Service ${service}` };
    }
  }
  const wanted = { auto: 'neither an HTTPRoute nor an Ingress of ingress-nginx', 'gateway-api': 'no HTTPRoute', 'ingress-nginx': 'no Ingress of ingress-nginx' }[split];
  return rolling(`${wanted} sends traffic to ${services.length === 0 ? 'the workload' : `the Service ${services.join(' or ')}`}`);
}
