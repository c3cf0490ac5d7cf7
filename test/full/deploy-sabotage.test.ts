// SPDX-License-Identifier: Apache-2.0
// Sabotage of deployments on a real cluster: each ends in its code, stable drops no request, and nothing is left. The most telling cases are in test/e2e.
import { describe, expect, test } from 'vitest';
import { firstRelease, leavePending, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';
import { openApiWay, openMetricsWay } from '../fixtures/fault-proxy.ts';

const use = useDeployWorld();

const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);

describe('while the steps run', () => {
  const slow = { steps: '10% 4s\n50% 12s' };

  test.concurrent('a second run is told who works on the release', async () => {
    const { failure, stepping, end } = await first('locked', 20);
    const image = await use().release('1.1.0');
    const ended = use().deploy('locked', image, { steps: '10% 16s', 'horizon-seconds': '16' });
    await stepping(ended);
    expect(await failure(image)).toMatchObject({ code: 'KUBE_LOCKED', message: expect.stringMatching(/locked by the run https:\/\/github\.com\/acme\/app\/actions\/runs\/8\d+#1/) as string });
    expect((await ended).outputs.verdict).toBe('insufficient');
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a route that somebody else writes ends it, and the arms are taken out', async () => {
    const { failure, stepping, end } = await first('disputed', 60);
    const ended = failure(await use().release('1.1.0'), slow);
    await stepping(ended);
    await use().kube.kubectl('patch', 'httproute', 'app', '--namespace', 'disputed', '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec/rules/0/backendRefs/0/weight', value: 77 }]));
    expect(await ended).toMatchObject({ code: 'ROUTE_CHANGED' });
    expect(await end()).toMatchObject({ lost: {}, left: [], backends: untouched.backends });
  });
});

