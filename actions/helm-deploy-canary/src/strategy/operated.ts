// SPDX-License-Identifier: Apache-2.0
// Where an operator in the cluster owns the workload (Flagger, Argo Rollouts): Helm applies the new revision, the operator judges it, and its verdict is ours.
import { Failure, formatImage } from '@pratique/core';
import { clean, followRollout, kinds, textOf, type RolloutOwner, type RolloutProgress } from '@pratique/kube';
import { summarizeOperated, type StoryLine } from '../brief-summary.ts';
import { beginOperator, operatorNames, ownerOf, proveOperator, settleOperator, type Begun } from '../operator.ts';
import { provenOwner } from '../owner.ts';
import { dryRun, podProbes } from '../plan.ts';
import { appliedByServer, mend, newestRevision } from '../releases.ts';
import type { Result, Strategy, Task } from '../task.ts';

interface Operated extends Task {
  readonly owner: RolloutOwner;
}

interface End {
  readonly verdict: 'promoted' | 'rolled-back';
  /** Its own words, with its warnings when it failed. */
  readonly words: string;
  readonly story: readonly StoryLine[];
  /** The largest percentage that the new revision had. */
  readonly weight: number;
}

const limits = { timeoutSeconds: 300, historyMax: 10 } as const;

/** By Flagger. Fails with `WORKLOAD_INVALID` when no Canary owns the workload. */
export const deployByFlagger: Strategy = (task) => deploy(task, 'flagger');

/** By Argo Rollouts. Fails with `WORKLOAD_INVALID` when no Rollout owns the workload. */
export const deployByArgoRollouts: Strategy = (task) => deploy(task, 'argo-rollouts');

async function deploy(task: Task, operator: RolloutOwner['operator']): Promise<Result> {
  const { given, ctx, connection: { cluster }, rendered, admission: { image } } = task;
  const owner = await ownerOf(cluster, rendered.next, image);
  if (owner?.operator !== operator) {
    const other = owner === undefined ? '' : `; ${owner.ref.kind} ${owner.ref.name} of ${operatorNames[owner.operator]} does`;
    throw new Failure({ code: 'WORKLOAD_INVALID', message: `strategy ${operator}: no object of ${operatorNames[operator]} owns the workload that runs the image${other}`, hint: 'Leave strategy out, or make a Canary or Rollout that names the workload.' });
  }
  await dryRun(ctx, cluster, [...rendered.next, ...podProbes(rendered.next)]);
  if (given['dry-run']) return { outputs: { verdict: 'planned' }, summary: `## Dry run\n\n${rendered.next.length} objects in the release; ${operatorNames[operator]} decides by ${owner.ref.kind} ${owner.ref.name}.\n` };
  return answer({ ...task, owner }, await follow({ ...task, owner }));
}

/**
 * A rollout that has begun is the operator's, which ends it by its own rules even when this run ends. One that it never took up is put back.
 * Fails with `ROLLOUT_UNFINISHED`, `CANARY_NOT_READY` (pods of what was promoted do not run the digest), and as helm and the cluster do.
 */
async function follow(task: Operated): Promise<End> {
  const { given, ctx, connection: { cluster }, admission, owner } = task;
  const name = operatorNames[owner.operator];
  const operated = { ctx, cluster, owner, image: admission.image };
  const end = ctx.clock.now().getTime() + given['timeout-seconds'] * 1000;
  const secondsLeft = (): number => Math.max(1, (end - ctx.clock.now().getTime()) / 1000);
  await untilCancelled(task, () => settleOperator(operated, secondsLeft()));
  await admission.require();
  const begun = await beginOperator(operated);
  await untilCancelled(task, () => ctx.log.group('Upgrade', () => upgrade(task, begun)));
  const since = ctx.clock.now().getTime();
  const { story, tell } = tellStory(task, since);
  const { unchanged, ...following } = await begun.applied();
  const seen = await untilCancelled(task, () => followRollout(cluster, { ref: owner.ref, clock: ctx.clock, signal: ctx.signal, timeoutSeconds: secondsLeft(), onProgress: tell, ...following }));
  const last = seen.state === 'unseen' && unchanged !== undefined ? await unchanged() : seen;
  const weight = Math.max(0, ...story.map((line) => line.weight));
  if (last.state === 'succeeded') {
    await proveOperator(operated);
    return { verdict: 'promoted', words: last.words, story, weight };
  }
  if (last.state === 'under-way') throw unfinished(task, `${name} had no verdict within ${given['timeout-seconds']} s: ${last.words}`, 'It goes on without this run. Raise timeout-seconds above the time that its steps take.');
  // When the primary is broken and everything goes to the canary, whatever replaces the canary now would hit all requests.
  if ((last.weight ?? 0) === 0) await putBack(task, begun);
  if (last.state === 'unseen') throw unfinished(task, `${name} did not take the revision up within ${given['timeout-seconds']} s: ${last.words}`, 'The release is put back. See whether its controller runs, and what its log says.');
  return { verdict: 'rolled-back', words: [last.words, ...(await warningsOf(task, since))].join('; '), story, weight };
}

