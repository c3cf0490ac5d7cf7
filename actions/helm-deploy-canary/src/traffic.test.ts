// SPDX-License-Identifier: Apache-2.0
import { allStable, openPods, type ArmWorkload, type KubeObject } from '@pratique/kube';
import { expect, test } from 'vitest';
import { connectTo, createApiStandIn } from '../../../packages/kube/src/api-stand-in.ts';
import { createTraffic } from './traffic.ts';

const labels = (arm: string) => ({ 'pratique.dev/release': 'shop', 'pratique.dev/arm': arm });
const pod = (arm: string): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `shop-${arm}-0`, namespace: 'web', labels: labels(arm) }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop', namespace: 'web' }, spec: { selector: { app: 'shop' } } };
const slice = (...names: string[]): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'shop-1', namespace: 'web', labels: { 'kubernetes.io/service-name': 'shop' } }, endpoints: names.map((name) => ({ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name } })),
});

/** A Service whose addresses follow the labels after `seconds`. */
function open(seconds: number) {
  const api = createApiStandIn([service, pod('canary'), pod('baseline'), slice('shop-canary-0')]);
  const cluster = connectTo(api.handle);
  const split = openPods(cluster, service, { arms: ['canary', 'baseline'].map((arm) => ({ arm, podLabels: labels(arm) }) as unknown as ArmWorkload), stablePods: 4 });
  let passed = 0;
  const clock = {
    now: () => new Date(passed * 1000),
    sleep(more: number) {
      passed += more;
      if (passed >= seconds) api.put(slice());
      return Promise.resolve();
    },
  };
  const traffic = createTraffic({ ctx: { log: { line: () => undefined, notice: () => undefined, group: (_, work) => work() }, clock }, cluster, split });
  return { traffic, api, passed: () => passed };
}

const { signal } = new AbortController();

test('what a run labelled is taken off by what its journal says', async () => {
  const { traffic, api, passed } = open(1000);
  const originals = await traffic.originals(signal);
  await traffic.open(originals, signal);
  await traffic.shift({ ...allStable, stable: 200 / 3, baseline: 50 / 3, canary: 50 / 3 }, signal);
  expect(api.find('/api/v1/namespaces/web/pods/shop-canary-0')?.metadata.labels).toMatchObject({ app: 'shop' });
  // The Service never heard of the baseline.
  expect(passed()).toBe(30);
  await traffic.close(originals, signal);
  expect(api.find('/api/v1/namespaces/web/pods/shop-canary-0')?.metadata.labels).toEqual(labels('canary'));
});

test.each([['until the addresses are gone, and gateways know', 3, 5], ['for half a minute at most', 60, 32]])('pods are kept %s', async (_, gone, waited) => {
  const { traffic, passed } = open(gone);
  await traffic.settle(await traffic.originals(signal), signal);
  expect(passed()).toBe(waited);
});
