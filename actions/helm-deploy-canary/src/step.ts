// SPDX-License-Identifier: Apache-2.0
// helm-deploy-canary: evidence, lock, what an earlier run left, and then the strategy: promotion, or everything as it was.
import { escapeMarkdown, type Context } from '@pratique/core';
import { journalName, recoverCanary, withLease } from '@pratique/kube';
import { openAdmission } from './admission.ts';
import { requirePull } from './aks.ts';
import { describeChart, reviewChart } from './chart-review.ts';
import { connect, requireOneCluster } from './connection.ts';
import { requireCounters } from './counters.ts';
import type { Inputs } from './inputs.ts';
import { requireMetrics } from './metrics.ts';
import { render } from './plan.ts';
import { deployBlueGreen } from './strategy/blue-green.ts';
import { deployByCanary } from './strategy/canary.ts';
import { chooseStrategy, type Choice } from './strategy/choice.ts';
import { deployByArgoRollouts, deployByFlagger } from './strategy/operated.ts';
import { deployRolling } from './strategy/rolling.ts';
import type { Result, Strategy, Task } from './task.ts';
import { openRecovery } from './world.ts';

const strategies: Readonly<Record<Choice['strategy'], Strategy>> = { canary: deployByCanary, 'blue-green': deployBlueGreen, rolling: deployRolling, flagger: deployByFlagger, 'argo-rollouts': deployByArgoRollouts };

/** The work of the step; loaded after its inputs were read. */
export async function run(given: Inputs, ctx: Context): Promise<Result> {
  if (given.strategy === 'canary' || given.strategy === 'blue-green') requireMetrics(given);
  if (given.strategy === 'canary' || given.strategy === 'blue-green' || given.strategy === 'auto') requireCounters(given);
  requireOneCluster(given);
  const admission = await openAdmission(given, ctx);
  // Before anything is asked of the cluster: without evidence there is nothing to plan.
  await admission.require();
  const connection = await connect(given, ctx);
  if (connection.aks !== undefined) await requirePull(ctx, admission.image, connection.aks);
  const { id, uri, attempt } = ctx.event.run;
  const lock = { cluster: connection.cluster, clock: ctx.clock, log: ctx.log, signal: ctx.signal, name: journalName(given.release), namespace: given.namespace, run: uri === '' ? `run ${id}` : uri, attempt };
  return withLease(lock, async ({ signal, superseded, fence, predecessor }) => deploy({ given, ctx: { ...ctx, signal }, admission, connection, run: lock.run, superseded, fence, predecessor }));
}

async function deploy(locked: Omit<Task, 'rendered' | 'findings' | 'stableRevision'>): Promise<Result> {
  const { given, ctx, admission: { image, chart }, connection: { cluster } } = locked;
  const world = openRecovery(locked);
  const left = await world.journal.read(ctx.signal);
  if (left !== undefined && !given['dry-run']) await recoverCanary(world, left, ctx.signal);
  const stableRevision = (await world.releases.main(ctx.signal))?.revision ?? 0;
  const rendered = await render(given, { connection: locked.connection, image, stableRevision });
  const findings = reviewChart(ctx, rendered.next, chart);
  const { strategy, why } = given.strategy === 'auto' ? await chooseStrategy(cluster, rendered.next, { image, split: given.split }) : { strategy: given.strategy, why: undefined };
  if (why !== undefined) ctx.log.line(`strategy ${strategy}: ${why}`);
  const result = await strategies[strategy]({ ...locked, stableRevision, rendered, findings });
  const chosen = why === undefined ? '' : `\n<sub>Strategy ${strategy}, since ${escapeMarkdown(why)}.</sub>\n`;
  return { ...result, outputs: { ...result.outputs, strategy }, summary: `${result.summary}${chosen}${describeChart(findings)}` };
}