describe('a canary that does not get ready says why', () => {
  test.concurrent.for([
    { namespace: 'unready', settings: { NEVER_READY: '1' }, cause: 'NOT_READY', mend: /kubectl exec/ },
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

describe('a route', () => {
  test.concurrent('that another tool writes is refused', async () => {
    const { failure, end } = await first('foreign', 30);
    await use().kube.kubectl('label', 'httproute', 'app', '--namespace', 'foreign', 'argocd.argoproj.io/instance=shop');
    expect(await failure(await use().release('1.1.0'))).toMatchObject({ code: 'ROUTE_REFUSED', message: expect.stringContaining('Argo CD writes it') as string });
    await use().kube.kubectl('label', 'httproute', 'app', '--namespace', 'foreign', 'argocd.argoproj.io/instance-');
    expect(await end()).toEqual(untouched);
  });
});

describe('a release', () => {
  test.concurrent('that somebody left pending is refused before anything begins; rolled back by hand, it can be deployed over', async () => {
    const { failure, end, running } = await first('pending', 50);
    await leavePending(use(), 'pending');
    const image = await use().release('1.1.0');
    expect(await failure(image)).toMatchObject({ code: 'HELM_PENDING', hint: expect.stringContaining('helm rollback app 1') as string });
    expect((await use().kube.kubectl('get', 'deployments', '--namespace', 'pending', '--output', 'name')).stdout.trim()).toBe('deployment.apps/app');
    await use().kube.helm('rollback', 'app', '1', '--namespace', 'pending');
    expect((await use().deploy('pending', image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('of a digest that nobody made is refused', async () => {
    const { failure, end, stable } = await first('unmade', 20);
    expect(await failure({ ...stable, digest: `sha256:${'0'.repeat(64)}` })).toMatchObject({ code: 'VERDICT_MISSING' });
    expect(await end()).toEqual(untouched);
  });
});

test.concurrent('a canary that fails for two in a hundred is rolled back', async () => {
  const { end } = await first('subtle', 150);
  const { outputs } = await use().deploy('subtle', await use().release('1.1.0', { FAIL_SHARE: '0.02' }), { steps: '10% 4s\n50% 20s' });
  expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION' });
  expect(await end()).toEqual(untouched);
});

describe('a run that is ended', () => {
  const slow = { steps: '10% 6s\n50% 6s', 'timeout-seconds': '240' };
  const stages = ['installing', 'routing', 'promoting', 'promoted'] as const;
  const ends = stages.flatMap((stage) => (['SIGKILL', 'SIGINT'] as const).map((signal) => ({ stage, signal, namespace: `${stage}-${signal.toLowerCase()}` })));

  test.concurrent.for(ends)('by $signal while $stage is followed by one that mends and deploys', async ({ stage, signal, namespace }) => {
    const { reached, end, running, backends } = await first(namespace, 50);
    const image = await use().release('1.1.0');
    const process = await use().start(namespace, image, slow);
    await reached(stage, process.ended);
    const begin = Date.now();
    await process.signal(signal);
    // GitHub kills ten seconds after its first signal.
    expect(Date.now() - begin).toBeLessThan(10_000);
    const { status, log } = await process.ended;
    if (signal === 'SIGINT') expect({ status, log }).toEqual({ status: 4, log: expect.stringContaining('CANARY_CANCELLED') as string });
    if (signal === 'SIGINT' && stage === 'routing') expect(await backends()).toEqual(untouched.backends);
    expect((await use().deploy(namespace, image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('by a verdict that ends meanwhile is put back', async () => {
    const { failure, stepping, end } = await first('expired', 50);
    const image = await use().pushOnly('1.1.1');
    await use().say(image, 'passed', 60);
    const ended = failure(image, { steps: '50% 60s', 'horizon-seconds': '120' });
    await stepping(ended);
    expect(await ended).toMatchObject({ code: 'VERDICT_EXPIRED' });
    expect(await end()).toEqual(untouched);
  });
});

describe('Prometheus', () => {
  /** From this answer on: after the plan, in the middle of the steps. */
  const later = 12;
  test.concurrent('that returns nothing any more promotes nothing', async () => {
    const { end } = await first('empty', 50);
    let seen = 0;
    await using way = await openMetricsWay(use().kube.cluster.prometheus, { changed: (text) => ((seen += 1) > later ? '{"status":"success","data":{"resultType":"matrix","result":[]}}' : text) });
    expect((await use().deploy('empty', await use().release('1.1.0'), { metrics: way.url, 'horizon-seconds': '20' })).outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('that knows two gateways counts both', async () => {
    const { end } = await first('twofold', 50);
    const twice = (text: string): string => {
      const reply = JSON.parse(text) as { data: { result: { metric: Record<string, string> }[] } };
      const { result } = reply.data;
      return JSON.stringify({ ...reply, data: { ...reply.data, result: [...result, ...result.map((series) => ({ ...series, metric: { ...series.metric, instance: 'second:8082' } }))] } });
    };
    await using way = await openMetricsWay(use().kube.cluster.prometheus, { changed: twice });
    const { outputs } = await use().deploy('twofold', await use().release('1.1.0'), { metrics: way.url });
    expect(outputs.verdict).toBe('promoted');
    expect(Number(outputs.samples) % 2).toBe(0);
    expect(await end()).toEqual(untouched);
  });
});

describe('an API server', () => {
  test.concurrent('that is busy, and forgets what changed, delays a canary and no more', async () => {
    const { end, running } = await first('busy', 50);
    let [calls, watches, refused] = [0, 0, 0];
    const instead = (request: Request): Response | undefined => {
      if (request.url.includes('watch=true')) return (watches += 1) % 2 === 1 ? Response.json({ kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }, { status: 410 }) : undefined;
      if ((calls += 1) % 7 !== 0) return undefined;
      refused += 1;
      return Response.json({ kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'slow down' }, { status: 429, headers: { 'retry-after': '1' } });
    };
    await using way = await openApiWay(use().kube.cluster.kubeconfig, { instead });
    const image = await use().release('1.1.0');
    expect((await use().deploy('busy', image, { kubeconfig: way.kubeconfig })).outputs.verdict).toBe('promoted');
    expect([refused > 5, watches > 3]).toEqual([true, true]);
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('that says somebody else wrote the journal ends the run; the next one deploys', async () => {
    const { failure, end, running } = await first('conflict', 50);
    let writes = 0;
    const instead = (request: Request): Response | undefined => (request.method === 'PUT' && request.url.includes('/configmaps/pratique-canary-app') && (writes += 1) === 1
      ? Response.json({ kind: 'Status', code: 409, reason: 'Conflict', message: 'the object has been modified' }, { status: 409 }) : undefined);
    await using way = await openApiWay(use().kube.cluster.kubeconfig, { instead });
    const image = await use().release('1.1.0');
    expect(await failure(image, { kubeconfig: way.kubeconfig })).toMatchObject({ code: 'KUBE_CONFLICT' });
    expect((await use().deploy('conflict', image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });
});

test('metrics that are gone in the middle of a step promote nothing', async () => {
  const { stable, stepping, end, running } = await first('blind', 60);
  const ended = use().deploy('blind', await use().release('1.1.0'), { 'horizon-seconds': '20' });
  await stepping(ended);
  await use().kube.cluster.stop('prometheus', 'SIGKILL');
  expect((await ended).outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
  await use().kube.cluster.start('prometheus');
  expect(await running()).toEqual([stable.digest]);
  expect(await end()).toEqual(untouched);
});

test.for([{ namespace: 'unauthorised', identity: undefined }, { namespace: 'without-role', identity: 'builder' }] as const)('$namespace: a cluster that may not pull says which right it needs', async ({ namespace, identity }) => {
  const { stable, failure, end, running } = await first(namespace, 30);
  const { cluster, lab } = use().kube;
  await cluster.setPullIdentity(identity && lab.addresses.tokens.acr[identity]);
  const failed = await failure(await use().release('1.1.2'), { 'timeout-seconds': '60' });
  await cluster.setPullIdentity(lab.addresses.tokens.acr.cluster);
  expect(failed).toMatchObject({ code: 'CANARY_NOT_READY', facts: { cause: 'IMAGE_PULL_DENIED' }, hint: expect.stringContaining('az role assignment create') as string });
  expect(await running()).toEqual([stable.digest]);
  expect(await end()).toEqual(untouched);
});
