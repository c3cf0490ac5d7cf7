// SPDX-License-Identifier: Apache-2.0
// What of a chart is not part of a canary, and why: said for each object.
import { formatObject, textMapOf, type KubeObject } from '../client/object.ts';

/** One object that was left out. */
export interface LeftOut {
  /** `Job web/migrate`. */
  readonly object: string;
  readonly reason: string;
}

const byKind: Readonly<Record<string, string>> = {
  HTTPRoute: 'routes stay those of stable', GRPCRoute: 'routes stay those of stable', TLSRoute: 'routes stay those of stable', TCPRoute: 'routes stay those of stable', Gateway: 'routes stay those of stable',
  Ingress: 'routes stay those of stable', VirtualService: 'routes stay those of stable', DestinationRule: 'routes stay those of stable',
  Job: 'jobs run once, with the release itself', CronJob: 'jobs run once, with the release itself',
  HorizontalPodAutoscaler: 'both arms have the same fixed number of pods', VerticalPodAutoscaler: 'both arms have the same fixed number of pods', ScaledObject: 'both arms have the same fixed number of pods',
  PersistentVolumeClaim: 'stored data belongs to stable', PersistentVolume: 'it is cluster-scoped',
  PodDisruptionBudget: 'it protects stable', NetworkPolicy: 'it selects the pods of stable; policies for all pods of the namespace hold for the canary too',
  Role: 'permissions go with the name of the service account', RoleBinding: 'permissions go with the name of the service account',
};

const clusterScoped = /^(?:Namespace|CustomResourceDefinition|Cluster\w+|PriorityClass|StorageClass|IngressClass|GatewayClass|RuntimeClass|APIService|\w*WebhookConfiguration|ValidatingAdmissionPolicy\w*|MutatingAdmissionPolicy\w*)$/;

/** Why `object`, which the routed workload does not need, is left out. */
export function explainLeftOut(object: KubeObject): LeftOut {
  const isHook = textMapOf(object, 'metadata', 'annotations')['helm.sh/hook'] !== undefined;
  const reason = isHook ? 'hooks run once, with the release itself' : clusterScoped.test(object.kind) ? 'it is cluster-scoped' : (byKind[object.kind] ?? 'the routed workload does not refer to it');
  return { object: formatObject(object), reason };
}
