// SPDX-License-Identifier: Apache-2.0
// The Helm releases of a canary: main, canary and baseline; with our own waiting, and a diagnosis when it is in vain.
import { Failure, formatImage, type Context, type PinnedImage } from '@pratique/core';
import {
  getRelease, isPending, kinds, listRevisions, planRecovery, stateOf, textMapOf, waitReady, wrapChart, writeChart,
  type ArmWorkload, type CanaryReleases, type Cluster, type Helm, type KubeObject, type MainRelease, type OperationOwner, type ReleaseRevision, type UpgradeOptions, type WaitOptions,
} from '@pratique/kube';
import type { Inputs } from './inputs.ts';
import { imagesOf, objectsOf, twinRelease, workloadsOf, type Arms, type Rendered } from './plan.ts';

/** Everything the releases are made with. */
export interface ReleaseOptions {
  readonly ctx: Context;
  readonly given: Pick<Inputs, 'release' | 'namespace'>;
  readonly cluster: Cluster;
  readonly helm: Helm;
  /** Of the whole run: waiting takes half of it at most, the rest is for saying why, and for the way back. */
  readonly timeoutSeconds?: number;
  /** Decides whether an operation that was left half done may be taken over. */
  readonly owner: () => Promise<OperationOwner>;
  /** Explains why objects do not get ready. */
  readonly explain: (what: string, wait: Awaited) => Promise<Failure>;
}

/** What `prepare` gave: the chart and the arms. Recovery needs neither. */
export interface Prepared {
  readonly image: PinnedImage;
  /** Pods of each arm. */
  readonly replicas: number;
  readonly rendered: Rendered;
  readonly arms: Arms | undefined;
  /** Whether the chart renders the route that is split. */
  readonly ownsRoute: boolean;
  /** Keeps the live weights of that route. */
  readonly keepRoute: () => Promise<UpgradeOptions['postRenderer']>;
}

/** Nothing beside the release, and no route to keep. */
export const alone = { arms: undefined, ownsRoute: false, keepRoute: () => Promise.resolve(undefined) } as const;

const historyMax = 10;
const hookSeconds = 300;
const readySeconds = 600;
const settings = { timeoutSeconds: hookSeconds, historyMax };

/** The releases of one run. `prepared` is asked for only where something new is installed. */
export function createReleases(options: ReleaseOptions, prepared: () => Prepared): CanaryReleases {
  return { ...createTwins(options, prepared), ...createMain(options, prepared) };
}

function createTwins(options: ReleaseOptions, prepared: () => Prepared): Pick<CanaryReleases, 'installTwin' | 'removeTwin'> {
  const { ctx, given, helm } = options;
  return {
    async installTwin(arm, signal) {
      const { arms, image, replicas } = prepared();
      const workload = arms?.[arm];
      if (workload === undefined) throw new Failure({ code: 'INTERNAL_DEFECT', message: `there is no ${arm} to install` });
      const release = twinRelease(given.release, arm);
      await mend(options, release, () => Promise.resolve({ state: 'dead', evidence: 'the lock is held, and only runs that hold it touch this release' }));
      const folder = await writeChart(ctx.files, `${ctx.scratch}/${arm}`, wrapChart(workload.objects, { name: arm, version: '0.0.0', appVersion: image.digest.replace(':', '-') }));
      await helm.upgrade({ ...settings, release, chart: folder, description: `${arm} of ${given.release} by ${ctx.event.run.uri}`, serverSide: 'true', forceConflicts: true });
      await becomeReady(options, `the ${arm}`, waitForArm(workload, replicas), signal);
    },
    removeTwin: (arm) => helm.uninstall({ release: twinRelease(given.release, arm), timeoutSeconds: hookSeconds }),
  };
}

function createMain(options: ReleaseOptions, prepared: () => Prepared): Omit<CanaryReleases, 'installTwin' | 'removeTwin'> {
  const { ctx, given, helm } = options;
  // The revision that holds the route as it was while the canary served.
  let carrying: ReleaseRevision | undefined;
  return {
    main: () => readMain(options.cluster, given.release),
    mendMain: () => mend(options, given.release, options.owner),
    async upgradeMain(signal) {
      const { rendered, image, keepRoute } = prepared();
      await mend(options, given.release, options.owner);
      const postRenderer = await keepRoute();
      const warning = postRenderer === undefined ? '' : ' (its route is the canary\'s: do not roll back to this revision)';
      await helm.upgrade({ ...settings, ...rendered.chart, release: given.release, description: `${formatImage(image)} by ${ctx.event.run.uri}${warning}`, serverSide: 'auto', ...(postRenderer !== undefined && { postRenderer, forceConflicts: true }) });
      const newest = (await listRevisions(options.cluster, given.release)).at(-1);
      carrying = postRenderer === undefined ? undefined : newest;
      await becomeReady(options, 'the release', waitForMain(rendered.next), signal);
      return newest?.revision ?? 0;
    },
    async settleMain() {
      const { rendered, image, ownsRoute } = prepared();
      if (ownsRoute) await helm.upgrade({ ...settings, ...rendered.chart, release: given.release, description: `${formatImage(image)} by ${ctx.event.run.uri}`, serverSide: 'auto', hooks: false, forceConflicts: true });
      // A plain `helm rollback` would go back to it, and the route to Services that are gone. Without it helm says that there is no such revision.
      if (ownsRoute && carrying !== undefined) await options.cluster.remove({ ...kinds.secret, name: carrying.secret.name }, { uid: carrying.secret.uid });
      return newestRevision(options.cluster, given.release);
    },
    async rollBackMain(revision, signal) {
      await mend(options, given.release, options.owner);
      // After an upgrade that failed half-way the revision before still counts as deployed, but is not what stands there.
      const newest = (await listRevisions(options.cluster, given.release)).at(-1);
      if (newest?.revision !== revision || newest.status !== 'deployed') await helm.rollback({ ...settings, release: given.release, revision });
      await becomeReady(options, 'the release', waitForMain(await objectsOf(options.cluster, given.release, revision)), signal);
    },
    removeMain: () => helm.uninstall({ release: given.release, timeoutSeconds: hookSeconds }),
  };
}

