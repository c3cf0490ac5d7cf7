// SPDX-License-Identifier: Apache-2.0
// Canary: next to stable and a baseline of the same size, more traffic step by step, judged on it.
import { asFailure, Failure } from '@pratique/core';
import { formatPercent, runCanary, type CanaryEnd } from '@pratique/kube';
import { requireAttestable } from '../attestation.ts';
import { startChronicle, type Chronicle } from '../chronicle.ts';
import { conclude, type Conclusion } from '../conclusion.ts';
import { planDeployment, type Deployment } from '../deployment.ts';
import { explainRefusal } from '../explanation.ts';
import { requireRunning } from '../residue.ts';
import type { Result, Task } from '../task.ts';
import { openCanaryWorld } from '../world.ts';

/** Deploys by canary, or refuses. */
export function deployByCanary(task: Task): Promise<Result> {
  return deployBeside(task, 'canary');
}

/** Deploys next to stable. However it ends, it is told of. */
export async function deployBeside(task: Task, strategy: 'canary' | 'blue-green'): Promise<Result> {
  const { given, ctx, admission, connection: { cluster }, findings, run } = task;
  await requireAttestable(given, ctx, admission);
  const chronicle = startChronicle(ctx.clock);
  const deployment = await planDeployment(task, strategy);
  if (given['dry-run']) return planned(deployment);
  ctx.log.line(deployment.judging.forecast);
  const end = await judge(task, deployment, chronicle).catch(asFailure);
  return answer(end, await conclude({ given, ctx, admission, cluster, deployment, findings, chronicle, run }, end));
}

async function judge(task: Task, deployment: Deployment, chronicle: Chronicle): Promise<CanaryEnd> {
  const { given, ctx, admission: { image }, connection: { cluster }, superseded, rendered } = task;
  const end = await runCanary(chronicle.follow(openCanaryWorld(task, deployment)), {
    image, run: task.run, arms: (['baseline', 'canary'] as const).filter((arm) => deployment.arms?.[arm] !== undefined), steps: given.steps, manner: deployment.manner, judge: deployment.judging.settings, cancelled: ctx.signal, superseded, timeoutSeconds: given['timeout-seconds'],
    onInsufficientData: given['on-insufficient-data'] === 'hold' ? 'hold' : 'rollback',
  });
  if (end.verdict === 'promoted') await requireRunning(cluster, { image, objects: rendered.next });
  return end;
}

function planned({ rendered, arms, judging, remarks }: Deployment): Result {
  const counted = arms === undefined ? 'A first deployment.' : `${arms.baseline === undefined ? 'A canary of' : 'Canary and baseline of'} ${arms.canary.objects.length} objects${arms.baseline === undefined ? '' : ' each'}.`;
  return { outputs: { verdict: 'planned' }, summary: `## Dry run\n\n${counted} ${rendered.next.length} objects in the release. ${[judging.forecast, ...remarks].join(' ')}\n` };
}

function answer(end: CanaryEnd | Failure, { record, summary, report, failure }: Conclusion): Result {
  const { stable, baseline, canary } = record.reached;
  const { judgement } = record;
  const outputs = {
    verdict: record.result, code: record.code ?? '', reason: record.words, 'weights-reached': [stable, baseline, canary].map(formatPercent).join('/'), attestation: record.attestation ?? '', report,
    samples: String(judgement?.metrics[0]?.totals.canary.requests ?? 0), judgement: judgement === undefined ? '' : JSON.stringify(judgement),
    ...(record.revision !== undefined && { revision: String(record.revision), residue: String(end instanceof Failure ? 0 : end.held?.length ?? 0) }),
  };
  if (failure !== undefined) return { outputs, summary, failure };
  if (end instanceof Failure || end.code === undefined) return { outputs, summary };
  return { outputs, summary, refusal: explainRefusal(end, end.code) };
}
