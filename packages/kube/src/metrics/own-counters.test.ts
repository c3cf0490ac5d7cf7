// SPDX-License-Identifier: Apache-2.0
// Counters of the application, and a canary that is compared with stable itself.
import { describe, expect, test } from 'vitest';
import { podNames } from '../traffic/pod-plan.ts';
import { createObserver, failureMetric, slowMetric, type ObserverOptions } from './observer.ts';
import { ownPreset } from './preset.ts';
import type { Series } from './prometheus.ts';

const own = ownPreset({ requests: 'app_requests_total{namespace="$namespace",pod=~"$pods"}', buckets: 'app_seconds_bucket{pod=~"$pods"}', statusLabel: 'code', failed: /^(?:5..)$/ });
const backend = (deployment: string) => ({ namespace: 'web', service: deployment, port: 80, pods: podNames(deployment) });

/** What each pod has counted, by name of its Deployment; `since` is the first scrape of all. */
function observe(counted: Record<string, { good: number; failed: number } | undefined>, options: Partial<ObserverOptions> = {}) {
  const series = (selector: string): Series[] => Object.entries(counted).flatMap(([deployment, counts]) => {
    const [, pattern = ''] = /pod=~"([^"]+)"/.exec(selector) ?? [];
    const pod = `${deployment}-5d9f7c6b8-x2x9q`;
    if (counts === undefined || !new RegExp(`^(?:${pattern})$`).test(pod)) return [];
    const labels = { namespace: 'web', pod, instance: deployment };
    const sample = (more: Record<string, string>, value: number): Series => ({ labels: { ...labels, ...more }, samples: [{ at: 1000, value }] });
    if (selector.startsWith('app_seconds')) return [sample({ le: '0.5' }, counts.good), sample({ le: '+Inf' }, counts.good + counts.failed)];
    return [sample({ code: '200' }, counts.good), sample({ code: '503' }, counts.failed)];
  });
  return createObserver({
    server: { samples: (selector) => Promise.resolve(series(selector)) }, preset: own, log: { line: () => undefined, notice: () => undefined, group: (_, work) => work() }, now: () => 1001,
    backends: { stable: backend('app'), baseline: backend('app-baseline'), canary: backend('app-canary') }, boundaries: [], freshSeconds: 20, ...options,
  });
}

const signal = new AbortController().signal;

describe('counters of the application', () => {
  test('are told apart by names of pods', async () => {
    const counted: Parameters<typeof observe>[0] = { app: { good: 100, failed: 0 }, 'app-baseline': { good: 10, failed: 0 }, 'app-canary': { good: 10, failed: 0 } };
    const look = observe(counted);
    await look(signal);
    Object.assign(counted, { app: { good: 160, failed: 1 }, 'app-baseline': { good: 30, failed: 0 }, 'app-canary': { good: 25, failed: 4 } });
    expect(await look(signal)).toEqual({ metrics: { [failureMetric]: { baseline: { requests: 20, failures: 0 }, canary: { requests: 19, failures: 4 } } }, requests: { stable: 61, baseline: 20, canary: 19 } });
  });

  test('of a pod that counts nothing yet are not waited for in the pods of others', async () => {
    const counted: Parameters<typeof observe>[0] = { app: { good: 100, failed: 0 }, 'app-baseline': { good: 10, failed: 0 }, 'app-canary': undefined };
    const look = observe(counted);
    await look(signal);
    Object.assign(counted, { 'app-canary': { good: 5, failed: 0 } });
    await look(signal);
    Object.assign(counted, { 'app-canary': { good: 9, failed: 0 } });
    expect((await look(signal)).metrics[failureMetric]?.canary).toEqual({ requests: 4, failures: 0 });
  });

  test('of a pod that is gone are not waited for, but those of one that is only not scraped are', async () => {
    const counted: Parameters<typeof observe>[0] = { app: { good: 100, failed: 0 }, 'app-baseline': { good: 10, failed: 0 }, 'app-canary': { good: 10, failed: 0 } };
    const live = new Set(['app-canary-5d9f7c6b8-x2x9q']);
    const look = observe(counted, { livePods: () => Promise.resolve(live), backends: { baseline: { ...backend('app'), pods: 'app-.+' }, canary: backend('app-canary') } });
    await look(signal);
    Object.assign(counted, { app: undefined, 'app-baseline': { good: 12, failed: 0 }, 'app-canary': undefined });
    expect((await look(signal)).metrics[failureMetric]).toEqual({});
    Object.assign(counted, { 'app-canary': { good: 15, failed: 0 } });
    expect((await look(signal)).metrics[failureMetric]).toEqual({ baseline: { requests: 7, failures: 0 }, canary: { requests: 5, failures: 0 } });
  });

  test.each(['x{pod="shop"}', 'rate(x{pod=~"$pods"}[1m])', 'sum(x{pod=~"$pods"})', 'x{pod=~"$podsAll"}'])('%s is no selector of them', (requests) => {
    expect(() => ownPreset({ requests, statusLabel: 'code', failed: /^5/ })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
  test('by pods are not asked for where pods have no names', () => {
    expect(() => own.requests({ namespace: 'web', service: 'shop', port: 80 })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining('$pods') as string }));
  });
});

test('where stable is the rival its failures and slow answers are held against the canary\'s', async () => {
  const counted: Parameters<typeof observe>[0] = { app: { good: 100, failed: 0 }, 'app-canary': { good: 10, failed: 0 } };
  const look = observe(counted, { rival: 'stable', backends: { stable: backend('app'), canary: backend('app-canary') }, boundaries: [0.5] });
  await look(signal);
  Object.assign(counted, { app: { good: 190, failed: 2 }, 'app-canary': { good: 17, failed: 3 } });
  const { metrics, requests } = await look(signal);
  expect(metrics[failureMetric]).toEqual({ baseline: { requests: 92, failures: 2 }, canary: { requests: 10, failures: 3 } });
  expect(metrics[slowMetric(0.5)]).toEqual({ baseline: { requests: 92, failures: 2 }, canary: { requests: 10, failures: 3 } });
  expect(requests).toEqual({ stable: 92, baseline: 0, canary: 10 });
});
