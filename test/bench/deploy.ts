// SPDX-License-Identifier: Apache-2.0
// A canary on a real cluster: what it takes beyond its waits, and the same by Flagger. Minutes; only when it is named.
import { openDeployWorld } from '../fixtures/deploy-world.ts';
import { startFlagger } from '../fixtures/flagger-world.ts';
import { openIdentity } from './deploy-identity.ts';
import { runFlagger, runOurs, type Timed } from './deploy-run.ts';
import type { Row } from './measure.ts';
import type { World } from './world.ts';

const weights = [10, 30, 50];
const failing = 0.05;
const flagger = 'Flagger 1.44';

/** Once each: a run takes minutes, and most of it is waiting that is asked for. */
export async function benchDeploy({ quick }: World): Promise<Row[]> {
  await using world = await openDeployWorld();
  const seconds = quick ? 10 : 20;
  const [us, them] = [await openIdentity(world.kube, 'ours'), await openIdentity(world.kube, 'flagger')];
  await startFlagger(world.kube, them.kubeconfig);
  const [good, bad] = [await world.release('1.1.0'), await world.release('1.2.0', { FAIL_SHARE: String(failing) })];
  const ours = { promotion: await runOurs({ world, identity: us, namespace: 'ours-good', image: good, weights, seconds }), rollback: await runOurs({ world, identity: us, namespace: 'ours-bad', image: bad, weights, seconds }) };
  const theirs = { promotion: await runFlagger({ world, identity: them, namespace: 'flagger-good', image: good, weights, seconds }), rollback: await runFlagger({ world, identity: them, namespace: 'flagger-bad', image: bad, weights, seconds }) };
  requireVerdicts([ours.promotion, 'promoted'], [ours.rollback, 'rolled-back'], [theirs.promotion, 'succeeded'], [theirs.rollback, 'failed']);
  const steps = `${weights.length} steps of ${seconds} s`;
  return [
    { what: `canary of ${steps}: time beyond its waits`, ours: ours.promotion.beyond, peer: 'allowed in all', theirs: 10_000, goal: 1 },
    { what: 'from a step to the next, beyond its wait', ours: ours.promotion.slowestStep, peer: 'allowed', theirs: 2000, goal: 1 },
    { what: 'from the verdict to all traffic at stable', ours: ours.rollback.turnedBack, peer: 'allowed', theirs: 2000, goal: 1 },
    { what: `promote, ${steps}`, ours: ours.promotion.total, peer: flagger, theirs: theirs.promotion.total, goal: 1 },
    { what: `${failing * 100} % failures: traffic until it is taken away`, ours: ours.rollback.exposed, peer: flagger, theirs: theirs.rollback.exposed, goal: 1 },
    { what: `${failing * 100} % failures: requests that failed`, ours: ours.rollback.hurt, peer: flagger, theirs: theirs.rollback.hurt, goal: 1, unit: 'count' },
    { what: 'promote: calls of the API', ours: ours.promotion.calls, peer: `${flagger} and helm`, theirs: theirs.promotion.calls, goal: 2, unit: 'count' },
  ];
}

function requireVerdicts(...runs: readonly (readonly [run: Timed, verdict: string])[]): void {
  for (const [run, verdict] of runs) if (run.verdict !== verdict) throw new Error(`a run that had to end ${verdict} ended ${run.verdict} after ${(run.total / 1000).toFixed(0)} s`);
}