function tellStory({ ctx, owner }: Operated, since: number): { readonly story: StoryLine[]; readonly tell: (progress: RolloutProgress) => void } {
  const story: StoryLine[] = [];
  return {
    story,
    tell({ words, weight = 0 }) {
      const seconds = Math.round((ctx.clock.now().getTime() - since) / 1000);
      story.push({ seconds, words, weight });
      ctx.log.line(`${String(seconds).padStart(5)} s  ${operatorNames[owner.operator]}: ${words}`);
    },
  };
}

async function upgrade(task: Operated, begun: Begun): Promise<void> {
  const { ctx, given, connection, admission: { image }, rendered, predecessor } = task;
  await mend({ ctx, ...connection }, given.release, () => provenOwner(ctx, predecessor?.replace(/#\d+$/, '')));
  try {
    // The operator owns the number of replicas, which most charts render too.
    const forceConflicts = await appliedByServer(connection.cluster, given.release);
    await connection.helm.upgrade({ ...limits, ...rendered.chart, release: given.release, description: `${formatImage(image)} by ${ctx.event.run.uri}`, serverSide: 'auto', forceConflicts });
  } catch (thrown) {
    // A cancelled run has no time for it: the next one mends what helm was in the middle of.
    if (!ctx.signal.aborted) await putBack(task, begun);
    throw thrown;
  }
}

/** The release as it was before: the operator finds the template that it promoted last, and has nothing to do. */
async function putBack({ ctx, given: { release }, connection: { cluster, helm }, stableRevision }: Operated, begun: Begun): Promise<void> {
  ctx.log.line(stableRevision === 0 ? 'taking the release away: it was its first revision' : `putting the release back to revision ${stableRevision}`);
  if (stableRevision === 0) return helm.uninstall({ release, timeoutSeconds: limits.timeoutSeconds });
  await helm.rollback({ ...limits, release, revision: stableRevision, forceConflicts: await appliedByServer(cluster, release) });
  await begun.scaleBack();
}

const mostWarnings = 5;

/** What the operator warned of meanwhile, oldest first. */
async function warningsOf({ connection: { cluster }, owner: { ref } }: Operated, since: number): Promise<readonly string[]> {
  const { items } = await cluster.list({ ...kinds.event, fieldSelector: `involvedObject.kind=${ref.kind},involvedObject.name=${ref.name},type=Warning` });
  const told = items.map((event) => ({ at: Date.parse(textOf(event, 'lastTimestamp') || textOf(event, 'eventTime')), message: clean(textOf(event, 'message')) }));
  // Events are stamped with whole seconds.
  return [...new Set(told.filter(({ at }) => at >= since - 1000).sort((a, b) => a.at - b.at).map(({ message }) => message))].slice(-mostWarnings);
}

async function untilCancelled<T>(task: Operated, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!task.ctx.signal.aborted) throw thrown;
    throw unfinished(task, 'the run was cancelled before there was a verdict', `${operatorNames[task.owner.operator]} goes on without it.`);
  }
}

const unfinished = ({ owner: { ref }, admission: { image } }: Operated, words: string, hint: string): Failure => new Failure({ code: 'ROLLOUT_UNFINISHED', message: `${ref.kind} ${ref.name}, ${formatImage(image)}: ${words}`, hint });

async function answer(task: Operated, { verdict, words, story, weight }: End): Promise<Result> {
  const { given, admission: { image }, connection: { cluster }, owner } = task;
  const revision = await newestRevision(cluster, given.release);
  const name = operatorNames[owner.operator];
  const result: Result = {
    summary: summarizeOperated(given, { end: { verdict, words: `${name}: ${words.replace(/\.?$/, '.')}`, revision }, image, story }),
    outputs: { verdict, code: verdict === 'promoted' ? '' : 'ROLLOUT_FAILED', reason: words, revision: String(revision), 'weights-reached': `${100 - weight}/0/${weight}`, residue: '0' },
  };
  if (verdict === 'promoted') return result;
  return { ...result, refusal: { code: 'ROLLOUT_FAILED', message: `${name} failed the new revision: ${words}`, hint: 'Mend the version and release a new one.' } };
}
