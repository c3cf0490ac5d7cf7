// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, type ApiStandIn } from '../api-stand-in.ts';
import type { KubeObject } from '../client/object.ts';
import { disownOperations, planSplit, restoreOperations, type RouteSplit } from './http-route-plan.ts';
import { findRoute, openRoute, resumeRoute } from './http-route.ts';
import { allStable, weightsFor } from './weights.ts';

const services = { stable: 'shop', baseline: 'shop-baseline', canary: 'shop-canary' };
const backend = (name: string, weight = 1) => ({ group: '', kind: 'Service', name, port: 80, weight });
const accepted = [{ parentRef: { name: 'gw' }, conditions: ['Accepted', 'ResolvedRefs'].map((type) => ({ type, status: 'True', observedGeneration: 1 })) }];
const route = (rules: object[] = [{ matches: [{ path: { value: '/' } }], backendRefs: [backend('shop')] }], metadata: object = {}): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', namespace: 'web', uid: 'u1', generation: 1, ...metadata }, spec: { rules }, status: { parents: accepted },
});
const at = '/apis/gateway.networking.k8s.io/v1/namespaces/web/httproutes/shop';
const refs = (api: ApiStandIn, rule = 0) => (api.find(at) as unknown as { spec: { rules: { backendRefs: { name: string; weight: number }[] }[] } }).spec.rules[rule]?.backendRefs.map(({ name, weight }) => `${name}=${weight}`);

describe('a split', () => {
  const open = (given = route()) => {
    const api = createApiStandIn([given]);
    return { api, split: openRoute(connectTo(api.handle), given, services) };
  };
  test('attaches both arms at 0, shifts, and gives the original back, each by one patch', async () => {
    const { api, split } = open();
    await split.attach();
    expect(refs(api)).toEqual(['shop=100', 'shop-baseline=0', 'shop-canary=0']);
    await split.shift(allStable, weightsFor(10));
    expect(refs(api)).toEqual(['shop=80', 'shop-baseline=10', 'shop-canary=10']);
    expect(await split.restore()).toEqual([]);
    expect(api.find(at)?.['spec']).toEqual(route()['spec']);
    expect(api.requests.filter((line) => line.startsWith('PATCH'))).toHaveLength(3);
  });
  test('without a baseline switches everything by one patch, and back', async () => {
    const api = createApiStandIn([route()]);
    const split = openRoute(connectTo(api.handle), route(), { stable: 'shop', canary: 'shop-canary' });
    await split.attach();
    expect(refs(api)).toEqual(['shop=100', 'shop-canary=0']);
    await split.shift(allStable, weightsFor(100, ['canary']));
    expect(refs(api)).toEqual(['shop=0', 'shop-canary=100']);
    expect(await split.restore()).toEqual([]);
    expect(api.find(at)?.['spec']).toEqual(route()['spec']);
  });
  test('covers every rule that leads to the Service, and no other', async () => {
    const { api, split } = open(route([{ backendRefs: [backend('shop')] }, { backendRefs: [backend('other')] }, { backendRefs: [{ ...backend('shop'), filters: [{ type: 'X' }] }] }]));
    await split.attach();
    expect([refs(api, 0)?.length, refs(api, 1), refs(api, 2)?.length]).toEqual([3, ['other=1'], 3]);
    await split.restore();
    expect([refs(api, 0), refs(api, 1), refs(api, 2)]).toEqual([['shop=1'], ['other=1'], ['shop=1']]);
  });
  test('restoring twice is as good as once, and a route that is gone needs none', async () => {
    const { api, split } = open();
    await split.attach();
    await split.restore();
    expect(await split.restore()).toEqual([]);
    const gone = createApiStandIn();
    expect(await resumeRoute(connectTo(gone.handle), planSplit(route(), services)).restore()).toEqual([]);
    expect(refs(api)).toEqual(['shop=1']);
  });
  test.each<[string, (given: KubeObject) => KubeObject]>([
    ['a weight', () => route([{ backendRefs: [backend('shop', 50), backend('shop-baseline', 25), backend('shop-canary', 25)] }])],
    ['the order', () => route([{ backendRefs: [backend('shop-canary', 0), backend('shop', 100), backend('shop-baseline', 0)] }])],
    ['the route itself', () => route([{ backendRefs: [backend('shop', 100), backend('shop-baseline', 0), backend('shop-canary', 0)] }], { uid: 'u2' })],
  ])('notices that somebody else changed %s, and overwrites nothing', async (_, change) => {
    const { api, split } = open();
    await split.attach();
    api.put(change(route()));
    const before = refs(api);
    await expect(split.shift(allStable, weightsFor(10))).rejects.toMatchObject({ code: 'ROUTE_CHANGED' });
    expect(refs(api)).toEqual(before);
  });
  test.each<[string, object[], string[], number]>([
    ['another weight of stable', [{ backendRefs: [backend('shop', 0), backend('shop-canary', 100)] }], ['shop=1'], 0],
    ['a ref of somebody else', [{ backendRefs: [backend('shop', 60), backend('other', 30), backend('shop-canary', 10)] }], ['shop=60', 'other=30'], 1],
    ['only the canary left', [{ backendRefs: [backend('shop-canary', 1)] }], ['shop=1'], 1],
    ['arms already taken out by an upgrade', [{ backendRefs: [backend('shop', 1)] }], ['shop=1'], 0],
    ['a rule in front', [{ backendRefs: [backend('other')] }, { backendRefs: [backend('shop', 80), backend('shop-baseline', 10), backend('shop-canary', 10)] }], ['other=1'], 1],
  ])('sends traffic back to stable with %s', async (_, rules, wanted, foreign) => {
    const { api, split } = open();
    api.put(route(rules));
    expect(await split.restore()).toHaveLength(foreign);
    expect(refs(api)).toEqual(wanted);
    expect(JSON.stringify(api.find(at))).not.toContain('shop-canary');
  });
  test('restoring reads again when somebody writes in between', async () => {
    const { api, split } = open();
    await split.attach();
    let raced = false;
    api.intercept = (request) => {
      if (request.method !== 'PATCH' || raced) return undefined;
      raced = true;
      api.put(route([{ backendRefs: [backend('shop', 90), backend('shop-baseline', 5), backend('shop-canary', 5)] }]));
      return undefined;
    };
    await split.restore();
    expect(refs(api)).toEqual(['shop=1']);
  });
  test.each<[string, KubeObject, RegExp]>([
    ['no gateway accepts', { ...route(), status: { parents: [] } }, /no gateway/],
    ['splits already', route([{ backendRefs: [backend('shop'), backend('x')] }]), /splits its traffic already \(shop, x\)/],
    ['leads elsewhere', route([{ backendRefs: [backend('x')] }]), /no rule sends traffic/],
    ['leads to a Service of the same name elsewhere', route([{ backendRefs: [{ ...backend('shop'), namespace: 'other' }] }]), /no rule sends traffic/],
    ['Flagger owns', route(undefined, { ownerReferences: [{ kind: 'Canary', name: 'shop' }] }), /Canary shop writes it/],
    ['Argo CD owns', route(undefined, { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } }), /Argo CD writes it/],
  ])('is refused for a route that %s', (_, given, message) => {
    expect(() => planSplit(given, services)).toThrow(expect.objectContaining({ code: 'ROUTE_REFUSED', message: expect.stringMatching(message) as string }));
  });
  test('nothing is done to a route without arms', () => {
    expect(restoreOperations(route(), planSplit(route(), services))).toEqual({ operations: [], foreign: [] });
  });
});

