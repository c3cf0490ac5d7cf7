// SPDX-License-Identifier: Apache-2.0
import { formatImage, parsePinnedImage } from '@pratique/core';
import type { Cluster, KubeObject, RolloutOwner } from '@pratique/kube';
import { describe, expect, test } from 'vitest';
import { beginOperator, proveOperator, settleOperator, type Operated } from './operator.ts';

const image = parsePinnedImage(`r.example/shop@sha256:${'a'.repeat(64)}`);
const flagger: RolloutOwner = { operator: 'flagger', ref: { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', name: 'watch' }, workload: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } };
const argo: RolloutOwner = { operator: 'argo-rollouts', ref: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'shop' }, workload: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'shop' } };

const canary = (phase: string, spec: object = {}): KubeObject => ({ ...flagger.ref, metadata: { name: 'watch' }, spec, status: { phase } });
const workload = (kind: string, name: string, options: { readonly image?: string; readonly replicas?: number; readonly stableRS?: string } = {}): KubeObject => ({
  apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1', kind, metadata: { name }, status: { stableRS: options.stableRS },
  spec: { replicas: options.replicas ?? 1, selector: { matchLabels: { app: name } }, template: { spec: { containers: [{ image: options.image ?? formatImage(image) }] } } },
});
const pod = (name: string, labels: Readonly<Record<string, string>>, digest: string = image.digest, deletionTimestamp?: string): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, ...(deletionTimestamp !== undefined && { deletionTimestamp }) }, status: { containerStatuses: [{ imageID: `r.example/shop@${digest}` }] } });

/** Objects that do not change by themselves; what is patched is written down. */
function operated(owner: RolloutOwner, objects: readonly KubeObject[]): { readonly told: unknown[]; readonly given: Operated; readonly put: (object: KubeObject) => void } {
  const live = new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]));
  const told: unknown[] = [];
  const cluster: Pick<Cluster, 'get' | 'list' | 'patch' | 'watch'> = {
    get: ({ kind, name }) => Promise.resolve(live.get(`${kind}/${name}`)),
    list: ({ kind, labelSelector = '' }) => Promise.resolve({ items: [...live.values()].filter((object) => object.kind === kind && labelSelector.split(',').every((pair) => object.metadata.labels?.[pair.split('=')[0] ?? ''] === pair.split('=')[1])), resourceVersion: '1' }),
    patch: (ref, operations, options) => { told.push([ref.name, operations, options]); return Promise.resolve({ ...ref, metadata: { name: ref.name } }); },
    async *watch({ kind }) { yield { type: 'listed', items: [...live.values()].filter((object) => object.kind === kind) }; },
  };
  const ctx = { clock: { now: () => new Date(0), sleep: () => Promise.resolve() }, log: { line: () => undefined, notice: () => undefined, group: <T>(_title: string, work: () => Promise<T>) => work() }, signal: new AbortController().signal };
  return { told, given: { ctx, owner, image, cluster: cluster as Cluster }, put: (object) => void live.set(`${object.kind}/${object.metadata.name}`, object) };
}

describe('a revision is applied when the operator is free', () => {
  test.each([['Initialized'], ['Succeeded'], ['Failed']])('%s', async (phase) => {
    await expect(settleOperator(operated(flagger, [canary(phase)]).given, 10)).resolves.toBeUndefined();
  });
  test.each([['Progressing', {}, 'ROLLOUT_UNFINISHED'], ['', {}, 'ROLLOUT_UNFINISHED'], ['Succeeded', { suspend: true }, 'WORKLOAD_INVALID']])('not while it is "%s" %j', async (phase, spec, code) => {
    await expect(settleOperator(operated(flagger, [canary(phase, spec)]).given, 10)).rejects.toMatchObject({ code });
  });
});

describe('what was promoted is proven by pods', () => {
  const primary = { app: 'shop-primary' };
  test.each<[name: string, owner: RolloutOwner, objects: readonly KubeObject[], message: string | undefined]>([
    ['the primary of Flagger', flagger, [workload('Deployment', 'shop-primary'), pod('new', primary), pod('old', primary, 'sha256:old', 'now')], undefined],
    ['no primary', flagger, [workload('Deployment', 'shop')], 'does not name'],
    ['a primary of another image', flagger, [workload('Deployment', 'shop-primary', { image: 'other' }), pod('new', primary)], 'does not name'],
    ['a pod of another digest', flagger, [workload('Deployment', 'shop-primary'), pod('new', primary), pod('old', primary, 'sha256:old')], 'Pod old do not run'],
    ['no pod', flagger, [workload('Deployment', 'shop-primary')], '0 pods run'],
    ['no pod wanted', flagger, [workload('Deployment', 'shop-primary', { replicas: 0 })], undefined],
    ['the stable pods of a Rollout', argo, [workload('Rollout', 'shop', { stableRS: 'b' }), pod('new', { app: 'shop', 'rollouts-pod-template-hash': 'b' }), pod('old', { app: 'shop', 'rollouts-pod-template-hash': 'a' }, 'sha256:old')], undefined],
    ['stable pods of another digest', argo, [workload('Rollout', 'shop', { stableRS: 'a' }), pod('old', { app: 'shop', 'rollouts-pod-template-hash': 'a' }, 'sha256:old')], 'Pod old do not run'],
  ])('%s', async (_name, owner, objects, message) => {
    const proven = proveOperator(operated(owner, objects).given);
    if (message === undefined) await expect(proven).resolves.toBeUndefined();
    else await expect(proven).rejects.toMatchObject({ code: 'CANARY_NOT_READY', message: expect.stringContaining(message) as string });
  });
});

test('a template that did not change is waited for shortly, and the answer is what the operator said of it before', async () => {
  const { given, put } = operated(flagger, [canary('Succeeded', { analysis: { interval: '20s' } }), workload('Deployment', 'shop')]);
  const { unseenSeconds, unchanged } = await (await beginOperator(given)).applied();
  expect(unseenSeconds).toBe(55);
  expect(await unchanged?.()).toMatchObject({ state: 'succeeded' });
  put(canary('Failed'));
  expect(await unchanged?.()).toMatchObject({ state: 'failed', words: expect.stringContaining('exactly this template') as string });
  const begun = await beginOperator(given);
  put(workload('Deployment', 'shop', { image: 'other' }));
  expect(await begun.applied()).not.toHaveProperty('unseenSeconds');
});

test('the scale is put back in the name of the operator, when it is another', async () => {
  const { given, put, told } = operated(flagger, [canary('Succeeded'), workload('Deployment', 'shop', { replicas: 0 })]);
  const begun = await beginOperator(given);
  await begun.scaleBack();
  expect(told).toEqual([]);
  put(workload('Deployment', 'shop', { replicas: 3 }));
  await begun.scaleBack();
  expect(told).toEqual([['shop', [{ op: 'replace', path: '/spec/replicas', value: 0 }], { manager: 'flagger' }]]);
});
