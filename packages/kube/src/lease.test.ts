// SPDX-License-Identifier: Apache-2.0
import type { Clock, Log } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, status, type ApiStandIn } from './api-stand-in.ts';
import { withLease, type LeaseOptions } from './lease.ts';

const path = '/apis/coordination.k8s.io/v1/namespaces/web/leases/pratique-canary-shop';
const log: Log = { line: () => undefined, notice: () => undefined, group: (_title, work) => work() };

/** Time passes only while somebody sleeps; what sleeps is woken in order. */
function clockOf(onSleep: () => void = () => undefined): Clock & { readonly slept: () => number } {
  let now = Date.parse('2026-11-20T03:00:00Z');
  let slept = 0;
  return {
    now: () => new Date(now), slept: () => slept,
    async sleep(seconds, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += seconds * 1000;
      slept += seconds;
      onSleep();
    },
  };
}

function optionsOf(api: ApiStandIn, changes: Partial<LeaseOptions> = {}): LeaseOptions {
  return { cluster: connectTo(api.handle), clock: clockOf(), log, signal: new AbortController().signal, name: 'pratique-canary-shop', namespace: 'web', run: 'https://ci.example/runs/2', attempt: 1, ...changes };
}

const leaseHeldBy = (holderIdentity: string, renewTime = '2026-11-20T02:59:55.000000Z') => ({
  apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'pratique-canary-shop', namespace: 'web' }, spec: { holderIdentity, renewTime, leaseDurationSeconds: 15, leaseTransitions: 4 },
});

const holderIn = (api: ApiStandIn): unknown => (api.find(path)?.['spec'] as { holderIdentity?: unknown } | undefined)?.holderIdentity;

describe('a lock', () => {
  test('is held while the work runs and given back after it', async () => {
    const api = createApiStandIn();
    const held = await withLease(optionsOf(api), (lease) => Promise.resolve([holderIn(api), lease.fence]));
    expect([held, holderIn(api)]).toEqual([['https://ci.example/runs/2#1', 0], '']);
  });

  test('is given back when the work fails', async () => {
    const api = createApiStandIn();
    await expect(withLease(optionsOf(api), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(holderIn(api)).toBe('');
  });

  test('that was given back is taken without waiting, with a higher fence', async () => {
    const api = createApiStandIn([leaseHeldBy('')]);
    const clock = clockOf();
    expect(await withLease(optionsOf(api, { clock }), ({ fence }) => Promise.resolve([fence, clock.slept()]))).toEqual([5, 0]);
  });

  test('of a living run is refused, with its address', async () => {
    const api = createApiStandIn([leaseHeldBy('https://ci.example/runs/1#1')]);
    const clock = clockOf(() => api.put(leaseHeldBy('https://ci.example/runs/1#1', '2026-11-20T03:00:01.000000Z')));
    await expect(withLease(optionsOf(api, { clock }), () => Promise.resolve('worked'))).rejects.toMatchObject({ code: 'KUBE_LOCKED', message: expect.stringContaining('https://ci.example/runs/1#1') });
    expect(holderIn(api)).toBe('https://ci.example/runs/1#1');
  });

  test('of a dead run is watched for as long as it lasts, and then taken over', async () => {
    const api = createApiStandIn([leaseHeldBy('https://ci.example/runs/1#1')]);
    const clock = clockOf();
    expect(await withLease(optionsOf(api, { clock }), ({ fence, predecessor }) => Promise.resolve([fence, predecessor, clock.slept()]))).toEqual([5, 'https://ci.example/runs/1#1', 15]);
  });

  test.each([
    ['an earlier attempt of the same run', leaseHeldBy('https://ci.example/runs/2#1'), 2], ['a run that has not renewed it for minutes', leaseHeldBy('https://ci.example/runs/1#1', '2026-11-20T02:50:00.000000Z'), 1],
  ] as const)('of %s is taken at once', async (_name, lease, attempt) => {
    const clock = clockOf();
    expect(await withLease(optionsOf(createApiStandIn([lease]), { clock, attempt }), () => Promise.resolve(clock.slept()))).toBe(0);
  });

  test('that another run takes over ends the work', async () => {
    const api = createApiStandIn();
    const work = withLease(optionsOf(api), async ({ signal }) => {
      api.put(leaseHeldBy('https://ci.example/runs/3#1'));
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    });
    await expect(work).rejects.toMatchObject({ code: 'KUBE_LEASE_LOST', message: expect.stringContaining('took the lock over') });
    expect(holderIn(api)).toBe('https://ci.example/runs/3#1');
  });

  test('outlives an API server that is away for a moment, and not one that is away for longer than it lasts', async () => {
    const api = createApiStandIn();
    let away = 2;
    api.intercept = (request) => (request.method === 'PUT' && (away -= 1) >= 0 ? status(500, 'InternalError', 'etcd is away') : undefined);
    const renewals = (): number => api.requests.filter((line) => line.startsWith('PUT')).length;
    await withLease(optionsOf(api), async () => {
      while (renewals() < 4) await new Promise((resolve) => setImmediate(resolve));
    });
    away = Number.POSITIVE_INFINITY;
    const work = withLease(optionsOf(createAway(api)), ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))));
    await expect(work).rejects.toMatchObject({ code: 'KUBE_LEASE_LOST', message: expect.stringContaining('could not be renewed for 15 s') });
  });
});

/** The first write is done, the renewals are not. */
function createAway(before: ApiStandIn): ApiStandIn {
  const api = createApiStandIn();
  if (before.intercept !== undefined) api.intercept = before.intercept;
  return api;
}