describe('the route of a Service', () => {
  const find = async (routes: readonly KubeObject[], name?: string) => (await findRoute(connectTo(createApiStandIn(routes).handle), 'shop', name))?.metadata.name;
  test('is found by itself, or by name', async () => {
    const routes = [route(), route([{ backendRefs: [backend('x')] }], { name: 'x' })];
    expect([await find(routes), await find(routes, 'x'), await find(routes, 'y'), await find([])]).toEqual(['shop', 'x', undefined, undefined]);
  });
  test('must be named when there are two', async () => {
    await expect(find([route(), route(undefined, { name: 'b' })])).rejects.toMatchObject({ code: 'ROUTE_REFUSED' });
  });
});

test.each([0, 10, 50])('weights for %i % add up to 100, both arms the same', (share) => {
  const { stable, baseline, canary } = weightsFor(share);
  expect([stable + baseline + canary, baseline, canary]).toEqual([100, share, share]);
});
test.each([-1, 51, 0.5])('%d % is no share of a canary', (share) => {
  expect(() => weightsFor(share)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
});

describe('the ownership of the rules', () => {
  const entry = (manager: string, fields: object, operation = 'Apply') => ({ manager, operation, apiVersion: 'gateway.networking.k8s.io/v1', fieldsType: 'FieldsV1', fieldsV1: fields });
  const split: RouteSplit = { kind: 'gateway-api', name: 'shop', namespace: 'web', uid: 'u', services: { stable: 'shop', baseline: 'shop-baseline', canary: 'shop-canary' }, rules: [], owners: [entry('helm', { 'f:spec': { 'f:parentRefs': {}, 'f:rules': {} } })] };
  const routeWith = (...managedFields: object[]): KubeObject => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', namespace: 'web', uid: 'u', resourceVersion: '9', managedFields } });
  const status = entry('traefik', { 'f:status': {} }, 'Update');
  test('goes back to whoever had it', () => {
    const operations = disownOperations(routeWith(entry('helm', { 'f:spec': { 'f:parentRefs': {} } }), status, entry('pratique-canary', { 'f:spec': { 'f:rules': {} } }, 'Update')), split);
    expect(operations).toEqual([{ op: 'test', path: '/metadata/resourceVersion', value: '9' }, { op: 'replace', path: '/metadata/managedFields', value: [split.owners[0], status] }]);
  });
  test('is left alone when it is not ours', () => {
    expect(disownOperations(routeWith(split.owners[0] ?? {}, status), split)).toEqual([]);
  });
});
