// SPDX-License-Identifier: Apache-2.0
// Strategies other than canary on a real cluster: each promotes, each goes back with its reason, and stable drops no request.
import { formatImage } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { firstRelease, openCase, until, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';

const use = useDeployWorld();

/** Values are set as text, of which only the empty one is false. */
const noRoute = 'image=$image\nroute.enabled=';
const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);

describe('rolling', () => {
  const rolling = { strategy: 'rolling', metrics: '' };

  test.concurrent('upgrades the release at once', async () => {
    const { history, running, end } = await first('rolling', 20);
    const next = await use().release('1.1.0');
    const { outputs, summary } = await use().deploy('rolling', next, rolling);
    expect(outputs).toMatchObject({ verdict: 'promoted', code: '', strategy: 'rolling', revision: '2', residue: '0' });
    expect(summary).toContain('## ✅ Promoted: app in rolling');
    expect([await running(), (await history()).length]).toEqual([[next.digest], 2]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('goes back when the new pods crash, and says why', async () => {
    const { stable, history, running, end } = await first('rolling-crash', 20);
    const result = await use().deploy('rolling-crash', await use().release('1.1.0', { FAIL_SHARE: 'much' }), rolling);
    expect(result.outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', reason: expect.stringContaining('CRASH_EXIT') as string, revision: '3', residue: '0' });
    expect(result.refusal).toMatchObject({ code: 'CANARY_NOT_READY', hint: expect.stringContaining('log') as string });
    expect([await running(), (await history()).at(-1)]).toEqual([[stable.digest], '3: deployed: Rollback to 1']);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('mends a release whose pods crash', async () => {
    await use().namespace('rolling-mends');
    const [broken, next] = [await use().release('1.0.0', { FAIL_SHARE: 'much' }), await use().release('1.1.0')];
    const { running } = openCase(use(), 'rolling-mends', broken);
    await use().kube.helm('install', 'app', use().kube.chart, '--namespace', 'rolling-mends', '--set', `image=${formatImage(broken)}`, '--set', 'route.enabled=false');
    await until('the pods crash', async () => (await use().kube.kubectl('get', 'pods', '--namespace', 'rolling-mends')).stdout.includes('CrashLoopBackOff'));
    const { outputs } = await use().deploy('rolling-mends', next, { ...rolling, set: noRoute });
    expect(outputs).toMatchObject({ verdict: 'promoted', revision: '2' });
    expect(await running()).toEqual([next.digest]);
  });

  test.concurrent('goes back when helm fails after it has changed everything', async () => {
    const { stable, failure, history, running, end } = await first('rolling-hook', 20);
    const image = await use().release('1.1.0');
    expect(await failure(image, { ...rolling, set: 'image=$image\nroute.host=rolling-hook.example\nfailingHook=true' })).toMatchObject({ code: 'HELM_FAILED' });
    expect([await running(), (await history()).at(-1)]).toEqual([[stable.digest], '3: deployed: Rollback to 1']);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('takes a first release that never gets ready away', async () => {
    await use().namespace('rolling-first');
    const { outputs } = await use().deploy('rolling-first', await use().release('1.1.0', { FAIL_SHARE: 'much' }), rolling);
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', revision: '0' });
    // The cluster takes away what helm has given up.
    await until('nothing of it is left', async () => (await use().kube.kubectl('get', 'deployments,services,configmaps', '--namespace', 'rolling-first', '--output', 'name')).stdout === 'configmap/kube-root-ca.crt\n');
  });
});

describe('blue-green', () => {
  const blueGreen = { strategy: 'blue-green', 'soak-seconds': '8' };

  test.concurrent('switches everything, and upgrades the release behind it', async () => {
    const { running, end } = await first('blue-green');
    const next = await use().release('1.1.0');
    const { outputs } = await use().deploy('blue-green', next, blueGreen);
    expect(outputs).toMatchObject({ verdict: 'promoted', code: '', strategy: 'blue-green', revision: '3', 'weights-reached': '0/0/100', residue: '0' });
    expect(await running()).toEqual([next.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('switches back when the new version fails, and stable is as it was', async () => {
    const { stable, running, history, end } = await first('green-errors');
    const { outputs } = await use().deploy('green-errors', await use().release('1.1.0', { FAIL_SHARE: '0.3' }), blueGreen);
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: '1', residue: '0' });
    expect([await running(), (await history()).length]).toEqual([[stable.digest], 1]);
    expect(await end()).toEqual(untouched);
  });
});

describe('auto', () => {
  test.concurrent('takes the canary behind a route, and asks for the metrics that it needs', async () => {
    const { failure, end } = await first('auto-canary', 20);
    const image = await use().release('1.1.0');
    const { outputs, summary } = await use().deploy('auto-canary', image, { strategy: 'auto', 'dry-run': 'true' });
    expect(outputs).toMatchObject({ verdict: 'planned', strategy: 'canary' });
    expect(summary).toContain('Strategy canary, since the HTTPRoute app sends traffic to the Service app.');
    expect(await failure(image, { strategy: 'auto', metrics: '' })).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('metrics') as string });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('takes rolling where no route leads to the release', async () => {
    await use().namespace('auto-rolling');
    const image = await use().release('1.1.0');
    const { outputs, summary } = await use().deploy('auto-rolling', image, { strategy: 'auto', metrics: '', set: noRoute });
    expect(outputs).toMatchObject({ verdict: 'promoted', strategy: 'rolling', revision: '1' });
    expect(summary).toContain('since neither an HTTPRoute nor an Ingress of ingress\\-nginx sends traffic to the Service app.');
  });
});
