// SPDX-License-Identifier: Apache-2.0
import { parsePinnedImage, formatImage } from '@pratique/core';
import type { Cluster, KubeObject } from '@pratique/kube';
import { describe, expect, test } from 'vitest';
import { chooseStrategy } from './choice.ts';

const image = parsePinnedImage(`r.example/shop@sha256:${'a'.repeat(64)}`);
const labels = { app: 'shop' };

const workload = (kind: string): KubeObject => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'shop' }, spec: { template: { metadata: { labels }, spec: { containers: [{ image: formatImage(image) }] } } } });
const service = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: labels } });
const route = (to: string, namespace?: string): KubeObject => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', ...(namespace !== undefined && { namespace }) }, spec: { rules: [{ backendRefs: [{ name: to, port: 80 }] }] } });
const cluster = (live: readonly KubeObject[] = [], serves = true): Pick<Cluster, 'serves' | 'list'> => ({ serves: () => Promise.resolve(serves), list: () => Promise.resolve({ items: [...live], resourceVersion: '1' }) });

describe('auto comes to', () => {
  test.each<{ name: string; cluster: Pick<Cluster, 'serves' | 'list'>; objects: readonly KubeObject[]; choice: unknown }>([
    { name: 'canary behind a route of the namespace', cluster: cluster([route('other', 'web'), route('shop', 'web')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'canary', why: 'the HTTPRoute shop sends traffic to the Service shop' } },
    { name: 'canary behind a route that the chart brings', cluster: cluster(), objects: [workload('Deployment'), service('shop-headless'), service('shop'), route('shop')], choice: { strategy: 'canary', why: expect.stringContaining('Service shop') } },
    { name: 'the operator that owns the workload', cluster: cluster([{ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', metadata: { name: 'watch' }, spec: { targetRef: { kind: 'Deployment', name: 'shop' } } }]), objects: [workload('Deployment'), service('shop'), route('shop')], choice: { strategy: 'flagger', why: 'the Canary watch owns the workload' } },
    { name: 'rolling without a route', cluster: cluster([route('other', 'web')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'rolling', why: 'no HTTPRoute sends traffic to the Service shop' } },
    { name: 'rolling without a Service', cluster: cluster(), objects: [workload('Deployment')], choice: { strategy: 'rolling', why: 'no HTTPRoute sends traffic to the workload' } },
    { name: 'rolling without Gateway API', cluster: cluster([], false), objects: [workload('Deployment'), service('shop'), route('shop')], choice: { strategy: 'rolling', why: expect.stringContaining('no Gateway API') } },
    { name: 'rolling for what has an identity', cluster: cluster([route('shop', 'web')]), objects: [workload('StatefulSet'), service('shop')], choice: { strategy: 'rolling', why: expect.stringContaining('StatefulSet') } },
  ])('$name', async ({ cluster: given, objects, choice }) => {
    expect(await chooseStrategy(given, objects, image)).toEqual(choice);
  });
});
