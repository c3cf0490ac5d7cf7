// SPDX-License-Identifier: Apache-2.0
// More sabotage of deployments on a real cluster: arms that cannot serve, a slow version, an API server that is gone.
import { describe, expect, test } from 'vitest';
import { firstRelease, settle, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';

const use = useDeployWorld();

const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);
/** What a case leaves when users of one arm got no answer until the traffic was back: some, and from the gateway. */
const withLosses = { ...untouched, lost: { '': expect.any(Number) as number } };

describe('an arm that cannot serve', () => {
  test.concurrent.for([
    { namespace: 'starving', settings: { HOARD_AT_REQUEST: '20', HOARD_MEGABYTES: '100' }, words: /CRASH_OUT_OF_MEMORY.*limit of 32Mi/ },
    { namespace: 'fading', settings: { UNREADY_AT_REQUEST: '20' }, words: /NOT_READY.*readiness probe fails/ },
  ])('$namespace: the canary is rolled back with the diagnosis', async ({ namespace, settings, words }) => {
    const { stable, end, running } = await first(namespace);
    const { outputs, refusal } = await use().deploy(namespace, await use().release('1.1.0', settings), { steps: '10% 30s' });
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', reason: expect.stringMatching(words) as string, revision: '1', residue: '0' });
    expect(refusal?.hint).toMatch(/^Stable serves all traffic\. ./);
    expect(await running()).toEqual([stable.digest]);
    const { lost, ...rest } = await end();
    expect(rest).toMatchObject({ left: [], backends: untouched.backends, byHand: '' });
    // A tenth of a hundred a second, for seconds.
    expect(lost['1.0.0']).toBeUndefined();
    expect(lost[''] ?? 0).toBeLessThan(200);
  });

  test.concurrent('when it is the baseline, the canary is neither blamed nor promoted; a re-run deploys it', async () => {
    const { failureOrAnswer, stepping, end, running } = await first('bereft');
    const image = await use().release('1.1.0');
    const ended = failureOrAnswer(image, { steps: '10% 30s' });
    await stepping(ended);
    await use().kube.kubectl('scale', 'deployment', 'app-baseline', '--replicas=0', '--namespace', 'bereft');
    expect(await ended).toMatchObject({ code: 'CANARY_BASELINE_FAILED', message: expect.stringContaining('nothing to compare the canary with') as string });
    await settle();
    expect((await use().deploy('bereft', image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(withLosses);
  });

  test.concurrent('a Service that leads nowhere gets no traffic; a re-run with the right port heals', async () => {
    const { failure, end, running, stable } = await first('misled', 50);
    const image = await use().release('1.1.0');
    const wrong = 'image=$image\nroute.host=misled.example\ntargetPort=8081';
    expect(await failure(image, { set: wrong })).toMatchObject({ code: 'CANARY_UNREACHABLE', message: expect.stringMatching(/app-canary does not answer GET \/.* through the cluster: 50\d/) as string });
    expect(await running()).toEqual([stable.digest]);
    expect((await use().deploy('misled', image)).outputs.verdict).toBe('promoted');
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a canary that is slow for one in ten', async () => {
    const { end } = await first('slow');
    // Its boundaries come from stable's past.
    await settle(4);
    const { outputs } = await use().deploy('slow', await use().release('1.1.0', { SLOW_SHARE: '0.1', SLOW_MILLIS: '1500' }), { latency: 'true' });
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', reason: expect.stringContaining('requests slower than') as string });
    expect(await end()).toEqual(untouched);
  });
});

test('an API server that is gone for a moment delays a canary, and no more', async () => {
  const { stepping, end, running } = await first('restarted', 60);
  const image = await use().release('1.1.0');
  const ended = use().deploy('restarted', image, { steps: '10% 8s\n50% 8s' });
  await stepping(ended);
  const { cluster } = use().kube;
  await cluster.stop('kube-apiserver', 'SIGKILL');
  await settle(2);
  await cluster.start('kube-apiserver');
  expect((await ended).outputs.verdict).toBe('promoted');
  expect(await running()).toEqual([image.digest]);
  expect(await end()).toEqual(untouched);
});