/** 0 when there is none. */
export async function newestRevision(cluster: Cluster, release: string): Promise<number> {
  return (await listRevisions(cluster, release)).at(-1)?.revision ?? 0;
}

/** The release as a recovery sees it. */
export async function readMain(cluster: Pick<Cluster, 'get' | 'list'>, release: string): Promise<MainRelease | undefined> {
  const revisions = (await listRevisions(cluster, release)).filter(({ status }) => status !== 'uninstalled');
  const deployed = revisions.findLast(({ status }) => status === 'deployed');
  if (deployed === undefined) return revisions.length === 0 ? undefined : { revision: lastGood(revisions), settled: false };
  const objects = await Promise.all(workloadsOf(await objectsOf(cluster, release, deployed.revision)).map((object) => cluster.get({ apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name })));
  return { revision: deployed.revision, settled: deployed === revisions.at(-1) && objects.every((object) => object !== undefined && stateOf(object).state === 'ready') };
}

/** The newest revision that once was deployed; 0 when none was: then it is as on a first deployment. */
function lastGood(revisions: readonly ReleaseRevision[]): number {
  return revisions.findLast(({ status }) => status === 'superseded')?.revision ?? 0;
}

/** Ends what an earlier run left half done, when that run is proven dead; what is done and why is written to the log first. */
export async function mend({ ctx, cluster, helm }: Pick<ReleaseOptions, 'ctx' | 'cluster' | 'helm'>, release: string, owner: () => Promise<OperationOwner>): Promise<void> {
  const revisions = await listRevisions(cluster, release);
  if (!revisions.some(({ status }, index) => index === revisions.length - 1 && isPending(status))) return;
  const recovery = planRecovery(revisions, await owner());
  if (recovery.action === 'none') return;
  ctx.log.notice({ level: 'warning', title: `Mended the release ${release}`, message: `${recovery.audit.status} at revision ${recovery.audit.pendingRevision}: ${recovery.audit.decision}. ${recovery.audit.owner.evidence}` });
  if (recovery.action === 'uninstall') await helm.uninstall({ release, timeoutSeconds: hookSeconds });
  else await helm.rollback({ release, revision: recovery.revision, timeoutSeconds: hookSeconds, historyMax });
}

/** Whether the newest revision was applied by the server: only then may helm be told to take fields over. A new release is. */
export async function appliedByServer(cluster: Cluster, release: string): Promise<boolean> {
  const revision = await newestRevision(cluster, release);
  return revision === 0 || (await getRelease(cluster, release, revision)).appliedBy === 'server';
}

/** What is waited for. */
export type Awaited = Omit<WaitOptions, 'clock' | 'signal' | 'timeoutSeconds'>;

/** Deployment, pods and addresses of an arm. */
export function waitForArm({ deployment, podLabels, service }: ArmWorkload, replicas: number): Awaited {
  return { objects: [{ ...kinds.deployment, name: deployment }], podSelector: selectorText(podLabels, 2), endpoints: [{ service, least: replicas }] };
}

/** Every workload of the main release. */
export function waitForMain(manifest: readonly KubeObject[]): Awaited {
  const workloads = workloadsOf(manifest);
  // One workload's pods are looked at for signs that waiting is in vain; those of others show in their conditions.
  const labels = textMapOf(workloads[0], 'spec', 'selector', 'matchLabels');
  const podSelector = selectorText(labels, Object.keys(labels).length);
  return { objects: workloads.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, name: metadata.name })), ...(podSelector !== '' && { podSelector, countsPod: runs(workloads[0]) }) };
}

/** Whether a pod is of this version of the workload; others are of the revision before. */
const runs = (workload: KubeObject | undefined) => (pod: KubeObject): boolean => {
  const running = imagesOf(pod);
  return workload === undefined || imagesOf(workload).every((image) => running.includes(image));
};

async function becomeReady(options: ReleaseOptions, what: string, wait: Awaited, signal: AbortSignal): Promise<void> {
  const { ctx, cluster, timeoutSeconds = Infinity } = options;
  const result = await waitReady(cluster, { ...wait, timeoutSeconds: Math.min(readySeconds, timeoutSeconds / 2), clock: ctx.clock, signal, onChange: (waitingFor) => waitingFor.length > 0 && ctx.log.line(`waiting for ${what}: ${waitingFor.join('; ')}`) });
  if (result.state !== 'ready') throw await options.explain(what, wait);
  ctx.log.line(`${what} is ready after ${result.seconds.toFixed(1)} s`);
}

const selectorText = (labels: Readonly<Record<string, string>>, count: number): string => Object.entries(labels).slice(0, count).map(([key, value]) => `${key}=${value}`).join(',');
