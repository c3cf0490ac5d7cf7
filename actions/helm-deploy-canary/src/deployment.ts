// SPDX-License-Identifier: Apache-2.0
// The plan of a deployment, made before anything is changed: what is rendered, which route is split between what, and how it is judged.
import { Failure, formatImage, type Context, type PinnedImage } from '@pratique/core';
import { fieldOf, kinds, listOf, numberOf, routesTo, textMapOf, textOf, type Arm, type ArmWorkload, type Backend, type ChartFinding, type Cluster, type KubeObject, type RouteSplit, type UpgradeOptions } from '@pratique/kube';
import type { Admission } from './admission.ts';
import { reviewChart } from './chart-review.ts';
import type { Connection } from './connection.ts';
import type { Inputs } from './inputs.ts';
import { planJudgement, type Judging } from './judgement.ts';
import { dryRun, imagesOf, makeArms, render, workloadsOf, type Rendered } from './plan.ts';
import type { Prepared } from './releases.ts';
import { routeOf } from './traffic.ts';

/** What was planned. */
export interface Deployment extends Prepared {
  readonly rendered: Rendered;
  /** Absent on a first deployment. */
  readonly arms: Readonly<Record<Arm, ArmWorkload>> | undefined;
  readonly split: { readonly route: KubeObject; readonly services: RouteSplit['services'] } | undefined;
  readonly judging: Judging;
  /** What is not well about the chart, though it does not refuse it. */
  readonly findings: readonly ChartFinding[];
}

/** Plans; asks the server about every object of the arms. Reads only. */
export async function planDeployment(given: Inputs, ctx: Context, { connection, admission: { image, chart }, stableRevision }: { readonly connection: Connection; readonly admission: Pick<Admission, 'image' | 'chart'>; readonly stableRevision: number }): Promise<Deployment> {
  const { cluster, helm } = connection;
  const rendered = await render(given, { helm, image, stableRevision });
  const findings = reviewChart(ctx, rendered.next, chart);
  const service = serviceOf(rendered.next, image);
  if (stableRevision === 0) {
    return { image, replicas: given.replicas, rendered, findings, arms: undefined, split: undefined, ownsRoute: false, keepRoute: () => Promise.resolve(undefined), judging: await planJudgement(given, ctx, { canary: backendOf(given, service) }) };
  }
  const name = service.metadata.name;
  const route = await routeOf(cluster, { route: given.route, service: name });
  const arms = makeArms(given, rendered, { service: name, pins: await runningDigests(cluster, rendered.stable) });
  tellArms(ctx, arms);
  await dryRun(ctx, cluster, [arms.baseline, arms.canary]);
  const stable = backendOf(given, service);
  const judging = await planJudgement(given, ctx, { stable, baseline: { ...stable, service: arms.baseline.service }, canary: { ...stable, service: arms.canary.service } });
  const ownsRoute = rendered.next.some(({ kind, metadata }) => kind === 'HTTPRoute' && metadata.name === route.metadata.name);
  return {
    image, replicas: given.replicas, rendered, findings, arms, split: { route, services: { stable: name, baseline: arms.baseline.service, canary: arms.canary.service } }, judging,
    ownsRoute, keepRoute: () => (ownsRoute ? liveRules(cluster, route) : Promise.resolve(undefined)),
  };
}

/** The Service in front of the workload that runs the image. */
function serviceOf(objects: readonly KubeObject[], image: PinnedImage): KubeObject {
  const labels = workloadsOf(objects).filter((workload) => imagesOf(workload).includes(formatImage(image))).map((workload) => fieldOf(workload, 'spec', 'template', 'metadata', 'labels'));
  const services = objects.filter(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'Service');
  const found = services.filter((service) => {
    const selector = Object.entries(textMapOf(service, 'spec', 'selector'));
    return selector.length > 0 && labels.some((pod) => selector.every(([key, value]) => textOf(pod, key) === value));
  });
  const routed = found.filter((service) => objects.some((object) => object.kind === 'HTTPRoute' && routesTo({ ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? '' } }, service.metadata.name)));
  const [service] = routed.length === 1 ? routed : found;
  if (service !== undefined && (routed.length === 1 || found.length === 1)) return service;
  throw new Failure({
    code: 'WORKLOAD_INVALID', message: found.length === 0 ? 'no Service of the chart selects the workload that runs the image' : `several Services select the workload that runs the image: ${found.map(({ metadata }) => metadata.name).join(', ')}`,
    hint: 'A canary needs one Service that the route sends traffic to.',
  });
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

function tellArms(ctx: Pick<Context, 'log'>, arms: Readonly<Record<Arm, ArmWorkload>>): void {
  ctx.log.line(`canary and baseline: ${arms.canary.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`);
  for (const { object, reason } of arms.canary.leftOut) ctx.log.line(`not part of them: ${object}: ${reason}`);
  if (arms.canary.shared.length > 0) ctx.log.line(`shared with stable, since the chart does not render them: ${arms.canary.shared.join(', ')}`);
}

/** What the route says at the moment of the upgrade, so that the canary goes on serving while stable is upgraded. */
async function liveRules(cluster: Cluster, route: KubeObject): Promise<UpgradeOptions['postRenderer']> {
  const now = await cluster.get({ ...kinds.httpRoute, name: route.metadata.name });
  return now === undefined ? undefined : { route: route.metadata.name, rules: listOf(now, 'spec', 'rules') };
}

