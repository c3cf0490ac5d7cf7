// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, type ApiStandIn } from '../api-stand-in.ts';
import type { KubeObject } from '../client/object.ts';
import { createArmHealth, watchArms } from './arm-health.ts';

type Arm = 'baseline' | 'canary';
type Look = readonly [second: number, ...pods: KubeObject[]];
const pod = (name: string, ready: boolean, container: object = {}, arm: Arm = 'canary', metadata: object = {}): KubeObject => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'web', uid: name, labels: { arm }, ...metadata },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }], containerStatuses: [{ name: 'app', ...container }] },
});
const leaving = { deletionTimestamp: '2026-11-21T00:00:00Z' };
const loop = { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } } };

describe('pods of an arm', () => {
  /** Pods by second; what is said at the last. */
  const after = (looks: readonly Look[]): string | undefined => {
    const judge = createArmHealth();
    let sign: string | undefined;
    for (const [second, ...pods] of looks) ({ sign } = judge(pods, new Date(second * 1000)));
    return sign;
  };
  test.each<[string, readonly Look[], string | undefined]>([
    ['that are ready', [[0, pod('a', true)], [99, pod('a', true)]], undefined],
    ['in a crash loop', [[0, pod('a', true), pod('b', false, loop)]], 'Pod web/b: CrashLoopBackOff'],
    ['one of which has ended', [[0, pod('a', true), pod('b', true)], [1, pod('a', false, { state: { terminated: { exitCode: 2 } } }), pod('b', true)]], 'Pod web/a: a container that was ready has ended'],
    ['one of which is back already', [[0, pod('a', true), pod('b', true)], [1, pod('a', true, { restartCount: 1 }), pod('b', true)]], 'Pod web/a: a container that was ready has ended'],
    ['that needed a second start to get ready', [[0, pod('a', true, { restartCount: 1 }), pod('b', false, { restartCount: 0 })], [1, pod('a', true, { restartCount: 1 }), pod('b', false, { restartCount: 1 })]], undefined],
    ['that miss a probe', [[0, pod('a', true)], [1, pod('a', false)], [3.5, pod('a', false)], [3.6, pod('a', true)], [60, pod('a', true)]], undefined],
    ['of which none is ready for too long', [[0, pod('a', false), pod('b', false)], [3, pod('a', false), pod('b', false)]], 'none of its 2 pods has been ready for 3 s'],
    ['unready by turns', [[0, pod('a', false), pod('b', true)], [29, pod('a', true), pod('b', false)], [31, pod('a', true), pod('b', false)]], undefined],
    ['one of which stays unready', [[0, pod('a', true), pod('b', false)], [30, pod('a', true), pod('b', false)]], 'Pod b has not been ready for 30 s'],
    ['that are moved', [[0, pod('a', false, {}, 'canary', leaving), pod('b', true)], [90, pod('a', false, loop, 'canary', leaving), pod('b', true)]], undefined],
    ['that are gone', [[0], [3]], 'none of its 0 pods has been ready for 3 s'],
  ])('%s', (_, looks, sign) => {
    expect(after(looks)).toBe(sign);
  });
});

describe('watching both arms', () => {
  /** Time passes by `pass`, and only then. */
  const createSteppedClock = () => {
    let now = 0;
    const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
    const clock: Clock = {
      now: () => new Date(now * 1000),
      sleep: (seconds, signal) => new Promise((resolve, reject) => {
        sleepers.push({ until: now + seconds, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
    };
    const pass = async (seconds: number): Promise<void> => {
      for (let passed = 0; passed < seconds; passed += 1) {
        now += 1;
        for (const { until, wake } of sleepers) if (until <= now) wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { clock, pass };
  };
  const start = (api: ApiStandIn, { clock, signal = new AbortController().signal }: { clock: Clock; signal?: AbortSignal }) => watchArms(connectTo(api.handle, { clock }), { selectors: { baseline: 'arm=baseline', canary: 'arm=canary' }, clock, signal });
  const healthy = (): ApiStandIn => createApiStandIn([pod('c', true), pod('b', true, {}, 'baseline')]);
  const seen = async (api: ApiStandIn): Promise<void> => expect.poll(() => api.requests.filter((request) => request.includes('watch=true')).length).toBe(2).then(() => undefined);

  test('tells of a crash loop when it begins', async () => {
    const [api, { clock }] = [healthy(), createSteppedClock()];
    const watching = start(api, { clock });
    await seen(api);
    api.put(pod('c', false, loop));
    expect(await watching).toEqual({ arm: 'canary', sign: 'Pod web/c: CrashLoopBackOff' });
  });
  test('tells of silence by the clock', async () => {
    const [api, { clock, pass }] = [healthy(), createSteppedClock()];
    const watching = start(api, { clock });
    await seen(api);
    api.put(pod('b', false, {}, 'baseline'));
    await pass(4);
    expect(await watching).toEqual({ arm: 'baseline', sign: 'none of its 1 pods has been ready for 3 s' });
  });
  test('does not blame the canary when both are down', async () => {
    const [api, { clock, pass }] = [healthy(), createSteppedClock()];
    const watching = start(api, { clock });
    await seen(api);
    api.put(pod('c', false));
    await pass(2);
    api.put(pod('b', false, {}, 'baseline'));
    await pass(2);
    expect(await watching).toMatchObject({ arm: 'baseline' });
  });
  test('goes on after a watch that has expired', async () => {
    const [api, { clock, pass }] = [healthy(), createSteppedClock()];
    const watching = start(api, { clock });
    await seen(api);
    api.expireWatches();
    api.put(pod('c', false, loop));
    await pass(3);
    expect(await watching).toMatchObject({ arm: 'canary' });
  });
  test('ends with its signal, and when the cluster refuses', async () => {
    const [api, { clock }, run] = [healthy(), createSteppedClock(), new AbortController()];
    const watching = start(api, { clock, signal: run.signal });
    run.abort(new Error('stopped'));
    await expect(watching).rejects.toThrow('stopped');
    api.intercept = (request) => (request.url.includes('/pods') ? Response.json({ kind: 'Status', message: 'pods is forbidden', reason: 'Forbidden', code: 403 }, { status: 403 }) : undefined);
    await expect(start(api, { clock })).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' });
  });
});
