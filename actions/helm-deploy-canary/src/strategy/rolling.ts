// SPDX-License-Identifier: Apache-2.0
// Rolling: one helm upgrade, pod by pod, and back to the revision before when the new pods do not get ready. No route and no metrics are needed.
import { fieldOf, runRolling, textOf, type KubeObject, type RollingEnd } from '@pratique/kube';
import { summarizeBriefly } from '../brief-summary.ts';
import { dryRun, podProbes } from '../plan.ts';
import { alone } from '../releases.ts';
import { requireRunning } from '../residue.ts';
import type { Result, Task } from '../task.ts';
import { openWorld } from '../world.ts';

/** Upgrades the release at once, or goes back. */
export async function deployRolling(task: Task): Promise<Result> {
  const { given, ctx, admission: { image }, connection: { cluster }, superseded, rendered } = task;
  await dryRun(ctx, cluster, [...rendered.next, ...podProbes(rendered.next.filter(surges))]);
  if (given['dry-run']) return { outputs: { verdict: 'planned' }, summary: `## Dry run\n\n${rendered.next.length} objects in the release, upgraded at once.\n` };
  const world = openWorld(task, { ...alone, image, rendered, replicas: given.replicas });
  const end = await runRolling(world, { image, run: task.run, cancelled: ctx.signal, superseded, timeoutSeconds: given['timeout-seconds'] });
  if (end.verdict === 'promoted') await requireRunning(cluster, { image, objects: rendered.next });
  return answer(task, end);
}

/** Whether its new pods are beside the old ones for a while; otherwise a quota need not have room for them. */
const surges = (workload: KubeObject): boolean => textOf(workload, 'spec', 'strategy', 'type') !== 'Recreate' && !/^0%?$/.test(String(fieldOf(workload, 'spec', 'strategy', 'rollingUpdate', 'maxSurge') ?? ''));

function answer({ given, admission: { image } }: Task, end: RollingEnd): Result {
  const { verdict, failure, revision } = end;
  const reason = failure?.message ?? 'Every pod of the release is ready.';
  const result: Result = {
    summary: summarizeBriefly(given, { end: { verdict, words: reason, revision }, image }),
    outputs: { verdict, code: failure?.code ?? '', reason, revision: String(revision), residue: '0' },
  };
  return failure === undefined ? result : { ...result, refusal: { code: failure.code, message: reason, ...(failure.hint !== undefined && { hint: failure.hint }) } };
}
