// SPDX-License-Identifier: Apache-2.0
import { expect, describe, test } from 'vitest';
import type { Notice } from '@pratique/core';
import type { KubeObject } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { connectTo, createApiStandIn } from '../../../../packages/kube/src/api-stand-in.ts';
import { inputs } from '../inputs.ts';
import type { Task } from '../task.ts';
import { chooseWay } from './choice.ts';
import type { Splittable, Way } from './way.ts';

const selector = { app: 'shop' };
const route: KubeObject = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', namespace: 'web' }, spec: { rules: [{ backendRefs: [{ name: 'shop', port: 80 }] }] } };
const ingress: KubeObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'edge', namespace: 'web' }, spec: { ingressClassName: 'nginx', rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 'shop', port: { number: 80 } } } }] } }] } };
const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop', namespace: 'web' }, spec: { selector } };
const endpoints = (count: number): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'shop-1', namespace: 'web', labels: { 'kubernetes.io/service-name': 'shop' } },
  endpoints: Array.from({ length: count }, (_, index) => ({ addresses: [`10.0.0.${index}`], conditions: { ready: true } })),
});
const chart: KubeObject[] = [
  { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' }, spec: { selector: { matchLabels: selector } } }, service,
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'shop' }, spec: { selector: { matchLabels: selector } } },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'shop' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'shop' } } },
];

async function choose(objects: readonly KubeObject[], values: Record<string, string> = {}, strategy: Splittable['strategy'] = 'canary'): Promise<{ way: Way; notices: Notice[] }> {
  const notices: Notice[] = [];
  const given = parseInputs(inputs, { image: `r.example/shop@sha256:${'a'.repeat(64)}`, chart: './chart', release: 'shop', namespace: 'web', replicas: '2', ...values });
  const log = { notice: (notice: Notice) => void notices.push(notice) };
  const task = { given, ctx: { log }, connection: { cluster: connectTo(createApiStandIn(objects).handle) }, rendered: { next: [route], stable: chart } } as unknown as Task;
  return { way: await chooseWay(task, { service: 'shop', strategy, livePods: 7 }), notices };
}

describe('traffic is split', () => {
  test.each<[string, KubeObject[], Record<string, string>, Partial<Way>]>([
    ['by the route', [route, ingress], {}, { arms: ['baseline', 'canary'], replicas: 2, ownsRoute: true }],
    ['by the Ingress where no route leads there', [ingress], {}, { arms: ['canary'], replicas: 2, ownsRoute: false }],
    ['by the Ingress when that is wanted', [route, ingress], { split: 'ingress-nginx' }, { arms: ['canary'], ownsRoute: false }],
    ['by the Ingress when that is named', [route, ingress], { route: 'edge' }, { arms: ['canary'] }],
    ['by pods when that is wanted', [route, service, endpoints(8)], { split: 'replicas', steps: '5% 60s\n20% 60s' }, { arms: ['baseline', 'canary'], replicas: 3, ownsRoute: false }],
  ])('%s', async (_, objects, values, wanted) => {
    expect((await choose(objects, values)).way).toMatchObject(wanted);
  });
  test('at once with as many pods as stable has, and then there is nobody to compare with', async () => {
    for (const objects of [[route], [ingress]]) {
      const { way } = await choose(objects, {}, 'blue-green');
      expect([way.arms, way.replicas, way.manner.rival, way.manner.weights(100)]).toEqual([['canary'], 7, undefined, { stable: 0, baseline: 0, canary: 100 }]);
    }
  });
  test('beside stable alone behind an Ingress, and that is said', async () => {
    const { way } = await choose([ingress]);
    expect([way.manner.rival, way.manner.weights(10), way.remarks]).toEqual(['stable', { stable: 90, baseline: 0, canary: 10 }, [expect.stringContaining('it is stable itself')]]);
  });
  test.each<[string, KubeObject[], Record<string, string>, RegExp]>([
    ['where nothing leads there', [], {}, /neither an HTTPRoute nor an Ingress of ingress-nginx sends traffic to the Service "shop"/], ['by a route that is missing', [ingress], { split: 'gateway-api' }, /no HTTPRoute sends/],
    ['by an Ingress that is missing', [route], { split: 'ingress-nginx' }, /no Ingress of ingress-nginx sends/], ['by a name that is missing', [route, ingress], { route: 'x' }, /is called "x"/],
  ])('not %s', async (_, objects, values, message) => {
    await expect(choose(objects, values)).rejects.toMatchObject({ code: 'ROUTE_REFUSED', message: expect.stringMatching(message) as string });
  });
});

describe('by pods', () => {
  const byPods = { split: 'replicas', steps: '5% 60s\n20% 60s' };
  test('the honest share of each step is told, and warned of where it is far off', async () => {
    const { way, notices } = await choose([service, endpoints(4)], byPods);
    expect(way.remarks.slice(0, 3)).toEqual(['Split by numbers of pods, beside 4 of stable.', '5 % asked: 1 of 6 pods each, 16.7 %.', '20 % asked: 1 of 6 pods each, 16.7 %.']);
    expect(notices).toMatchObject([{ level: 'warning', title: expect.stringContaining('more than twice') as string, message: expect.stringContaining('5 % asked') as string }]);
    expect(way.manner.weights(5).canary).toBeCloseTo(100 / 6);
  });
  test('whoever takes the pods of the arms for stable\'s is named', async () => {
    const { way, notices } = await choose([service, endpoints(40)], byPods);
    expect([way.remarks.slice(3), notices]).toEqual([[expect.stringContaining('PodDisruptionBudget shop selects them too'), expect.stringContaining('HorizontalPodAutoscaler shop may change how many')], []]);
  });
  test('a share of half the traffic is refused with what can be had', async () => {
    await expect(choose([service, endpoints(4)], { split: 'replicas' })).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining('50 % cannot be had') as string, hint: expect.stringContaining('33%') as string });
  });
  test('a Service that is not there has no pods', async () => {
    await expect(choose([], byPods)).rejects.toMatchObject({ code: 'WORKLOAD_INVALID' });
  });
});
