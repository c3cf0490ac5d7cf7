// SPDX-License-Identifier: Apache-2.0
// Which Service is in front of the workload that runs the image.
import { Failure, formatImage, type PinnedImage } from '@pratique/core';
import { fieldOf, ingressLeadsTo, routesTo, textMapOf, textOf, type KubeObject } from '@pratique/kube';
import { imagesOf, workloadsOf } from './plan.ts';

/** The Services of the chart that select the workload that runs the image. */
export function findServices(objects: readonly KubeObject[], image: PinnedImage): readonly KubeObject[] {
  const labels = workloadsOf(objects).filter((workload) => imagesOf(workload).includes(formatImage(image))).map((workload) => fieldOf(workload, 'spec', 'template', 'metadata', 'labels'));
  return objects.filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Service').filter((service) => {
    const selector = Object.entries(textMapOf(service, 'spec', 'selector'));
    return selector.length > 0 && labels.some((pod) => selector.every(([key, value]) => textOf(pod, key) === value));
  });
}

const leadsTo = (object: KubeObject, service: string): boolean => (object.kind === 'HTTPRoute' && routesTo(object, service)) || (object.kind === 'Ingress' && ingressLeadsTo(object, service));

/** The one that traffic comes through: of several, the one that a route or Ingress of the chart leads to. Fails with `WORKLOAD_INVALID`. */
export function serviceOf(objects: readonly KubeObject[], image: PinnedImage): KubeObject {
  const found = findServices(objects, image);
  const routed = found.filter((service) => objects.some((object) => leadsTo(object, service.metadata.name)));
  const [service] = routed.length === 1 ? routed : found;
  if (service !== undefined && (routed.length === 1 || found.length === 1)) return service;
  throw new Failure({
    code: 'WORKLOAD_INVALID', message: found.length === 0 ? 'no Service of the chart selects the workload that runs the image' : `several Services select the workload that runs the image: ${found.map(({ metadata }) => metadata.name).join(', ')}`,
    hint: 'A canary needs one Service that traffic comes through.',
  });
}
