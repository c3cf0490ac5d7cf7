// SPDX-License-Identifier: Apache-2.0
// The plan of a deployment, made before anything is changed: what is rendered, in which way the traffic is split between what, and how it is judged.
import { formatImage, type Context, type PinnedImage } from '@pratique/core';
import { kinds, listOf, numberOf, podNames, routeManner, textOf, type ArmWorkload, type Backend, type Cluster, type KubeObject, type SplitManner, type TrafficSplit } from '@pratique/kube';
import { countsPods } from './counters.ts';
import { serviceOf } from './entrance.ts';
import type { Inputs } from './inputs.ts';
import { planJudgement, type Backends, type Judging } from './judgement.ts';
import { dryRun, imagesOf, makeArms, podProbes, workloadsOf, type Arms, type Rendered } from './plan.ts';
import { alone, type Prepared } from './releases.ts';
import { chooseWay } from './split/choice.ts';
import type { Task } from './task.ts';

/** What was planned. */
export interface Deployment extends Prepared {
  readonly rendered: Rendered;
  readonly strategy: 'canary' | 'blue-green' | 'first deployment';
  /** Absent on a first deployment. */
  readonly split?: TrafficSplit;
  readonly manner: SplitManner;
  /** What of the split is not as one may expect. */
  readonly remarks: readonly string[];
  readonly judging: Judging;
}

/** Plans; asks the server about every object that will be made. Reads only. */
export async function planDeployment(task: Task, strategy: 'canary' | 'blue-green'): Promise<Deployment> {
  const { given, ctx, admission: { image }, connection: { cluster }, rendered, stableRevision } = task;
  const service = serviceOf(rendered.next, image);
  const livePods = async (): Promise<ReadonlySet<string>> => new Set((await cluster.list(kinds.pod)).items.map(({ metadata }) => metadata.name));
  if (stableRevision === 0) {
    const canary = backendOf(given, service, runningDeployment(rendered.next, image)?.metadata.name ?? '');
    const manner = routeManner([]);
    return { ...alone, image, replicas: given.replicas, rendered, strategy: 'first deployment', manner, remarks: [], judging: await planJudgement(given, ctx, { backends: { canary }, manner, livePods }) };
  }
  const way = await chooseWay(task, { service: service.metadata.name, strategy, livePods: await liveReplicas(cluster, rendered.next, image) });
  const arms = makeArms(given, rendered, { arms: way.arms, service: service.metadata.name, replicas: way.replicas, pins: await runningDigests(cluster, rendered.stable) });
  tellArms(ctx, arms);
  for (const remark of way.remarks) ctx.log.line(remark);
  const split = await way.open(arms);
  const objects = way.arms.flatMap((arm) => arms[arm]?.objects ?? []).flatMap((object) => [object, ...podProbes([object])]);
  await dryRun(ctx, cluster, [...objects, ...(split.plan.kind === 'ingress-nginx' ? [split.plan.canary] : [])]);
  const { manner, replicas, remarks, ownsRoute, keepRoute } = way;
  const judging = await planJudgement(given, ctx, { backends: backendsOf(given, { service, arms, ...(split.plan.kind === 'ingress-nginx' && { ingress: split.plan.main }) }), manner, livePods });
  return { image, replicas, rendered, strategy, arms, split, manner, remarks, judging, ownsRoute, keepRoute };
}

/** The workload of the chart that runs the image. */
function runningDeployment(objects: readonly KubeObject[], image: PinnedImage): KubeObject | undefined {
  return workloadsOf(objects).find((one) => imagesOf(one).includes(formatImage(image)));
}

/** Pods that stable has now, also when an autoscaler decides. */
async function liveReplicas(cluster: Cluster, objects: readonly KubeObject[], image: PinnedImage): Promise<number> {
  const workload = runningDeployment(objects, image);
  const live = workload && (await cluster.get({ apiVersion: workload.apiVersion, kind: workload.kind, name: workload.metadata.name }));
  return Math.max(numberOf(live, 'spec', 'replicas') ?? 1, 1);
}

function backendOf(given: Inputs, service: KubeObject, deployment: string): Backend {
  const port = numberOf(listOf(service, 'spec', 'ports')[0], 'port') ?? 80;
  return { namespace: given.namespace, service: service.metadata.name, port, ...(countsPods(given) && { pods: podNames(deployment) }) };
}

function backendsOf(given: Inputs, { service, arms, ingress }: { readonly service: KubeObject; readonly arms: Arms; readonly ingress?: Backend['ingress'] }): Backends {
  const stable: Backend = { ...backendOf(given, service, arms.canary.original), ...(ingress !== undefined && { ingress }) };
  const ofArm = ({ service: name, deployment }: ArmWorkload): Backend => ({ ...stable, ...(stable.pods !== undefined && { pods: podNames(deployment) }), service: name });
  return { stable, canary: ofArm(arms.canary), ...(arms.baseline !== undefined && { baseline: ofArm(arms.baseline) }) };
}

/** Tags in what stable is made of, by the digest that its pods run: the baseline must be the same bytes. */
async function runningDigests(cluster: Cluster, stable: readonly KubeObject[]): Promise<Readonly<Record<string, string>>> {
  const tagged = workloadsOf(stable).flatMap(imagesOf).filter((image) => !image.includes('@'));
  if (tagged.length === 0) return {};
  const { items } = await cluster.list(kinds.pod);
  const running = items.flatMap((pod) => listOf(pod, 'status', 'containerStatuses')).map((status) => [textOf(status, 'image'), textOf(status, 'imageID')] as const);
  return Object.fromEntries(tagged.flatMap((image) => {
    const id = running.find(([name, imageId]) => name === image && /@sha256:[0-9a-f]{64}$/.test(imageId))?.[1];
    return id === undefined ? [] : [[image, `${image.replace(/:[^/:]+$/, '')}@${id.split('@')[1]}`]];
  }));
}

function tellArms(ctx: Pick<Context, 'log'>, arms: Arms): void {
  ctx.log.line(`${arms.baseline === undefined ? 'canary' : 'canary and baseline'}: ${arms.canary.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`);
  for (const { object, reason } of arms.canary.leftOut) ctx.log.line(`left out: ${object}: ${reason}`);
  if (arms.canary.shared.length > 0) ctx.log.line(`shared with stable, since the chart does not render them: ${arms.canary.shared.join(', ')}`);
}
