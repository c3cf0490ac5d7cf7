// SPDX-License-Identifier: Apache-2.0
// What is left by runs that were killed or held, or that deployed for the first time, on a real cluster: the next run mends it, and so does `pratique canary recover`.
import { canaryRecover } from '@pratique/helm-deploy-canary';
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { firstRelease, openCase, untouched } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';

const use = useDeployWorld();
const slow = { steps: '10% 6s\n50% 6s', 'timeout-seconds': '240' };
const signals = ['SIGKILL', 'SIGINT'] as const;

/** `pratique canary recover`. */
async function recover(namespace: string): Promise<Partial<Record<string, string>>> {
  const { ctx, values } = await use().jobFor(namespace, '');
  const given = Object.fromEntries(Object.keys(canaryRecover.inputs).map((name) => [name, values[name]]));
  return (await canaryRecover.run(parseInputs(canaryRecover.inputs, given), ctx)).outputs;
}

describe('pratique canary recover', () => {
  test.concurrent.for([
    { stage: 'installing', recoveries: ['reverted'] }, { stage: 'routing', recoveries: ['reverted'] },
    // Whether helm had done its part when it was killed is chance.
    { stage: 'promoting', recoveries: ['reverted', 'completed'] }, { stage: 'promoted', recoveries: ['completed'] },
  ])('after a kill while $stage', async ({ stage, recoveries }) => {
    const namespace = `recover-${stage}`;
    const { stable, reached, end, running } = await firstRelease(use(), namespace, 50);
    const image = await use().release('1.1.0');
    const process = await use().start(namespace, image, slow);
    await reached(stage, process.ended);
    await process.signal('SIGKILL');
    const { recovery = '', run } = await recover(namespace);
    expect(recoveries).toContain(recovery);
    expect(run).toMatch(/^https:\/\/github\.com\/acme\/app\/actions\/runs\/8\d+$/);
    expect(await recover(namespace)).toEqual({ recovery: 'nothing', run: '' });
    expect(await running()).toEqual([recovery === 'completed' ? image.digest : stable.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('takes away what was held for a look, and has had no traffic', async () => {
    const { end, running, backends, stable } = await firstRelease(use(), 'held', 5);
    const { outputs, summary } = await use().deploy('held', await use().release('1.1.0'), { 'on-insufficient-data': 'hold', 'horizon-seconds': '16' });
    expect(outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
    const { stdout } = await use().kube.kubectl('get', 'deployments', '--namespace', 'held', '--output', 'name');
    expect(stdout.trim().split('\n')).toEqual(['deployment.apps/app', 'deployment.apps/app-baseline', 'deployment.apps/app-canary']);
    expect(Number(outputs.residue)).toBeGreaterThanOrEqual(2);
    expect(summary).toContain('pratique canary recover --release app --namespace held');
    expect(await backends()).toEqual(untouched.backends);
    expect(await recover('held')).toMatchObject({ recovery: 'reverted' });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });
});

describe('a first deployment that is ended', () => {
  test.concurrent.for(signals)('by %s is taken away by the next run, which deploys', async (signal) => {
    const namespace = `first-${signal.toLowerCase()}`;
    await use().namespace(namespace);
    const image = await use().release('1.1.0');
    const { reached, end, running } = openCase(use(), namespace, image);
    const process = await use().start(namespace, image, slow);
    await reached('first', process.ended);
    await process.signal(signal);
    const load = use().traffic(namespace, 50);
    expect((await use().deploy(namespace, image)).outputs).toMatchObject({ verdict: 'promoted', revision: '1' });
    await load.stop();
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });
});

describe('a rolling deployment that is ended', () => {
  test.concurrent.for(signals)('by %s is followed by one that mends and deploys', async (signal) => {
    const namespace = `rolling-${signal.toLowerCase()}`;
    const rolling = { strategy: 'rolling', metrics: '' };
    const { reached, end, running } = await firstRelease(use(), namespace, 50);
    const image = await use().release('1.1.0');
    const process = await use().start(namespace, image, rolling);
    await reached('promoting', process.ended);
    await process.signal(signal);
    expect((await use().deploy(namespace, image, rolling)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });
});
