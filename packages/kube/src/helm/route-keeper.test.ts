// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { KubeObject } from '../client/object.ts';
import { readManifest } from '../workload/manifest.ts';
import { keepRules } from './route-keeper.ts';

const route = (name: string): KubeObject => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name, annotations: { 'postrenderer.helm.sh/postrender-filename': 'a.yaml' } }, spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ name: 'shop' }] }] } });
const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop' }, spec: { clusterIP: '10.0.0.1', note: '{{ not a template }}' } };

test('rules of one route are replaced, and nothing else is touched', () => {
  const rules = [{ backendRefs: [{ name: 'shop', weight: 80 }, { name: 'shop-canary', weight: 20 }] }];
  const kept = readManifest(keepRules([service, route('shop'), route('other')], { route: 'shop', rules }), 'it');
  expect(kept).toEqual([service, { ...route('shop'), spec: { parentRefs: [{ name: 'gw' }], rules } }, route('other')]);
});

test.each([['none', [service]], ['two', [route('shop'), route('shop')]]])('a chart with %s of it is refused', (_name, objects) => {
  expect(() => keepRules(objects, { route: 'shop', rules: [] })).toThrow(expect.objectContaining({ code: 'WORKLOAD_INVALID' }));
});
