// SPDX-License-Identifier: Apache-2.0
// By the weight of one canary Ingress beside stable's. There can be no second one, so the canary is compared with stable itself.
import { openIngress, type KubeObject } from '@pratique/kube';
import { servicesOf } from '../plan.ts';
import { alone } from '../releases.ts';
import type { Task } from '../task.ts';
import type { Splittable, Way } from './way.ts';

/** The split of `ingress`. Stable's Ingress is not written, so that the upgrade has nothing to keep. */
export function byIngress({ given, connection: { cluster } }: Task, { service, strategy, livePods }: Splittable, ingress: KubeObject): Way {
  const compared = strategy === 'canary';
  return {
    ...alone, arms: ['canary'], replicas: compared ? given.replicas : livePods,
    manner: { weights: (share) => ({ stable: 100 - share, baseline: 0, canary: share }), exact: true, ...(compared && { rival: 'stable' }) },
    remarks: compared ? [`An Ingress of ingress-nginx can have one canary: where a baseline is spoken of it is stable itself behind the Ingress ${ingress.metadata.name}, whose pods are warm while those of the canary are new.`] : [],
    open: (arms) => openIngress(cluster, ingress, { services: servicesOf(service, arms), release: given.release }),
  };
}
