// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, status, type ApiStandIn } from '../api-stand-in.ts';
import { kinds, textMapOf, textOf, type KubeObject } from '../client/object.ts';
import { planIngress } from './ingress-plan.ts';
import { findIngress, openIngress } from './ingress.ts';
import { resumeSplit } from './resume.ts';
import { allStable } from './weights.ts';

const services = { stable: 'shop', canary: 'shop-canary' };
const path = (service: string, at = '/') => ({ path: at, pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } });
const rule = (host: string, ...paths: object[]) => ({ host, http: { paths } });
const ingress = (metadata: object = {}, spec: object = {}): KubeObject => ({
  ...kinds.ingress, metadata: { name: 'edge', namespace: 'web', uid: 'u1', ...metadata },
  spec: { ingressClassName: 'nginx', tls: [{ hosts: ['shop.example'] }], rules: [rule('shop.example', path('shop'), path('help', '/help')), rule('help.example', path('help'))], ...spec },
});
const at = '/apis/networking.k8s.io/v1/namespaces/web/ingresses/edge-canary';
const weightAt = (api: ApiStandIn): string | undefined => textMapOf(api.find(at), 'metadata', 'annotations')['nginx.ingress.kubernetes.io/canary-weight'];
const half = { stable: 50, baseline: 0, canary: 50 };

async function open(...others: readonly KubeObject[]) {
  const api = createApiStandIn([ingress(), ...others]);
  const cluster = connectTo(api.handle);
  return { api, cluster, split: await openIngress(cluster, ingress(), { services, release: 'shop' }) };
}

describe('a split by ingress-nginx', () => {
  test('is one Ingress of which only the weight changes, and which is deleted in the end', async () => {
    const { api, split } = await open();
    await split.attach();
    expect(api.find(at)).toMatchObject({
      metadata: { labels: { 'pratique.dev/release': 'shop', 'pratique.dev/arm': 'canary' }, annotations: { 'nginx.ingress.kubernetes.io/canary': 'true', 'nginx.ingress.kubernetes.io/canary-weight': '0' } },
      spec: { ingressClassName: 'nginx', rules: [rule('shop.example', path('shop-canary'))] },
    });
    await split.shift(allStable, half);
    expect(weightAt(api)).toBe('50');
    expect(await split.restore()).toEqual([]);
    expect(api.find(at)).toBeUndefined();
    expect(await split.restore()).toEqual([]);
    const writes = api.requests.filter((line) => !line.startsWith('GET')).map((line) => line.replace(/\?.*$/, ''));
    expect(writes).toEqual([`POST ${at.replace('/edge-canary', '')}`, `PATCH ${at}`, `PATCH ${at}`, `DELETE ${at}`]);
  });

  test('takes its class from the older annotation, and how requests are spread, and nothing else', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'nginx', 'nginx.ingress.kubernetes.io/load-balance': 'ewma', 'nginx.ingress.kubernetes.io/ssl-redirect': 'true', 'argocd.argoproj.io/tracking-id': 'shop' };
    const { canary } = planIngress(ingress({ annotations, labels: { 'app.kubernetes.io/instance': 'shop' } }, { ingressClassName: undefined }), { services, release: 'shop', others: [] });
    expect([Object.keys(textMapOf(canary, 'metadata', 'annotations')), textOf(canary, 'spec', 'ingressClassName'), Object.keys(canary.metadata.labels ?? {})]).toEqual([
      ['nginx.ingress.kubernetes.io/load-balance', 'kubernetes.io/ingress.class', 'nginx.ingress.kubernetes.io/canary', 'nginx.ingress.kubernetes.io/canary-weight'], '', ['pratique.dev/release', 'pratique.dev/arm'],
    ]);
  });

  test('is put back by whoever reads the journal, also when the run was killed between any two steps', async () => {
    for (const reached of [0, 1, 2]) {
      const { api, cluster, split } = await open();
      const originals = JSON.stringify(split.plan);
      if (reached > 0) await split.attach();
      if (reached > 1) await split.shift(allStable, half);
      expect(await resumeSplit(cluster, originals).restore()).toEqual([]);
      expect([api.find(at), api.find(at.replace('-canary', ''))?.['spec']]).toEqual([undefined, ingress()['spec']]);
    }
  });

  test.each<[string, (api: ApiStandIn) => void]>([
    ['weight', (api) => api.put({ ...api.find(at), metadata: { ...api.find(at)?.metadata, annotations: { 'nginx.ingress.kubernetes.io/canary-weight': '90' } } })],
    ['Ingress beside it', (api) => api.put({ ...api.find(at), metadata: { ...api.find(at)?.metadata, uid: 'another' } })],
    ['Ingress of stable', (api) => api.put(ingress({}, { rules: [rule('other.example', path('shop'))] }))],
  ])('notices that somebody changed the %s', async (_, change) => {
    const { api, split } = await open();
    await split.attach();
    change(api);
    await expect(split.shift(allStable, half)).rejects.toMatchObject({ code: 'ROUTE_CHANGED' });
  });

  test('attaches nothing where somebody was quicker, and takes nothing away that is not its own', async () => {
    const { api, split } = await open();
    const foreign = ingress({ name: 'edge-canary', uid: 'x' });
    api.put(foreign);
    await expect(split.attach()).rejects.toMatchObject({ code: 'ROUTE_CHANGED' });
    expect(await split.restore()).toEqual(['Ingress web/edge-canary is not of this canary, and was left as it is']);
    expect(api.find(at)?.['spec']).toEqual(foreign['spec']);
  });

  test('has no weight before it is deleted, and is looked at again when somebody writes in between', async () => {
    const { api, split } = await open();
    await split.attach();
    await split.shift(allStable, half);
    let raced = false;
    api.intercept = (request) => {
      if (request.method !== 'DELETE' || raced) return undefined;
      raced = true;
      expect(weightAt(api)).toBe('0');
      return status(409, 'Conflict', 'Precondition failed: uid');
    };
    await split.restore();
    expect([api.find(at), raced]).toEqual([undefined, true]);
  });

  const canaryOf = (host: string, metadata: object = {}): KubeObject => ingress({ name: 'theirs', annotations: { 'nginx.ingress.kubernetes.io/canary': 'true' }, ...metadata }, { rules: [rule(host, path('x'))] });
  test.each<[string, KubeObject, KubeObject[], RegExp]>([
    ['with a canary already', ingress(), [canaryOf('shop.example')], /theirs is a canary of it already/],
    ['whose canary is of Flagger', ingress(), [canaryOf('shop.example', { ownerReferences: [{ kind: 'Canary', name: 'shop' }] })], /theirs of Canary shop is a canary/],
    ['whose canary has a name that is taken', ingress(), [ingress({ name: 'edge-canary' }, { rules: [] })], /edge-canary is a canary of it already/],
    ['that is a canary', ingress({ annotations: { 'nginx.ingress.kubernetes.io/canary': 'true' } }), [], /annotation nginx.ingress.kubernetes.io\/canary /],
    ['with a total of weights', ingress({ annotations: { 'nginx.ingress.kubernetes.io/canary-weight-total': '1000' } }), [], /canary-weight-total/],
    ['that leads to stable by default only', ingress({}, { rules: [], defaultBackend: { service: { name: 'shop' } } }), [], /no rule of it/],
  ])('is refused for an Ingress %s', (_, given, others, message) => {
    expect(() => planIngress(given, { services, release: 'shop', others })).toThrow(expect.objectContaining({ code: 'ROUTE_REFUSED', message: expect.stringMatching(message) as string }));
  });
  test('stands beside canaries of other hosts', () => {
    expect(planIngress(ingress(), { services, release: 'shop', others: [canaryOf('help.example')] }).canary.metadata.name).toBe('edge-canary');
  });
});

