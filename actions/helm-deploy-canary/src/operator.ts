// SPDX-License-Identifier: Apache-2.0
// What differs between the operators: when one may be given a new revision, how its status is read, and which pods prove that it was promoted.
import { canonicalJson, Failure, formatImage, type Context, type PinnedImage } from '@pratique/core';
import {
  fieldOf, findRolloutOwner, flaggerInterval, followRollout, isFlaggerSettled, isFlaggerSuspended, markFlagger, numberOf, readArgoRollout, readFlagger, textMapOf, textOf,
  type Cluster, type FollowOptions, type KubeObject, type RolloutOwner, type RolloutProgress,
} from '@pratique/kube';
import { imagesOf, workloadsOf } from './plan.ts';
import { requirePods } from './residue.ts';

/** Who decides about which object. */
export interface Operated {
  readonly ctx: Pick<Context, 'clock' | 'log' | 'signal'>;
  readonly cluster: Cluster;
  readonly owner: RolloutOwner;
  readonly image: PinnedImage;
}

/** How a revision is followed after it was applied. */
export interface Following extends Pick<FollowOptions, 'read' | 'unseenSeconds'> {
  /** The verdict on a revision that is not taken up because nothing in it changed. */
  readonly unchanged?: () => Promise<RolloutProgress>;
}

/** Names for people. */
export const operatorNames: Readonly<Record<RolloutOwner['operator'], string>> = { flagger: 'Flagger', 'argo-rollouts': 'Argo Rollouts' };

/** Who owns the workload that runs the image. */
export function ownerOf(cluster: Pick<Cluster, 'serves' | 'list'>, objects: readonly KubeObject[], image: PinnedImage): Promise<RolloutOwner | undefined> {
  return findRolloutOwner(cluster, workloadsOf(objects).filter((workload) => imagesOf(workload).includes(formatImage(image))), objects);
}

/** Waits until the operator works on nothing else. Fails with `ROLLOUT_UNFINISHED`, and `WORKLOAD_INVALID` when it is told to look away. */
export async function settleOperator({ ctx, cluster, owner }: Operated, timeoutSeconds: number): Promise<void> {
  // Argo Rollouts takes a new revision at any time.
  if (owner.operator === 'argo-rollouts') return;
  const canary = await cluster.get(owner.ref);
  if (canary === undefined) return;
  if (isFlaggerSuspended(canary)) throw new Failure({ code: 'WORKLOAD_INVALID', message: `the Canary ${owner.ref.name} is suspended: Flagger would not look at a new revision`, hint: `kubectl patch canary ${owner.ref.name} --type=merge -p '{"spec":{"suspend":false}}'` });
  if (isFlaggerSettled(canary)) return;
  const read: FollowOptions['read'] = (now) => ({ state: now !== undefined && isFlaggerSettled(now) ? 'succeeded' : 'under-way', words: textOf(now, 'status', 'phase') || 'not looked at yet' });
  const last = await followRollout(cluster, { ref: owner.ref, read, timeoutSeconds, clock: ctx.clock, signal: ctx.signal, onProgress: ({ words }) => ctx.log.line(`waiting until Flagger is done with another revision: ${words}`) });
  if (last.state !== 'succeeded') throw new Failure({ code: 'ROLLOUT_UNFINISHED', message: `Flagger was not done with another revision of the Canary ${owner.ref.name} within ${Math.round(timeoutSeconds)} s: ${last.words}`, hint: 'Nothing was applied. See what it waits for: kubectl describe canary.' });
}

/** A revision that is about to be applied. */
export interface Begun {
  /** To be called after it was applied. */
  readonly applied: () => Promise<Following>;
  /** Scales the workload as it was before, which Helm does not know: with both operators a Deployment may stand at 0. */
  readonly scaleBack: () => Promise<void>;
}

/** To be called before anything is applied. */
export async function beginOperator(operated: Operated): Promise<Begun> {
  const { cluster, owner } = operated;
  const [object, before] = await Promise.all([cluster.get(owner.ref), cluster.get(owner.workload)]);
  const replicas = numberOf(before, 'spec', 'replicas');
  return {
    applied: () => (owner.operator === 'flagger' ? appliedForFlagger(operated, object, before) : appliedForArgo(operated)),
    async scaleBack() {
      const now = numberOf(await cluster.get(owner.workload), 'spec', 'replicas');
      // In the name of the operator: a manager that nobody knows would be in the way of later upgrades.
      if (replicas !== undefined && now !== undefined && now !== replicas) await cluster.patch(owner.workload, [{ op: 'replace', path: '/spec/replicas', value: replicas }], { manager: managers[owner.operator] });
    },
  };
}

const managers: Readonly<Record<RolloutOwner['operator'], string>> = { flagger: 'flagger', 'argo-rollouts': 'rollouts-controller' };

async function appliedForArgo({ cluster, owner }: Operated): Promise<Following> {
  const workload = owner.workload.kind === owner.ref.kind ? undefined : await cluster.get(owner.workload);
  return { read: (rollout) => readArgoRollout(rollout, workload?.metadata.generation) };
}

async function appliedForFlagger({ cluster, owner }: Operated, canary: KubeObject | undefined, before: KubeObject | undefined): Promise<Following> {
  const mark = markFlagger(canary);
  const read: FollowOptions['read'] = (now) => readFlagger(now, mark);
  if (canary === undefined || !isSameTemplate(before, await cluster.get(owner.workload))) return { read };
  // Flagger would still begin when a ConfigMap or Secret of the pods has changed; its look at them comes within an interval.
  return { read, unseenSeconds: 2 * flaggerInterval(canary) + 15, unchanged: async () => readUnchanged(await cluster.get(owner.ref)) };
}

const isSameTemplate = (a: KubeObject | undefined, b: KubeObject | undefined): boolean => canonicalJson(fieldOf(a, 'spec', 'template') ?? 0) === canonicalJson(fieldOf(b, 'spec', 'template') ?? 1);

function readUnchanged(canary: KubeObject | undefined): RolloutProgress {
  const phase = textOf(canary, 'status', 'phase');
  if (phase !== 'Failed') return { state: 'succeeded', words: 'nothing changed: it is what Flagger promoted last' };
  return { state: 'failed', words: 'Flagger has failed exactly this template before, and does not try it again before something in it changes' };
}

/** Proves that the pods which take the traffic run the digest. Fails with `CANARY_NOT_READY`. */
export async function proveOperator({ cluster, owner, image }: Operated): Promise<void> {
  const name = owner.operator === 'flagger' ? `${owner.workload.name}-primary` : owner.workload.name;
  const [workload, rollout] = await Promise.all([cluster.get({ ...owner.workload, name }), owner.operator === 'flagger' ? undefined : cluster.get(owner.ref)]);
  if (workload === undefined || !imagesOf(workload).includes(formatImage(image))) {
    throw new Failure({ code: 'CANARY_NOT_READY', message: `${operatorNames[owner.operator]} says that it promoted the revision, but ${owner.workload.kind} ${name} does not name ${formatImage(image)}`, hint: 'Somebody has applied another revision meanwhile. Run this again.' });
  }
  const hash: Record<string, string> = rollout === undefined ? {} : { 'rollouts-pod-template-hash': textOf(rollout, 'status', 'stableRS') };
  await requirePods(cluster, { image, labels: { ...textMapOf(workload, 'spec', 'selector', 'matchLabels'), ...hash }, least: numberOf(rollout ?? workload, 'spec', 'replicas') ?? 1 });
}
