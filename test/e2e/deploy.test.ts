// SPDX-License-Identifier: Apache-2.0
// helm-deploy-canary on a real cluster: first deployment, promotion, rollback, refusals; stable drops no request, and nothing is left. Sabotage is in test/full.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatImage } from '@pratique/core';
import { firstRelease, openCase, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { openDeployWorld, type DeployWorld } from '../fixtures/deploy-world.ts';

let world: DeployWorld | undefined;
const use = (): DeployWorld => {
  if (world === undefined) throw new Error('the cluster has not started');
  return world;
};

beforeAll(async () => {
  world = await openDeployWorld();
}, 3_600_000);
afterAll(() => world?.[Symbol.asyncDispose]());

const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);
/** Objects that a refusal before anything must not have made. */
const madeIn = async (namespace: string): Promise<string> => (await use().kube.kubectl('get', 'pods,leases,deployments,services', '--namespace', namespace, '--output', 'name')).stdout;

describe('traffic decides', () => {
  test.concurrent('a release is deployed first by its own limits, then promoted over itself by a canary', async () => {
    const { release, namespace, deploy, traffic } = use();
    await namespace('happy');
    const [stable, next] = [await release('1.0.0'), await release('1.1.0')];
    const load = traffic('happy', 100);
    const installed = await deploy('happy', stable);
    expect(installed.outputs).toMatchObject({ verdict: 'promoted', code: '', revision: '1', 'weights-reached': '100/0/0', residue: '0' });
    await load.stop();
    const { end, history, running } = openCase(use(), 'happy', stable);
    const steady = traffic('happy', 100);
    const promoted = await deploy('happy', next);
    expect(promoted.outputs).toMatchObject({ verdict: 'promoted', code: '', revision: '3', 'weights-reached': '0/50/50', residue: '0' });
    expect(promoted.summary).toContain('## ✅ Promoted: app in happy');
    const [, upgraded, settled] = await history();
    expect(upgraded).toMatch(/^2: superseded: .*do not roll back/);
    expect(settled?.startsWith(`3: deployed: ${formatImage(next)} by https://github.com/acme/app/actions/runs/`)).toBe(true);
    expect(await running()).toEqual([next.digest]);
    expect((await steady.stop()).statuses).toEqual({ 200: expect.any(Number) as number });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a canary that fails for three in ten is rolled back, and stable is as it was', async () => {
    const { stable, end, history, running } = await first('regress');
    const result = await use().deploy('regress', await use().release('1.1.0', { FAIL_SHARE: '0.3' }));
    expect(result.outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: '1', residue: '0' });
    expect(result.refusal).toMatchObject({ code: 'CANARY_REGRESSION' });
    expect(result.summary).toContain('## ⛔ Rolled back: app in regress');
    expect([await running(), (await history()).length]).toEqual([[stable.digest], 1]);
    // Only the application answers 500; a gateway that finds nobody answers 502 to 504.
    expect(await end()).toEqual({ ...untouched, lost: { 500: expect.any(Number) as number } });
  });

  test.concurrent('without traffic nothing is promoted', async () => {
    const { end, history } = await first('silent', 0);
    const result = await use().deploy('silent', await use().release('1.1.0'), { 'horizon-seconds': '16' });
    expect(result.outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
    expect(await history()).toHaveLength(1);
    expect(await end()).toEqual(untouched);
  });
});

describe('refused before anything is made', () => {
  test.concurrent('an image without a verdict, and a tag', async () => {
    await use().namespace('unproven');
    const image = await use().pushOnly('1.3.0');
    const { failure } = openCase(use(), 'unproven', image);
    expect(await failure(image)).toMatchObject({ code: 'VERDICT_MISSING' });
    const repository = use().gate.asAdministrator('acme/app');
    await repository.tag(await repository.readManifest(image.digest), 'latest');
    const tagged = await failure(`${image.registry}/${image.repository}:latest`);
    expect(tagged).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(`it points to ${image.digest} now`) as string });
    expect(await madeIn('unproven')).toBe('');
  });

  test.concurrent('metrics that cannot be read, and a route that is missing', async () => {
    const { failure, end } = await first('unmeasured', 20);
    const image = await use().release('1.1.0');
    expect(await failure(image, { metrics: 'http://127.0.0.1:9' })).toMatchObject({ code: 'METRICS_UNAVAILABLE' });
    expect(await failure(image, { route: 'nobody' })).toMatchObject({ code: 'ROUTE_REFUSED' });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a chart without a probe, a quota that is used up, and pod security that the chart violates', async () => {
    const { failure, end } = await first('narrow', 20);
    const { kubectl } = use().kube;
    const image = await use().release('1.1.0');
    const set = 'image=$image\nroute.host=narrow.example';
    expect(await failure(image, { set: `${set}\nreadiness=` })).toMatchObject({ code: 'CHART_REFUSED', message: expect.stringContaining('READINESS_PROBE_MISSING: Deployment app, container app') as string });
    await kubectl('create', 'quota', 'small', '--hard=pods=1', '--namespace', 'narrow');
    expect(await failure(image)).toMatchObject({ code: 'KUBE_DENIED', message: expect.stringContaining('exceeded quota: small') as string });
    await kubectl('delete', 'quota', 'small', '--namespace', 'narrow');
    await kubectl('label', 'namespace', 'narrow', 'pod-security.kubernetes.io/enforce=restricted');
    const denied = await failure(image, { set: `${set}\nescalation=true` });
    expect(denied).toMatchObject({ code: 'KUBE_DENIED', message: expect.stringContaining('violates PodSecurity "restricted') as string });
    expect(await end()).toEqual(untouched);
  });
});
