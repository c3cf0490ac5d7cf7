// SPDX-License-Identifier: Apache-2.0
// Sabotage of deployments on a real cluster: each ends in its code, stable drops no request, nothing is left, and a re-run heals. More of it is in test/full.
import { describe, expect, test } from 'vitest';
import { firstRelease, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';
import { openMetricsWay } from '../fixtures/fault-proxy.ts';

const use = useDeployWorld();

const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);

describe('sabotage', () => {
  test.concurrent('killed while it promotes, it is followed by one that mends and deploys', async () => {
    const { reached, end, running } = await first('killed', 50);
    const image = await use().release('1.1.0');
    const process = await use().start('killed', image);
    await reached('promoting', process.ended);
    await process.signal('SIGKILL');
    expect((await use().deploy('killed', image)).outputs.verdict).toBe('promoted');
    expect(await running()).toEqual([image.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a canary that dies under traffic is rolled back with the diagnosis', async () => {
    const { stable, end, running } = await first('dying');
    const { outputs, refusal, summary } = await use().deploy('dying', await use().release('1.1.0', { CRASH_AT_REQUEST: '20' }), { steps: '10% 30s' });
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_NOT_READY', reason: expect.stringMatching(/CRASH_EXIT.*exit code 2/) as string, revision: '1', residue: '0' });
    expect(refusal?.hint).toMatch(/^Stable serves all traffic\. ./);
    expect(summary).toContain('panic: this version crashes on purpose');
    expect(await running()).toEqual([stable.digest]);
    const { lost, ...rest } = await end();
    expect(rest).toMatchObject({ left: [], backends: untouched.backends, byHand: '' });
    // A tenth of a hundred a second, for seconds.
    expect(lost['1.0.0']).toBeUndefined();
    expect(lost[''] ?? 0).toBeLessThan(200);
  });

  test.concurrent('configuration that the program cannot read ends the canary before any traffic', async () => {
    const { failure, end, running, stable } = await first('unreadable', 50);
    const failed = await failure(await use().release('1.1.0'), { set: 'image=$image\nroute.host=unreadable.example\nsettings.FAIL_SHARE=much' });
    expect(failed).toMatchObject({ code: 'CANARY_NOT_READY', facts: { cause: 'CRASH_EXIT', findings: [{ evidence: expect.arrayContaining([expect.stringContaining('config error: FAIL_SHARE="much" is not a number')]) as string[] }] } });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a canary that fails only when it gets half of the traffic', async () => {
    const { end } = await first('late-fault');
    const { outputs } = await use().deploy('late-fault', await use().release('1.1.0', { FAIL_SHARE: '0.3', FAIL_AFTER_REQUESTS: '150' }), { steps: '10% 4s\n50% 8s' });
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', 'weights-reached': '0/50/50' });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('nothing when every value is NaN: that is no pass', async () => {
    const { end } = await first('nan', 50);
    let seen = 0;
    await using way = await openMetricsWay(use().kube.cluster.prometheus, { changed: (text) => ((seen += 1) > 10 ? text.replaceAll(/,"[\d.]+"\]/g, ',"NaN"]') : text) });
    const { outputs, refusal } = await use().deploy('nan', await use().release('1.1.0'), { metrics: way.url, 'horizon-seconds': '16' });
    expect(outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
    expect(refusal?.hint).toContain('Look at the metrics');
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a verdict that is revoked meanwhile takes the canary away', async () => {
    const { stable, failure, stepping, end, running } = await first('revoked', 60);
    const image = await use().release('1.4.0');
    const ended = failure(image, { steps: '10% 4s\n50% 12s' });
    await stepping(ended);
    await use().say(image, 'refused');
    expect(await ended).toMatchObject({ code: 'VERDICT_REFUSED' });
    expect(await running()).toEqual([stable.digest]);
    expect(await end()).toEqual(untouched);
  });
});
