// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, type ApiStandIn } from '../api-stand-in.ts';
import { kinds, type KubeObject } from '../client/object.ts';
import { armLabels, type ArmWorkload } from '../workload/arm.ts';
import { planPodSteps, planPods, podNames, podsFor, podWeights } from './pod-plan.ts';
import { openPods } from './pods.ts';
import { resumeSplit } from './resume.ts';
import { allStable } from './weights.ts';

const service: KubeObject = { ...kinds.service, metadata: { name: 'shop', namespace: 'web' }, spec: { selector: { app: 'shop', tier: 'web' } } };
const labelsOf = (arm: 'baseline' | 'canary') => ({ [armLabels.release]: 'shop', [armLabels.arm]: arm, team: 'a' });
const workload = (arm: 'baseline' | 'canary', podLabels: Record<string, string> = labelsOf(arm)) => ({ arm, podLabels }) as unknown as ArmWorkload;
const arms = [workload('canary'), workload('baseline')];
const pod = (name: string, labels: Record<string, string>, ready = true): KubeObject => ({
  ...kinds.pod, metadata: { name, namespace: 'web', labels }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const stable = pod('shop-1-a', { app: 'shop', tier: 'web' });
const podsOf = (count: number) => (['canary', 'baseline'] as const).flatMap((arm) => Array.from({ length: count }, (_, index) => pod(`shop-${arm}-${index}`, labelsOf(arm))));
const at = '/api/v1/namespaces/web/pods';
const served = (api: ApiStandIn, names: readonly string[]) => names.filter((name) => api.find(`${at}/${name}`)?.metadata.labels?.['app'] === 'shop');
const names = podsOf(3).map(({ metadata }) => metadata.name);

function open(...more: readonly KubeObject[]) {
  const api = createApiStandIn([stable, ...podsOf(3), ...more]);
  const cluster = connectTo(api.handle);
  return { api, cluster, split: openPods(cluster, service, { arms, stablePods: 8 }) };
}

describe('a split by pods', () => {
  test('gives as many pods of each arm the labels of the Service, and takes them off again', async () => {
    const { api, split } = open();
    await split.attach();
    expect(served(api, names)).toEqual([]);
    await split.shift(allStable, podWeights(8, 1));
    expect(served(api, names)).toEqual(['shop-canary-0', 'shop-baseline-0']);
    await split.shift(podWeights(8, 1), podWeights(8, 3));
    expect(served(api, names)).toEqual(names);
    await split.shift(podWeights(8, 3), podWeights(8, 2));
    expect(served(api, names)).toHaveLength(4);
    expect(await split.restore()).toEqual([]);
    expect(podsOf(3).map(({ metadata }) => api.find(`${at}/${metadata.name}`)?.metadata.labels)).toEqual(podsOf(3).map(({ metadata }) => metadata.labels));
    expect(api.find(`${at}/shop-1-a`)?.metadata.labels).toEqual({ app: 'shop', tier: 'web' });
    expect(await split.restore()).toEqual([]);
  });

  test('is put back by whoever reads the journal', async () => {
    const { api, cluster, split } = open();
    await split.shift(allStable, podWeights(8, 2));
    expect(await resumeSplit(cluster, JSON.stringify(split.plan)).restore()).toEqual([]);
    expect(served(api, names)).toEqual([]);
  });

  test('passes over pods that are not ready, and says when there are too few', async () => {
    const { api, split } = open();
    api.put(pod('shop-canary-0', labelsOf('canary'), false));
    await split.shift(allStable, podWeights(8, 2));
    expect(served(api, names)).toEqual(['shop-canary-1', 'shop-canary-2', 'shop-baseline-0', 'shop-baseline-1']);
    await expect(split.shift(podWeights(8, 2), podWeights(8, 3))).rejects.toMatchObject({ code: 'CANARY_NOT_READY', message: 'the canary has 2 ready pods, and its share needs 3' });
  });

  test('takes a pod that replaced another under its name for another', async () => {
    const { api, split } = open();
    let raced = false;
    api.intercept = (request) => {
      if (request.method !== 'PATCH' || raced) return undefined;
      raced = true;
      api.put({ ...pod('shop-canary-0', labelsOf('canary')), metadata: { name: 'shop-canary-0', namespace: 'web', labels: labelsOf('canary'), uid: 'another' } });
      return undefined;
    };
    await split.shift(allStable, podWeights(8, 1));
    expect(served(api, names)).toEqual(['shop-canary-0', 'shop-baseline-0']);
    // The one that was meant for the pod before was refused.
    expect(api.requests.filter((line) => line.startsWith('PATCH'))).toHaveLength(3);
  });

  test('gives up when pods come and go all the time', async () => {
    const { api, split } = open();
    api.intercept = (request) => (request.method === 'PATCH' ? Response.json({ kind: 'Status', message: 'not found' }, { status: 404 }) : undefined);
    await expect(split.shift(allStable, podWeights(8, 1))).rejects.toMatchObject({ code: 'ROUTE_CHANGED' });
  });

  test('is settled when the addresses of the Service are those of the pods that have its labels', async () => {
    const addresses = (...listed: string[]) => ({ ...kinds.endpointSlice, metadata: { name: 'shop-1', namespace: 'web', labels: { 'kubernetes.io/service-name': 'shop' } }, endpoints: listed.map((name) => ({ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name } })) });
    const { api, split } = open(addresses('shop-1-a'));
    const settled: (boolean | undefined)[] = [await split.isSettled?.()];
    await split.shift(allStable, podWeights(8, 1));
    for (const listed of [[], ['shop-canary-0'], ['shop-canary-0', 'shop-baseline-0']]) {
      api.put(addresses('shop-1-a', ...listed));
      settled.push(await split.isSettled?.());
    }
    await split.restore();
    settled.push(await split.isSettled?.());
    expect(settled).toEqual([true, false, false, true, false]);
  });

  test.each<[string, Record<string, string>, ArmWorkload[]]>([
    ['bear all labels by themselves', { team: 'a' }, arms],
    ['bear another value of a label', { app: 'shop', team: 'b' }, arms],
    ['of one arm bear a label', { app: 'shop', tier: 'web' }, [workload('canary', { ...labelsOf('canary'), tier: 'web' }), workload('baseline')]],
  ])('is refused when the pods %s', (_, selector, made) => {
    expect(() => planPods({ ...service, spec: { selector } }, { arms: made, stablePods: 8 })).toThrow(expect.objectContaining({ code: 'WORKLOAD_INVALID' }));
  });
});

describe('shares', () => {
  test.each<[number, number, number, string]>([
    [4, 10, 1, '10 % asked: 1 of 6 pods each, 16.7 %'], [4, 33, 4, '33 % asked: 4 of 12 pods each, 33.3 %'], [1, 5, 1, '5 % asked: 1 of 3 pods each, 33.3 %'],
    [20, 9, 2, '9 % asked: 2 of 24 pods each, 8.3 %'], [20, 11, 3, '11 % asked: 3 of 26 pods each, 11.5 %'], [100, 5, 6, '5 % asked: 6 of 112 pods each, 5.4 %'],
  ])('beside %i pods: %i %% by %i', (pods, weight, wanted, words) => {
    expect(planPodSteps(pods, [{ weight }])).toMatchObject([{ asked: weight, pods: wanted, words }]);
  });
  test('are the least wrong ones, add up, and lead back to the pods', () => {
    for (let pods = 1; pods <= 60; pods += 1) {
      for (let weight = 1; weight <= 33; weight += 1) {
        const [step] = planPodSteps(pods, [{ weight }]);
        const wrong = Array.from({ length: pods }, (_, index) => Math.abs(podWeights(pods, index + 1).canary - weight));
        expect(Math.abs((step?.weights.canary ?? 0) - weight)).toBeCloseTo(Math.min(...wrong), 9);
        expect((step?.weights.stable ?? 0) + (step?.weights.baseline ?? 0) + (step?.weights.canary ?? 0)).toBeCloseTo(100, 9);
        expect(podsFor(pods, step?.weights ?? allStable)).toBe(step?.pods);
      }
    }
  });
  test.each<[number, number, RegExp]>([[4, 34, /34 % cannot be had .* \(4\), and with that 33.3 % each/], [4, 50, /50 %/], [0, 10, /stable has no ready pod/]])('with %i pods %i %% is refused', (pods, weight, message) => {
    expect(() => planPodSteps(pods, [{ weight }])).toThrow(message);
  });
});

describe('names of pods', () => {
  // As metrics servers match: whole.
  const matches = (deployment: string, name: string): boolean => new RegExp(`^(?:${podNames(deployment)})$`).test(name);
  test.each([['app', 'app-5d9f7c6b8-x2x9q', true], ['app', 'app-canary-5d9f7c6b8-x2x9q', false], ['app', 'app-baseline-5d9f7c6b8-x2x9q', false], ['app-canary', 'app-canary-5d9f7c6b8-x2x9q', true], ['app-canary', 'app-5d9f7c6b8-x2x9q', false], ['a.b', 'axb-5d9f7c6b8-x2x9q', false], ['app', 'myapp-5d9f7c6b8-x2x9q', false]])('of %s: %s is %s', (deployment, name, wanted) => {
    expect(matches(deployment, name)).toBe(wanted);
  });
  test('that are cut off cannot be told apart', () => {
    expect(() => podNames('a'.repeat(47))).toThrow(expect.objectContaining({ code: 'WORKLOAD_INVALID' }));
  });
});
