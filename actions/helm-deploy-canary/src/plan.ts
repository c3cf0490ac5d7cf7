// SPDX-License-Identifier: Apache-2.0
// What will be deployed: the chart as it renders for this image, what of it gets traffic, and the two arms made from it. Reads only.
import { Failure, formatImage, type Context, type PinnedImage } from '@pratique/core';
import { armName, fieldOf, getRelease, isArgoRollout, listOf, makeArm, readManifest, textMapOf, textOf, type Arm, type ArmWorkload, type ChartSource, type Cluster, type KubeObject, type SplitServices } from '@pratique/kube';
import type { Connection } from './connection.ts';
import type { Inputs } from './inputs.ts';

/** The chart, filled in for the image. */
export interface Rendered {
  readonly chart: ChartSource;
  /** What the new version renders. */
  readonly next: readonly KubeObject[];
  /** What stable is made of; empty before the first deployment. */
  readonly stable: readonly KubeObject[];
}

/** Renders the chart for the image. Fails with `WORKLOAD_INVALID` when no container would run it. */
export async function render(given: Inputs, { connection: { cluster, helm }, image, stableRevision }: { readonly connection: Connection; readonly image: PinnedImage; readonly stableRevision: number }): Promise<Rendered> {
  const parts: Readonly<Record<string, string>> = { $image: formatImage(image), $registry: image.registry, $repository: image.repository, $digest: image.digest };
  const set = given.set.map(({ key, value }) => ({ key, value: value.replace(/\$(?:image|registry|repository|digest)\b/g, (name) => parts[name] ?? name), text: true }));
  const chart: ChartSource = { chart: given.chart, values: given.values ?? [], set };
  const [next, stable] = await Promise.all([
    helm.render({ ...chart, release: given.release, upgrade: stableRevision > 0 }), stableRevision > 0 ? objectsOf(cluster, given.release, stableRevision) : [],
  ]);
  const rendered = { chart, next: readManifest(next, 'the manifest of the chart'), stable };
  requireImage(rendered.next, image);
  return rendered;
}

/** What a revision of a release is made of. */
export async function objectsOf(cluster: Pick<Cluster, 'get'>, release: string, revision: number): Promise<readonly KubeObject[]> {
  return readManifest((await getRelease(cluster, release, revision)).manifest, 'the manifest of the release');
}

/** Deployments, StatefulSets and DaemonSets, and Rollouts of Argo. */
export function workloadsOf(objects: readonly KubeObject[]): readonly KubeObject[] {
  return objects.filter((object) => isArgoRollout(object) || (object.apiVersion === 'apps/v1' && ['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind)));
}

/** Images of the containers of a workload, or of a pod. */
export function imagesOf(object: KubeObject): readonly string[] {
  const pod = object.kind === 'Pod' ? ['spec'] : ['spec', 'template', 'spec'];
  return ['initContainers', 'containers'].flatMap((key) => listOf(object, ...pod, key)).map((container) => textOf(container, 'image'));
}

function requireImage(objects: readonly KubeObject[], image: PinnedImage): void {
  const images = workloadsOf(objects).flatMap(imagesOf);
  if (images.includes(formatImage(image))) return;
  throw new Failure({
    code: 'WORKLOAD_INVALID', message: `with these values the chart does not run ${formatImage(image)}, but ${[...new Set(images)].slice(0, 5).join(', ') || 'no image at all'}`,
    hint: 'Set the input set to the values by which the chart takes its image, for example "image=$image", or "image.repository=$registry/$repository" and "image.digest=$digest".',
  });
}

/** What stands next to stable: the canary, and a baseline unless it is blue-green. */
export type Arms = Readonly<Partial<Record<Arm, ArmWorkload>> & Record<'canary', ArmWorkload>>;

/** The arms that are wanted. The baseline is what stable is; the canary what the chart renders now. Fails with `WORKLOAD_INVALID`. */
export function makeArms({ release, namespace }: Inputs, { next, stable }: Rendered, { arms, pins, ...options }: ArmsOptions): Arms {
  const made = { release, namespace, ...options };
  return { canary: makeArm(next, { ...made, arm: 'canary' }), ...(arms.includes('baseline') && { baseline: makeArm(stable, { ...made, arm: 'baseline', pins }) }) };
}

interface ArmsOptions {
  readonly arms: readonly Arm[];
  readonly service: string;
  readonly replicas: number;
  readonly pins: Readonly<Record<string, string>>;
}

/** The Services that traffic is split between. */
export function servicesOf(stable: string, { canary, baseline }: Arms): SplitServices {
  return { stable, canary: canary.service, ...(baseline !== undefined && { baseline: baseline.service }) };
}

/** Name of the release of an arm. */
export function twinRelease(release: string, arm: Arm): string {
  return armName(release, arm);
}

/** The pods of each Deployment, for the dry run: pod security refuses pods only. */
export function podProbes(objects: readonly KubeObject[]): readonly KubeObject[] {
  return objects.filter(({ kind }) => kind === 'Deployment').map((object) => {
    const template = fieldOf(object, 'spec', 'template');
    // A service account that only a dry run has made is not there yet.
    const { serviceAccountName: _name, serviceAccount: _account, ...spec } = fieldOf(template, 'spec') as Record<string, unknown>;
    const { namespace, name } = object.metadata;
    const labels = textMapOf(template, 'metadata', 'labels');
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name: `${name}-dry-run`.slice(-63).replace(/^-+/, ''), ...(namespace !== undefined && { namespace }), labels, annotations: textMapOf(template, 'metadata', 'annotations') }, spec };
  });
}

/** Asks the server to do everything but store it. Fails with `KUBE_DENIED`, `KUBE_INVALID`, `KUBE_FORBIDDEN`. */
export async function dryRun(ctx: Pick<Context, 'log'>, cluster: { apply(object: KubeObject, options: { dryRun: true; force: true }): Promise<unknown> }, objects: readonly KubeObject[]): Promise<void> {
  await ctx.log.group(`Ask the server about ${objects.length} objects`, async () => {
    // One after the other: the first refusal is the one to be told, and references come before what refers to them.
    for (const object of objects) await cluster.apply(object, { dryRun: true, force: true });
  });
}
