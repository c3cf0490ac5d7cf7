// SPDX-License-Identifier: Apache-2.0
import { Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, status } from '../api-stand-in.ts';
import { kinds, type KubeObject } from './object.ts';
import type { WatchChange } from './watch.ts';

const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'web', labels }, data });
const ref = (name: string) => ({ ...kinds.configMap, name });

describe('objects', () => {
  test('are created, read, replaced, patched, applied and deleted', async () => {
    const api = createApiStandIn();
    const cluster = connectTo(api.handle);
    const made = await cluster.create(configMap('a', { k: '1' }));
    await cluster.update({ ...made, data: { k: '2' } });
    await cluster.patch(ref('a'), [{ op: 'test', path: '/data/k', value: '2' }, { op: 'replace', path: '/data/k', value: '3' }]);
    await cluster.apply(configMap('b'), { manager: 'me', force: true });
    expect((await cluster.get(ref('a')))?.['data']).toEqual({ k: '3' });
    expect([await cluster.remove(ref('a')), await cluster.remove(ref('a')), await cluster.get(ref('a'))]).toEqual([true, false, undefined]);
    expect(api.requests.filter((line) => !line.startsWith('GET') && !line.startsWith('DELETE'))).toEqual([
      'POST /api/v1/namespaces/web/configmaps?fieldManager=pratique&fieldValidation=Strict',
      'PUT /api/v1/namespaces/web/configmaps/a?fieldManager=pratique&fieldValidation=Strict',
      'PATCH /api/v1/namespaces/web/configmaps/a?fieldManager=pratique&fieldValidation=Strict',
      'PATCH /api/v1/namespaces/web/configmaps/b?fieldManager=me&fieldValidation=Strict&force=true',
    ]);
  });
  test('a dry run stores nothing', async () => {
    const api = createApiStandIn();
    await connectTo(api.handle).apply(configMap('a'), { dryRun: true });
    expect(api.find('/api/v1/namespaces/web/configmaps/a')).toBeUndefined();
    expect(api.requests.at(-1)).toContain('dryRun=All');
  });
  test('discovery is asked once for each version', async () => {
    const api = createApiStandIn();
    const cluster = connectTo(api.handle);
    await Promise.all([cluster.get(ref('a')), cluster.get(ref('b')), cluster.list(kinds.secret)]);
    expect(api.requests.filter((line) => line === 'GET /api/v1')).toHaveLength(1);
  });
  test('a kind that is not served is a clear failure, and may come later', async () => {
    const cluster = connectTo(createApiStandIn().handle);
    const canary = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' };
    expect(await cluster.serves(canary)).toBe(false);
    await expect(cluster.list(canary)).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND', message: 'the cluster does not serve Canary of flagger.app/v1beta1' });
  });
  test('lists come in pages and carry their kind', async () => {
    const api = createApiStandIn(Array.from({ length: 1201 }, (_, index) => configMap(`m${index}`)));
    const { items, resourceVersion } = await connectTo(api.handle).list(kinds.configMap);
    expect(items).toHaveLength(1201);
    expect(items[1200]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(resourceVersion).not.toBe('');
    expect(api.requests.filter((line) => line.includes('limit=500'))).toHaveLength(3);
  });
  test('a list that expires between pages begins again', async () => {
    const api = createApiStandIn(Array.from({ length: 700 }, (_, index) => configMap(`m${index}`)));
    let expired = false;
    api.intercept = (request) => (request.url.includes('continue=') && !expired ? ((expired = true), status(410, 'Expired', 'too old')) : undefined);
    expect((await connectTo(api.handle).list(kinds.configMap)).items).toHaveLength(700);
  });
  test.each([['a slash', 'a/b'], ['dots', '..'], ['nothing', '']])('a name with %s never becomes a path', async (_, name) => {
    await expect(connectTo(createApiStandIn().handle).get(ref(name))).rejects.toMatchObject({ code: 'KUBE_INVALID' });
  });
});

describe('a write that came too late', () => {
  test('by resourceVersion is a conflict', async () => {
    const cluster = connectTo(createApiStandIn([configMap('a')]).handle);
    await expect(cluster.update({ ...configMap('a'), metadata: { name: 'a', resourceVersion: '1' } })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
  });
  test('by a test of a patch is a conflict and changes nothing', async () => {
    const api = createApiStandIn([configMap('a', { k: '1' })]);
    await expect(connectTo(api.handle).patch(ref('a'), [{ op: 'replace', path: '/data/k', value: '9' }, { op: 'test', path: '/metadata/uid', value: 'other' }])).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    expect(api.find('/api/v1/namespaces/web/configmaps/a')?.['data']).toEqual({ k: '1' });
  });
  test('by uid does not delete the wrong object', async () => {
    const api = createApiStandIn([configMap('a')]);
    await expect(connectTo(api.handle).remove(ref('a'), { uid: 'other' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    expect(api.find('/api/v1/namespaces/web/configmaps/a')).toBeDefined();
  });
});

describe('refusals', () => {
  const quota = 'pods "a" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=1, limited: cpu=1';
  test.each<[string, Response, object]>([
    ['401', status(401, 'Unauthorized', 'Unauthorized'), { code: 'KUBE_UNAUTHORIZED' }],
    ['403', status(403, 'Forbidden', 'configmaps is forbidden: User "ci" cannot create resource "configmaps"'), { code: 'KUBE_FORBIDDEN', hint: expect.stringContaining('- apiGroups: [""]\n  resources: ["configmaps"]\n  verbs: ["create"]') as string }],
    ['a quota', status(403, 'Forbidden', quota), { code: 'KUBE_DENIED', message: expect.stringContaining('exceeded quota') as string, hint: expect.stringContaining('kubectl edit resourcequota') as string }],
    ['pod security', status(403, 'Forbidden', 'pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'), { code: 'KUBE_DENIED' }],
    ['a webhook', status(400, 'BadRequest', 'admission webhook "validate.kyverno.svc" denied the request: no'), { code: 'KUBE_DENIED' }],
    ['an invalid object', status(422, 'Invalid', 'ConfigMap "a" is invalid: data: x'), { code: 'KUBE_INVALID' }],
    ['a field that apply does not know', status(500, '', 'failed to create typed patch object (web/a; /v1, Kind=ConfigMap): .dta: field not declared in schema'), { code: 'KUBE_INVALID' }],
    ['a conflict of managers', status(409, 'Conflict', 'Apply failed with 1 conflict', { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "helm"', field: '.data.k' }] }), { code: 'KUBE_CONFLICT', hint: expect.stringContaining('.data.k (conflict with "helm")') as string }],
    ['a namespace that is not there', status(404, 'NotFound', 'namespaces "web" not found'), { code: 'KUBE_NOT_FOUND' }],
    ['a proxy', new Response('<html>', { status: 404 }), { code: 'KUBE_PROTOCOL' }],
    ['an error of the server', status(500, 'InternalError', 'etcdserver: leader changed'), { code: 'KUBE_UNAVAILABLE' }],
  ])('%s becomes its code', async (_, reply, failure) => {
    const api = createApiStandIn();
    api.intercept = (request) => (request.method === 'POST' ? reply.clone() : undefined);
    await expect(connectTo(api.handle).create(configMap('a'))).rejects.toMatchObject(failure);
  });
});

describe('what is repeated', () => {
  const faulty = (method: string, faults: readonly (() => Response)[]) => {
    const api = createApiStandIn([configMap('a')]);
    const left = [...faults];
    api.intercept = (request) => (request.method === method && !new URL(request.url).pathname.endsWith('/v1') ? left.shift()?.() : undefined);
    const waits: number[] = [];
    const cluster = connectTo(api.handle, { clock: { now: () => new Date(0), sleep: (seconds) => Promise.resolve(void waits.push(seconds)) } });
    return { api, cluster, waits };
  };
  const broken = (): Response => { throw new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }); };
  const busy = (): Response => status(429, 'TooManyRequests', 'slow down', {}, { 'retry-after': '7' });

  test('reading after a reset', async () => {
    expect(await faulty('GET', [broken, broken]).cluster.get(ref('a'))).toBeDefined();
  });
  test('creating after 429, no sooner than the server asked', async () => {
    const { cluster, waits } = faulty('POST', [busy]);
    await cluster.create(configMap('b'));
    expect(waits).toEqual([7]);
  });
  test('creating at a server that starts', async () => {
    const { cluster, waits } = faulty('POST', [() => status(503, 'ServiceUnavailable', 'the request has been made before all known HTTP paths have been installed, please try again', { retryAfterSeconds: 5 })]);
    await cluster.create(configMap('b'));
    expect(waits).toEqual([5]);
  });
  test('creating after a 503 of a proxy is not', async () => {
    const { cluster } = faulty('POST', [() => new Response('no upstream', { status: 503 })]);
    await expect(cluster.create(configMap('b'))).rejects.toMatchObject({ code: 'KUBE_UNAVAILABLE' });
  });
  test('creating after a reset is not: the server may have done it', async () => {
    const { api, cluster } = faulty('POST', [broken]);
    await expect(cluster.create(configMap('b'))).rejects.toMatchObject({ code: 'KUBE_UNAVAILABLE', facts: { network: 'ECONNRESET' } });
    expect(api.requests.filter((line) => line.startsWith('POST'))).toHaveLength(1);
  });
  test('applying after a reset, since twice is as good as once', async () => {
    const { api, cluster } = faulty('PATCH', [broken]);
    await cluster.apply(configMap('b'));
    expect(api.requests.filter((line) => line.startsWith('PATCH'))).toHaveLength(2);
  });
});

describe('a watch', () => {
  const follow = async (api: ReturnType<typeof createApiStandIn>, acts: readonly (() => void)[]): Promise<string[]> => {
    const end = new AbortController();
    const seen: string[] = [];
    const left = [...acts];
    const name = (change: WatchChange): string => (change.type === 'listed' ? `listed ${change.items.map((item) => item.metadata.name).join(' ')}` : `${change.type} ${change.object.metadata.name}`);
    for await (const change of connectTo(api.handle).watch(kinds.configMap, { signal: end.signal, attempts: 3 })) {
      seen.push(name(change));
      const act = left.shift();
      if (act === undefined) end.abort();
      else act();
    }
    return seen;
  };
  test('gives the list, then changes', async () => {
    const api = createApiStandIn([configMap('a')]);
    expect(await follow(api, [() => api.put(configMap('b')), () => api.put(configMap('a', { k: '1' }))])).toEqual(['listed a', 'changed b', 'changed a']);
  });
  test('goes on where it was when the connection ends', async () => {
    const api = createApiStandIn([configMap('a')]);
    const drop = (): void => { api.dropWatches(); api.put(configMap('c')); };
    expect(await follow(api, [() => api.put(configMap('b')), drop])).toEqual(['listed a', 'changed b', 'changed c']);
    expect(api.requests.filter((line) => line.includes('limit=500'))).toHaveLength(1);
  });
  test('lists again after 410', async () => {
    const api = createApiStandIn([configMap('a')]);
    expect(await follow(api, [() => api.put(configMap('b')), () => { api.expireWatches(); }])).toEqual(['listed a', 'changed b', 'listed a b']);
  });
  test('fails when nothing answers any more', async () => {
    const api = createApiStandIn([configMap('a')]);
    api.intercept = (request) => (request.url.includes('watch=true') ? status(503, 'ServiceUnavailable', 'down') : undefined);
    await expect(follow(api, [() => undefined])).rejects.toBeInstanceOf(Failure);
    expect(api.requests.filter((line) => line.includes('watch=true'))).toHaveLength(3);
  });
  test('fails at once when it is forbidden', async () => {
    const api = createApiStandIn([configMap('a')]);
    api.intercept = (request) => (request.url.includes('watch=true') ? status(403, 'Forbidden', 'no') : undefined);
    await expect(follow(api, [() => undefined])).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', hint: expect.stringContaining('verbs: ["watch"]') as string });
  });
});
