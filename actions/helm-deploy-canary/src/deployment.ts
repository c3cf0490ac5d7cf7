// SPDX-License-Identifier: Apache-2.0
// The plan of a deployment, made before anything is changed: what is rendered, which route is split between what, and how it is judged.
import { formatImage, type Context, type PinnedImage } from '@pratique/core';
import { kinds, listOf, numberOf, textOf, type Arm, type Backend, type Cluster, type KubeObject, type UpgradeOptions } from '@pratique/kube';
import { serviceOf } from './entrance.ts';
import type { Inputs } from './inputs.ts';
import { planJudgement, type Judging } from './judgement.ts';
import { dryRun, imagesOf, makeArms, podProbes, workloadsOf, type Arms, type Rendered } from './plan.ts';
import { alone, type Prepared } from './releases.ts';
import type { Task } from './task.ts';
import { routeOf, type TrafficOptions } from './traffic.ts';

/** What was planned. */
export interface Deployment extends Prepared {
  readonly rendered: Rendered;
  /** Absent on a first deployment. */
  readonly split: TrafficOptions['split'];
  readonly judging: Judging;
}

/** Plans; asks the server about every object of the arms. Reads only. */
export async function planDeployment({ given, ctx, admission: { image }, connection: { cluster }, rendered, stableRevision }: Task, wanted: readonly Arm[]): Promise<Deployment> {
  const service = serviceOf(rendered.next, image);
  if (stableRevision === 0) {
    return { ...alone, image, replicas: given.replicas, rendered, split: undefined, judging: await planJudgement(given, ctx, { canary: backendOf(given, service) }) };
  }
  const name = service.metadata.name;
  const route = await routeOf(cluster, { route: given.route, service: name });
  // Without a baseline the canary must be able to take everything.
  const replicas = wanted.includes('baseline') ? given.replicas : await liveReplicas(cluster, rendered.next, image);
  const arms = makeArms(given, rendered, { arms: wanted, service: name, replicas, pins: await runningDigests(cluster, rendered.stable) });
  tellArms(ctx, arms);
  await dryRun(ctx, cluster, wanted.flatMap((arm) => arms[arm]?.objects ?? []).flatMap((object) => [object, ...podProbes([object])]));
  const stable = backendOf(given, service);
  const services = { stable: name, canary: arms.canary.service, ...(arms.baseline !== undefined && { baseline: arms.baseline.service }) };
  const baseline = arms.baseline && { ...stable, service: arms.baseline.service };
  const judging = await planJudgement(given, ctx, { stable, canary: { ...stable, service: arms.canary.service }, ...(baseline !== undefined && { baseline }) });
  const ownsRoute = rendered.next.some(({ kind, metadata }) => kind === 'HTTPRoute' && metadata.name === route.metadata.name);
  return {
    image, replicas, rendered, arms, split: { route, services }, judging,
    ownsRoute, keepRoute: () => (ownsRoute ? liveRules(cluster, route) : Promise.resolve(undefined)),
  };
}

/** Pods that stable has now, also when an autoscaler decides. */
async function liveReplicas(cluster: Cluster, objects: readonly KubeObject[], image: PinnedImage): Promise<number> {
  const workload = workloadsOf(objects).find((one) => imagesOf(one).includes(formatImage(image)));
  const live = workload && (await cluster.get({ apiVersion: workload.apiVersion, kind: workload.kind, name: workload.metadata.name }));
  return Math.max(numberOf(live, 'spec', 'replicas') ?? 1, 1);
}

function backendOf({ namespace }: Inputs, service: KubeObject): Backend {
  return { namespace, service: service.metadata.name, port: numberOf(listOf(service, 'spec', 'ports')[0], 'port') ?? 80 };
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

/** What the route says at the moment of the upgrade, so that the canary goes on serving while stable is upgraded. */
async function liveRules(cluster: Cluster, route: KubeObject): Promise<UpgradeOptions['postRenderer']> {
  const now = await cluster.get({ ...kinds.httpRoute, name: route.metadata.name });
  return now === undefined ? undefined : { route: route.metadata.name, rules: listOf(now, 'spec', 'rules') };
}