describe('the Ingress of a Service', () => {
  const classOf = (controller: string, name = 'nginx'): KubeObject => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec: { controller } });
  const find = async (objects: readonly KubeObject[], name?: string): Promise<string | undefined> => (await findIngress(connectTo(createApiStandIn(objects).handle), 'shop', name))?.metadata.name;
  test.each<[string, KubeObject[], string | undefined, string | undefined]>([
    ['by its class', [ingress(), classOf('k8s.io/ingress-nginx')], undefined, 'edge'],
    ['by the usual name of the class', [ingress()], undefined, 'edge'],
    ['by a class of another name', [ingress({}, { ingressClassName: 'inner' }), classOf('k8s.io/internal-ingress-nginx', 'inner')], undefined, 'edge'],
    ['of the application routing of AKS', [ingress({}, { ingressClassName: 'webapprouting.kubernetes.azure.com' })], undefined, 'edge'],
    ['by name among several', [ingress(), ingress({ name: 'b' })], 'b', 'b'],
    ['beside one that another controller serves', [ingress(), ingress({ name: 'b' }, { ingressClassName: 'traefik' })], undefined, 'edge'],
    ['not when it leads elsewhere', [ingress({}, { rules: [rule('x', path('x'))] })], undefined, undefined],
    ['not under another name', [ingress()], 'c', undefined],
  ])('is found %s', async (_, objects, name, found) => {
    expect(await find(objects, name)).toBe(found);
  });
  test.each<[string, KubeObject[], string | undefined, RegExp]>([
    ['without a class', [ingress({}, { ingressClassName: undefined })], undefined, /it has no class/],
    ['of a class that nobody knows', [ingress({}, { ingressClassName: 'edge' })], undefined, /"edge" is not known/],
    ['of another controller under the usual name', [ingress(), classOf('nginx.org/ingress-controller')], 'edge', /is of nginx.org\/ingress-controller/],
    ['when there are two', [ingress(), ingress({ name: 'b' })], undefined, /several Ingresses .* edge, b|b, edge/],
  ])('is refused %s', async (_, objects, name, message) => {
    await expect(find(objects, name)).rejects.toMatchObject({ code: 'ROUTE_REFUSED', message: expect.stringMatching(message) as string });
  });
  test('is taken by the name of its class where classes may not be read', async () => {
    const api = createApiStandIn([ingress(), classOf('nginx.org/ingress-controller')]);
    api.intercept = ({ url }) => (url.includes('ingressclasses') ? status(403, 'Forbidden', 'ingressclasses is forbidden') : undefined);
    expect((await findIngress(connectTo(api.handle), 'shop'))?.metadata.name).toBe('edge');
  });
});
