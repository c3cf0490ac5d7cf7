// SPDX-License-Identifier: Apache-2.0
// By numbers of pods: of each arm so many get the labels of stable's Service that the share comes closest to what was asked.
import { Failure } from '@pratique/core';
import { countReadyEndpoints, findSelectors, formatObject, kinds, openPods, planPodSteps, podManner, textMapOf, textOf, type Cluster, type KubeObject } from '@pratique/kube';
import { alone } from '../releases.ts';
import type { Task } from '../task.ts';
import type { Splittable, Way } from './way.ts';

/** The split of the traffic of a Service. Fails with `INPUT_INVALID` for shares that pods cannot give. */
export async function byReplicas(task: Task, { service: name }: Splittable): Promise<Way> {
  const { given: { steps: asked }, ctx, connection: { cluster } } = task;
  const service = await cluster.get({ ...kinds.service, name });
  if (service === undefined) throw new Failure({ code: 'WORKLOAD_INVALID', message: `there is no Service "${name}" in the cluster to share the traffic of`, hint: 'kubectl get services' });
  const stablePods = await readyPods(cluster, name);
  const steps = planPodSteps(stablePods, asked);
  for (const { asked: share, weights, words } of steps) {
    if (weights.canary > 2 * share) ctx.log.notice({ level: 'warning', title: 'The share is more than twice what was asked', message: `${words}. More pods of stable make it finer.` });
  }
  return {
    ...alone, arms: ['baseline', 'canary'], replicas: Math.max(...steps.map(({ pods }) => pods)), manner: podManner(steps),
    remarks: [`Split by numbers of pods, beside ${stablePods} of stable.`, ...steps.map(({ words }) => `${words}.`), ...selectedAlike(task, service), ...scalersOf(task)],
    open: (arms) => Promise.resolve(openPods(cluster, service, { arms: [arms.canary, ...(arms.baseline === undefined ? [] : [arms.baseline])], stablePods })),
  };
}

async function readyPods(cluster: Cluster, service: string): Promise<number> {
  return countReadyEndpoints((await cluster.list({ ...kinds.endpointSlice, labelSelector: `kubernetes.io/service-name=${service}` })).items);
}

/** What of the chart selects pods as stable's Service does, and so takes those of the arms for stable's own. */
function selectedAlike({ rendered: { stable } }: Task, service: KubeObject): readonly string[] {
  const found = findSelectors(stable.filter(({ kind, metadata }) => kind !== 'Deployment' && !(kind === 'Service' && metadata.name === service.metadata.name)), textMapOf(service, 'spec', 'selector'));
  return found.length === 0 ? [] : [`${found.join(', ')} selects them too, as if they were stable's.`];
}

/** An autoscaler changes how many pods stable has, and counts those of the arms for the average that it goes by. */
function scalersOf({ rendered: { stable } }: Task): readonly string[] {
  const scalers = stable.filter(({ kind, spec }) => kind === 'HorizontalPodAutoscaler' && textOf(spec, 'scaleTargetRef', 'kind') === 'Deployment');
  return scalers.length === 0 ? [] : [`${scalers.map(formatObject).join(', ')} may change how many pods stable has, and with that the shares.`];
}
