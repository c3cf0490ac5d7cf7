// SPDX-License-Identifier: Apache-2.0
import { parsePinnedImage, formatImage } from '@pratique/core';
import type { Cluster, KubeObject } from '@pratique/kube';
import { describe, expect, test } from 'vitest';
import type { Inputs } from '../inputs.ts';
import { chooseStrategy } from './choice.ts';

const image = parsePinnedImage(`r.example/shop@sha256:${'a'.repeat(64)}`);
const labels = { app: 'shop' };

const workload = (kind: string): KubeObject => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'shop' }, spec: { template: { metadata: { labels }, spec: { containers: [{ image: formatImage(image) }] } } } });
const service = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: labels } });
const route = (to: string, namespace?: string): KubeObject => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', ...(namespace !== undefined && { namespace }) }, spec: { rules: [{ backendRefs: [{ name: to, port: 80 }] }] } });
const ingress = (to: string, ingressClassName = 'nginx'): KubeObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'edge' }, spec: { ingressClassName, rules: [{ http: { paths: [{ path: '/', backend: { service: { name: to, port: { number: 80 } } } }] } }] } });
type Asked = Pick<Cluster, 'serves' | 'list' | 'get'>;
const cluster = (live: readonly KubeObject[] = [], serves = true): Asked => ({
  serves: ({ kind }) => Promise.resolve(serves || kind !== 'HTTPRoute'), get: () => Promise.resolve(undefined), list: ({ kind }) => Promise.resolve({ items: live.filter((object) => object.kind === kind), resourceVersion: '1' }),
});

describe('auto comes to', () => {
  test.each<{ name: string; cluster: Asked; objects: readonly KubeObject[]; split?: Inputs['split']; choice: unknown }>([
    { name: 'canary behind a route of the namespace', cluster: cluster([route('other', 'web'), route('shop', 'web')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'canary', why: 'the HTTPRoute shop sends traffic to the Service shop' } },
    { name: 'canary behind a route that the chart brings', cluster: cluster(), objects: [workload('Deployment'), service('shop-headless'), service('shop'), route('shop')], choice: { strategy: 'canary', why: expect.stringContaining('Service shop') } },
    { name: 'the operator that owns the workload', cluster: cluster([{ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', metadata: { name: 'watch' }, spec: { targetRef: { kind: 'Deployment', name: 'shop' } } }]), objects: [workload('Deployment'), service('shop'), route('shop')], choice: { strategy: 'flagger', why: 'the Canary watch owns the workload' } },
    { name: 'rolling without a route', cluster: cluster([route('other', 'web')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'rolling', why: 'neither an HTTPRoute nor an Ingress of ingress-nginx sends traffic to the Service shop' } },
    { name: 'rolling without a Service', cluster: cluster(), objects: [workload('Deployment')], choice: { strategy: 'rolling', why: expect.stringContaining('sends traffic to the workload') } },
    { name: 'rolling without Gateway API', cluster: cluster([], false), objects: [workload('Deployment'), service('shop'), route('shop')], choice: { strategy: 'rolling', why: expect.stringContaining('neither') } },
    { name: 'canary behind an Ingress of ingress-nginx', cluster: cluster([ingress('shop')], false), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'canary', why: 'the Ingress edge sends traffic to the Service shop' } },
    { name: 'canary behind the route when there is an Ingress too', cluster: cluster([ingress('shop'), route('shop', 'web')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'canary', why: expect.stringContaining('HTTPRoute') } },
    { name: 'the Ingress when it is named', cluster: cluster([ingress('shop'), route('shop', 'web')]), objects: [workload('Deployment'), service('shop')], split: 'ingress-nginx', choice: { strategy: 'canary', why: expect.stringContaining('Ingress edge') } },
    { name: 'rolling behind the Ingress of another controller', cluster: cluster([ingress('shop', 'traefik')]), objects: [workload('Deployment'), service('shop')], choice: { strategy: 'rolling', why: expect.stringContaining('neither') } },
    { name: 'rolling when the route is wanted and there is an Ingress only', cluster: cluster([ingress('shop')]), objects: [workload('Deployment'), service('shop')], split: 'gateway-api', choice: { strategy: 'rolling', why: 'no HTTPRoute sends traffic to the Service shop' } },
    { name: 'canary by pods when that is named', cluster: cluster(), objects: [workload('Deployment'), service('shop')], split: 'replicas', choice: { strategy: 'canary', why: 'split: replicas needs no route' } },
    { name: 'rolling for what has an identity', cluster: cluster([route('shop', 'web')]), objects: [workload('StatefulSet'), service('shop')], choice: { strategy: 'rolling', why: expect.stringContaining('StatefulSet') } },
  ])('$name', async ({ cluster: given, objects, split = 'auto', choice }) => {
    expect(await chooseStrategy(given, objects, { image, split })).toEqual(choice);
  });
});
