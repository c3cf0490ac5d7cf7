// SPDX-License-Identifier: Apache-2.0
// The strategy `flagger` with the real Flagger on a real cluster: its verdict is ours, and a failed revision is taken out of the release.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatImage, type PinnedImage } from '@pratique/core';
import { fieldOf, listOf, textOf } from '@pratique/kube';
import { openCase } from '../fixtures/deploy-case.ts';
import { openDeployWorld, type DeployWorld } from '../fixtures/deploy-world.ts';
import { phaseOf, startFlagger, watchedRelease, type Analysis } from '../fixtures/flagger-world.ts';

let world: DeployWorld | undefined;
let folder = '';
const use = (): DeployWorld => {
  if (world === undefined) throw new Error('the cluster has not started');
  return world;
};

beforeAll(async () => {
  world = await openDeployWorld();
  folder = await mkdtemp(join(tmpdir(), 'values-'));
  await writeFile(join(folder, 'values.yaml'), 'route: { enabled: false }\n');
  await startFlagger(world.kube);
}, 3_600_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const analysis: Analysis = { interval: 10, stepWeights: [30, 50], threshold: 2, failures: 5, window: 10 };
const given = (more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({ strategy: 'flagger', set: 'image=$image', values: join(folder, 'values.yaml'), 'timeout-seconds': '300', ...more });

/** Digests that pods behind the route run, and the image that the Deployment of the chart names. */
async function stateOf(namespace: string): Promise<{ readonly primary: readonly string[]; readonly target: string; readonly replicas: unknown }> {
  const { kube } = use();
  const pods = await kube.read('get', 'pods', '--namespace', namespace, '--selector', 'app.kubernetes.io/name=canary-app-primary');
  const target = await kube.read('get', 'deployment', 'app', '--namespace', namespace);
  const alive = listOf(pods, 'items').filter((pod) => fieldOf(pod, 'metadata', 'deletionTimestamp') === undefined);
  return {
    primary: alive.flatMap((pod) => listOf(pod, 'status', 'containerStatuses')).map((status) => textOf(status, 'imageID').replace(/^.*@/, '')),
    target: textOf(target, 'spec', 'template', 'spec', 'containers', 0, 'image'), replicas: fieldOf(target, 'spec', 'replicas'),
  };
}

async function watched(namespace: string): Promise<PinnedImage> {
  const stable = await use().release('1.0.0');
  await watchedRelease(use(), { namespace, image: stable, analysis });
  return stable;
}

test.concurrent('a good revision is promoted by Flagger, and so is the same once more at once', async () => {
  await watched('flag-good');
  const next = await use().release('1.1.0');
  const load = use().traffic('flag-good', 40);
  const { outputs, summary } = await use().deploy('flag-good', next, given());
  expect(outputs).toMatchObject({ verdict: 'promoted', code: '', strategy: 'flagger', revision: '2', 'weights-reached': '50/0/50', residue: '0' });
  expect(summary).toContain('Progressing, 30 % to the canary');
  expect(await stateOf('flag-good')).toMatchObject({ primary: [next.digest], target: formatImage(next) });
  expect(await use().deploy('flag-good', next, given())).toMatchObject({ outputs: { verdict: 'promoted', revision: '3', reason: expect.stringContaining('nothing changed') as string } });
  await load.stop();
});

test.concurrent('a bad revision is failed by Flagger, and the release is as it was; the next one can be promoted', async () => {
  const stable = await watched('flag-bad');
  const load = use().traffic('flag-bad', 40);
  const result = await use().deploy('flag-bad', await use().release('1.1.0', { FAIL_SHARE: '0.5' }), given());
  expect(result.outputs).toMatchObject({ verdict: 'rolled-back', code: 'ROLLOUT_FAILED', revision: '3' });
  expect(result.refusal).toMatchObject({ code: 'ROLLOUT_FAILED', message: expect.stringMatching(/Halt app\.flag-bad advancement failures .* > 5.*Canary failed! Scaling down/) as string });
  expect(await stateOf('flag-bad')).toEqual({ primary: [stable.digest], target: formatImage(stable), replicas: 0 });
  expect((await openCase(use(), 'flag-bad', stable).history()).at(-1)).toBe('3: deployed: Rollback to 1');
  const next = await use().release('1.2.0');
  expect((await use().deploy('flag-bad', next, given())).outputs).toMatchObject({ verdict: 'promoted', revision: '4' });
  expect((await stateOf('flag-bad')).primary).toEqual([next.digest]);
  await load.stop();
});

test.concurrent('a revision for which time is too short goes on without the run; a workload without a Canary, and one that is suspended, are refused', async () => {
  await watched('flag-slow');
  const load = use().traffic('flag-slow', 40);
  const next = await use().release('1.1.0');
  const { failure } = openCase(use(), 'flag-slow', next);
  expect(await failure(next, given({ 'timeout-seconds': '35' }))).toMatchObject({ code: 'ROLLOUT_UNFINISHED', message: expect.stringMatching(/had no verdict within 35 s: Progressing/) as string });
  expect((await use().deploy('flag-slow', next, given())).outputs).toMatchObject({ verdict: 'promoted' });
  await load.stop();
  await use().kube.kubectl('patch', 'canary', 'app', '--namespace', 'flag-slow', '--type=merge', '--patch', '{"spec":{"suspend":true}}');
  expect(await failure(await use().release('1.2.0'), given())).toMatchObject({ code: 'WORKLOAD_INVALID', message: expect.stringContaining('suspended') as string });
  expect(await phaseOf(use().kube, 'flag-slow')).toBe('Succeeded');
  await use().namespace('flag-none');
  expect(await openCase(use(), 'flag-none', next).failure(next, given())).toMatchObject({ code: 'WORKLOAD_INVALID', message: expect.stringContaining('no object of Flagger owns') as string });
});
