// SPDX-License-Identifier: Apache-2.0
// The strategy `argo-rollouts` on a real cluster with the definition of a Rollout, whose status the test writes as Argo Rollouts would.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatImage, type PinnedImage } from '@pratique/core';
import { fieldOf, textOf } from '@pratique/kube';
import definitions from '../fixtures/argo-rollouts-definitions.json' with { type: 'json' };
import { openCase, until } from '../fixtures/deploy-case.ts';
import { openDeployWorld, type DeployWorld } from '../fixtures/deploy-world.ts';
import { applyObjects } from '../fixtures/flagger-world.ts';

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
  await applyObjects(world.kube, definitions.items);
  await world.kube.kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd/rollouts.argoproj.io');
}, 3_600_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const operated = (timeout = '60'): Readonly<Record<string, string>> => ({ strategy: 'argo-rollouts', set: 'image=$image', values: join(folder, 'values.yaml'), 'timeout-seconds': timeout });

/** A release whose Deployment a Rollout takes its template from, and the hand that writes its status. */
async function rolled(namespace: string) {
  const { kube, release } = use();
  const stable = await release('1.0.0');
  await use().namespace(namespace);
  await kube.helm('install', 'app', kube.chart, '--namespace', namespace, '--wait', '--set', `image=${formatImage(stable)}`, '--set', 'route.enabled=false');
  const spec = { replicas: 1, workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app' }, strategy: { canary: { steps: [{ setWeight: 20 }, { pause: {} }] } } };
  await applyObjects(kube, [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'app', namespace }, spec }]);
  const deployment = () => kube.read('get', 'deployment', 'app', '--namespace', namespace);
  const imageOf = async (): Promise<string> => textOf(await deployment(), 'spec', 'template', 'spec', 'containers', 0, 'image');
  const say = async (status: object): Promise<void> => {
    const seen = { observedGeneration: '1', workloadObservedGeneration: String(fieldOf(await deployment(), 'metadata', 'generation')) };
    const { exitCode, stderr } = await kube.kubectl('patch', 'rollout', 'app', '--namespace', namespace, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status: { ...seen, ...status } }));
    if (exitCode !== 0) throw new Error(stderr);
  };
  await say({ phase: 'Healthy', currentPodHash: 'old', stableRS: 'old' });
  return { stable, imageOf, say, applied: (image: PinnedImage) => until('the revision is applied', async () => (await imageOf()) === formatImage(image)) };
}

test.concurrent('its Healthy promotes, when pods run the digest', async () => {
  const { say, applied } = await rolled('argo-good');
  const next = await use().release('1.1.0');
  const ended = use().deploy('argo-good', next, operated());
  await applied(next);
  await say({ phase: 'Paused', message: 'CanaryPauseStep', currentPodHash: 'new', currentStepIndex: 1, controllerPause: true, pauseConditions: [{ reason: 'CanaryPauseStep', startTime: '2026-11-21T10:00:00Z' }], canary: { weights: { canary: { weight: 20, podTemplateHash: 'new', serviceName: 'c' }, stable: { weight: 80, podTemplateHash: 'old', serviceName: 's' } } } });
  await until('pods run it', async () => (await use().kube.kubectl('rollout', 'status', 'deployment/app', '--namespace', 'argo-good', '--timeout=1s')).exitCode === 0);
  await use().kube.kubectl('label', 'pods', '--namespace', 'argo-good', '--selector', 'app.kubernetes.io/instance=app', 'rollouts-pod-template-hash=new');
  await say({ phase: 'Healthy', message: null, stableRS: 'new', controllerPause: null, pauseConditions: null, currentStepIndex: 2 });
  expect((await ended).outputs).toMatchObject({ verdict: 'promoted', strategy: 'argo-rollouts', revision: '2', 'weights-reached': '80/0/20' });
  expect((await ended).summary).toContain('Paused, step 2 of 2, 20 % to the canary');
});

test.concurrent('its Degraded is a failure, and the release is as it was', async () => {
  const { stable, say, applied, imageOf } = await rolled('argo-bad');
  const next = await use().release('1.1.0');
  const ended = use().deploy('argo-bad', next, operated());
  await applied(next);
  await say({ phase: 'Degraded', abort: true, message: 'RolloutAborted: metric "failures" assessed Failed', currentPodHash: 'new' });
  expect(await ended).toMatchObject({ outputs: { verdict: 'rolled-back', code: 'ROLLOUT_FAILED', revision: '3' }, refusal: { message: expect.stringContaining('metric "failures" assessed Failed') as string } });
  expect(await imageOf()).toBe(formatImage(stable));
});

test.concurrent('a revision that it never looks at is put back', async () => {
  const { stable, imageOf } = await rolled('argo-asleep');
  const next = await use().release('1.1.0');
  expect(await openCase(use(), 'argo-asleep', next).failure(next, operated('8'))).toMatchObject({ code: 'ROLLOUT_UNFINISHED', message: expect.stringContaining('did not take the revision up within 8 s') as string });
  expect(await imageOf()).toBe(formatImage(stable));
});
