// SPDX-License-Identifier: Apache-2.0
// Sabotage of deployments on a real cluster: each ends in its code, stable drops no request, and nothing is left. The rest is in test/e2e/deploy.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstRelease, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
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

describe('while the steps run', () => {
  const slow = { steps: '10% 4s\n50% 12s' };

  test.concurrent('a verdict that is revoked takes the canary away', async () => {
    const { stable, failure, stepping, end, running } = await first('revoked');
    const image = await use().release('1.4.0');
    const ended = failure(image, slow);
    await stepping();
    await use().say(image, 'refused');
    expect(await ended).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a second run is told who works on the release', async () => {
    const { failure, stepping, end } = await first('locked', 20);
    const image = await use().release('1.1.0');
    const ended = use().deploy('locked', image, { steps: '10% 16s', 'horizon-seconds': '16' });
    await stepping();
    expect(await failure(image)).toMatchObject({ code: 'KUBE_LOCKED', message: expect.stringMatching(/locked by the run https:\/\/github\.com\/acme\/app\/actions\/runs\/8\d+#1/) as string });
    expect((await ended).outputs.verdict).toBe('insufficient');
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a route that somebody else writes ends it, and the arms are taken out', async () => {
    const { failure, stepping, end } = await first('disputed', 60);
    const ended = failure(await use().release('1.1.0'), slow);
    await stepping();
    await use().kube.kubectl('patch', 'httproute', 'app', '--namespace', 'disputed', '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec/rules/0/backendRefs/0/weight', value: 77 }]));
    expect(await ended).toMatchObject({ code: 'ROUTE_CHANGED' });
    expect(await end()).toMatchObject({ lost: {}, left: [], backends: untouched.backends });
  });
});

describe('a canary that does not get ready says why', () => {
  test.concurrent.for([
    { namespace: 'unready', settings: { NEVER_READY: '1' }, cause: 'NOT_READY', mend: /kubectl exec/ },
    { namespace: 'crashing', settings: { FAIL_SHARE: 'much' }, cause: 'CRASH_EXIT', mend: /log/ },
    { namespace: 'hoarding', settings: { HOARD_MEGABYTES: '100' }, cause: 'CRASH_OUT_OF_MEMORY', mend: /limit/ },
    { namespace: 'unconfigured', settings: {}, set: 'configMap=missing', cause: 'CONFIG_MISSING', mend: /^Create it/ },
    { namespace: 'crowded', settings: {}, quota: 'pods=2', cause: 'QUOTA_EXCEEDED', mend: /kubectl edit resourcequota small/ },
    { namespace: 'quarantined', settings: {}, repository: 'quarantine/acme/app', cause: 'IMAGE_QUARANTINED', mend: /quarantine/ },
  ])('$namespace: $cause', async ({ namespace, settings, set, quota, repository, cause, mend }) => {
    const { stable, failure, end, running } = await first(namespace, 30);
    const image = await use().release('1.1.0', settings, repository);
    if (quota !== undefined) await use().kube.kubectl('create', 'quota', 'small', `--hard=${quota}`, '--namespace', namespace);
    const failed = await failure(image, { 'timeout-seconds': '60', set: ['image=$image', `route.host=${namespace}.example`, set ?? ''].join('\n') });
    expect(failed).toMatchObject({ code: 'CANARY_NOT_READY', facts: { cause }, hint: expect.stringMatching(mend) as string });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });
});

describe('a run that ends in the middle of a step', () => {
  const slow = { steps: '10% 30s', 'timeout-seconds': '240' };

  test.concurrent.for([
    { namespace: 'killed', stage: 'routing' },
    { namespace: 'killed-late', stage: 'promoting' },
  ])('by being killed while $stage is followed by one that mends and deploys', async ({ namespace, stage }) => {
    const { reached, end, running } = await first(namespace);
    const image = await use().release('1.1.0');
    const process = await use().start(namespace, image, stage === 'routing' ? slow : {});
    await reached(stage);
    await process.signal('SIGKILL');
    expect((await use().deploy(namespace, image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('by being cancelled gives traffic back within ten seconds; the next one takes the rest away', async () => {
    const { failure, stepping, end, running, stable, backends } = await first('cancelled', 50);
    const image = await use().release('1.1.0');
    const process = await use().start('cancelled', image, slow);
    await stepping();
    const late = new Promise<string>((resolve) => setTimeout(() => resolve('it still runs after ten seconds'), 10_000));
    await Promise.race([process.signal('SIGINT'), late.then((words) => Promise.reject(new Error(words)))]);
    expect((await process.ended).log).toContain('CANARY_CANCELLED');
    expect(await backends()).toEqual(untouched.backends);
    // It ends before anything new is made, but not before the old is gone.
    expect(await failure(image, { metrics: 'http://127.0.0.1:9' })).toMatchObject({ code: 'METRICS_UNAVAILABLE' });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('by a verdict that ends meanwhile is put back', async () => {
    const { failure, stepping, end } = await first('expired');
    const image = await use().pushOnly('1.1.1');
    await use().say(image, 'passed', 25);
    const ended = failure(image, { steps: '50% 25s' });
    await stepping();
    expect(await ended).toMatchObject({ code: 'VERDICT_EXPIRED' });
    expect(await end()).toEqual(untouched);
  });
});

test('metrics that are gone in the middle of a step promote nothing', async () => {
  const { stable, stepping, end, running } = await first('blind', 60);
  const ended = use().deploy('blind', await use().release('1.1.0'), { 'horizon-seconds': '20' });
  await stepping();
  await use().kube.cluster.stop('prometheus', 'SIGKILL');
  expect((await ended).outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
  await use().kube.cluster.start('prometheus');
  expect(await running()).toEqual([stable.digest]);
  expect(await end()).toEqual(untouched);
});

test('a cluster that may not pull says which right it needs', async () => {
  const { stable, failure, end, running } = await first('unauthorised', 30);
  const { cluster, lab } = use().kube;
  await cluster.setPullIdentity(undefined);
  const failed = await failure(await use().release('1.1.2'), { 'timeout-seconds': '60' });
  await cluster.setPullIdentity(lab.addresses.tokens.acr.cluster);
  expect(failed).toMatchObject({ code: 'CANARY_NOT_READY', facts: { cause: 'IMAGE_PULL_DENIED' }, hint: expect.stringContaining('az role assignment create') as string });
  expect(await running()).toEqual([stable.digest]);
  expect(await end()).toEqual(untouched);
});
