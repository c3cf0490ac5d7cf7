// SPDX-License-Identifier: Apache-2.0
// helm-deploy-canary: evidence, lock, plan, canary, judgement, promotion or everything as it was; nothing left behind.
import { Failure, type Context } from '@pratique/core';
import { journalName, openJournal, recoverCanary, runCanary, withLease, type CanaryEnd, type CanaryPlan, type CanaryWorld } from '@pratique/kube';
import { defineStep, type StepResult } from '@pratique/step';
import { openAdmission, type Admission } from './admission.ts';
import { describeChart } from './chart-review.ts';
import { connect, type Connection } from './connection.ts';
import { explainUnready } from './explanation.ts';
import { inputs, type Inputs } from './inputs.ts';
import type { Judging } from './judgement.ts';
import { provenOwner } from './owner.ts';
import { planDeployment, type Deployment } from './deployment.ts';
import { createReleases } from './releases.ts';
import { listResidue, requireRunning } from './residue.ts';
import { summarize } from './summary.ts';
import { createTraffic } from './traffic.ts';

const outputs = {
  verdict: 'promoted, rolled-back or insufficient; with dry-run: planned.',
  code: 'Why it was not promoted.',
  reason: 'The same in words: which line was crossed, with which evidence.',
  revision: 'Revision of the release now.',
  'weights-reached': 'The largest weights, as stable/baseline/canary in percent.',
  samples: 'Requests of the canary that were judged.',
  judgement: 'Figures of the judge as JSON.',
  residue: 'Objects of the canary that are left: 0, or the run fails.',
};

type Result = StepResult<typeof outputs>;

/** Deploys by canary, or refuses. */
export const helmDeployCanary = defineStep({
  name: 'helm-deploy-canary',
  description: 'Deploy a released image by Helm next to stable, judge it on live traffic against a baseline of the same size, promote it or put everything back.',
  icon: 'git-branch',
  permissions: [
    { scope: 'id-token', access: 'write', reason: 'signs in to the registry' },
    { scope: 'contents', access: 'read', reason: 'reads the chart, and policy and trust from the default branch' },
    { scope: 'actions', access: 'read', reason: 'proves that a run which left a release half done is over' },
  ],
  inputs, outputs, run,
});

async function run(given: Inputs, ctx: Context): Promise<Result> {
  const admission = await openAdmission(given, ctx);
  // Before anything is asked of the cluster: without evidence there is nothing to plan.
  await admission.require();
  const connection = await connect(given, ctx);
  const { id, uri, attempt } = ctx.event.run;
  const lock = { cluster: connection.cluster, clock: ctx.clock, log: ctx.log, signal: ctx.signal, name: journalName(given.release), namespace: given.namespace, run: uri === '' ? `run ${id}` : uri, attempt };
  return withLease(lock, async ({ signal, superseded, fence, predecessor }) => deploy({ given, ctx: { ...ctx, signal }, admission, connection, run: lock.run, superseded, fence, predecessor }));
}

interface Task {
  readonly given: Inputs;
  /** Its signal ends with the lock. */
  readonly ctx: Context;
  readonly admission: Admission;
  readonly connection: Connection;
  readonly run: string;
  readonly superseded: () => boolean;
  readonly fence: number;
  readonly predecessor: string | undefined;
}

async function deploy(task: Task): Promise<Result> {
  const { given, ctx, admission, connection, run: address } = task;
  const stage: { deployment?: Deployment } = {};
  const world = worldOf(task, stage);
  const left = await world.journal.read(ctx.signal);
  if (left !== undefined && !given['dry-run']) await recoverCanary(world, left, ctx.signal);
  const main = await world.releases.main(ctx.signal);
  const deployment = await planDeployment(given, ctx, { connection, admission, stableRevision: main?.revision ?? 0 });
  stage.deployment = deployment;
  if (given['dry-run']) return planned(deployment);
  const plan: CanaryPlan = {
    image: admission.image, run: address, steps: given.steps, judge: deployment.judging.settings, cancelled: ctx.signal, superseded: task.superseded, timeoutSeconds: given['timeout-seconds'],
    onInsufficientData: given['on-insufficient-data'] === 'hold' ? 'hold' : 'rollback',
  };
  ctx.log.line(deployment.judging.forecast);
  const end = await runCanary(worldOf(task, stage), plan);
  if (end.verdict === 'promoted') await requireRunning(connection.cluster, { image: admission.image, objects: deployment.rendered.next });
  return answer(given, { end, deployment, image: admission.image });
}

function worldOf({ given, ctx, admission, connection, fence, predecessor }: Task, stage: { readonly deployment?: Deployment }): CanaryWorld {
  const { cluster, helm } = connection;
  const required = (): Deployment => {
    if (stage.deployment === undefined) throw new Failure({ code: 'INTERNAL_DEFECT', message: 'nothing was planned yet' });
    return stage.deployment;
  };
  const journal = openJournal({ cluster, namespace: given.namespace, release: given.release, fence });
  const owner = async () => provenOwner(ctx, predecessor?.replace(/#\d+$/, '') ?? (await journal.read(ctx.signal))?.run);
  const judging = (): Judging => required().judging;
  return {
    clock: ctx.clock, log: ctx.log, journal,
    releases: createReleases({ ctx, given, cluster, helm, timeoutSeconds: given['timeout-seconds'], owner, explain: (what, wait) => explainUnready({ cluster, given, what, wait }) }, required),
    traffic: createTraffic({ ctx, cluster, ...(stage.deployment?.split !== undefined && { split: stage.deployment.split }) }),
    look: (signal) => judging().look(signal),
    requireEvidence: () => admission.require(),
    residue: () => listResidue(cluster, given.release),
  };
}

function planned({ rendered, arms, judging, findings }: Deployment): Result {
  const counted = arms === undefined ? 'A first deployment.' : `Canary and baseline of ${arms.canary.objects.length} objects each.`;
  return { outputs: { verdict: 'planned' }, summary: `## Dry run\n\n${counted} ${rendered.next.length} objects in the release. ${judging.forecast}\n${describeChart(findings)}` };
}

function answer(given: Inputs, told: { readonly end: CanaryEnd; readonly deployment: Deployment; readonly image: Admission['image'] }): Result {
  const { end } = told;
  const { stable, baseline, canary } = end.reached;
  const summary = `${summarize(given, told)}${describeChart(told.deployment.findings)}`;
  const result: Result = {
    summary,
    outputs: {
      verdict: end.verdict, code: end.code ?? '', reason: end.words, revision: String(end.revision), 'weights-reached': `${stable}/${baseline}/${canary}`,
      samples: String(end.judgement.metrics[0]?.totals.canary.requests ?? 0), judgement: JSON.stringify(end.judgement), residue: '0',
    },
  };
  if (end.code === undefined) return result;
  const hint = end.code === 'CANARY_REGRESSION' ? 'Stable serves all traffic. Mend the version and release a new one.' : 'Stable serves all traffic. Give it more time, weight or traffic, or set on-insufficient-data.';
  return { ...result, refusal: { code: end.code, message: `${end.verdict === 'rolled-back' ? 'the canary is worse than stable' : 'the canary was proven neither good nor bad'}: ${end.words}`, hint } };
}
