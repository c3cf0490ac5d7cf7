// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Api } from './api.ts';
import { followPods, podTargets } from './pod-targets.ts';

const pod = (annotations: object, more: object = {}) => ({
  metadata: { name: 'app-1', namespace: 'web', annotations }, spec: { containers: [{ ports: [{ containerPort: 8080 }, { containerPort: 9000 }] }, {}] }, status: { phase: 'Running', podIP: '10.244.0.7' }, ...more,
});
const scrape = { 'prometheus.io/scrape': 'true' };
const labels = { namespace: 'web', pod: 'app-1' };

test.each([
  ['port and path of the annotations', pod({ ...scrape, 'prometheus.io/port': '8081', 'prometheus.io/path': '/stats' }), [{ targets: ['10.244.0.7:8081'], labels: { ...labels, __metrics_path__: '/stats' } }]],
  ['each declared port without', pod(scrape), [{ targets: ['10.244.0.7:8080', '10.244.0.7:9000'], labels }]],
  ['no pod that did not ask', pod({}), []],
  ['no pod that asks not to be', pod({ 'prometheus.io/scrape': 'false' }), []],
  ['no pod without an address', pod(scrape, { status: { phase: 'Pending' } }), []],
  ['no pod that is over', pod(scrape, { status: { phase: 'Succeeded', podIP: '10.244.0.7' } }), []],
])('takes %s', (_name, item, targets) => {
  expect(JSON.parse(podTargets({ items: [item] }))).toEqual(targets);
});

test('are told when they change, also after the API server was away', async () => {
  const replies = [pod({}), pod({}), undefined, pod(scrape)];
  const told: string[] = [];
  const api: Api = {
    get: () => {
      const item = replies.shift();
      return item === undefined ? Promise.reject(new Error('refused')) : Promise.resolve({ status: 200, body: { items: [item] } });
    },
    apply: () => Promise.resolve(), close: () => undefined,
  };
  await new Promise<void>((resolve) => {
    const { stop } = followPods(api, async (targets) => {
      told.push(targets);
      if (told.length === 2) void stop().then(resolve);
    });
  });
  expect(told).toEqual(['[]\n', podTargets({ items: [pod(scrape)] })]);
});
