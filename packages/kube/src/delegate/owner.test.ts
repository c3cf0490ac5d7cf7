// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { KubeObject } from '../client/object.ts';
import { findRolloutOwner } from './owner.ts';

const deployment: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'app' } };
const rollout = (spec: object): KubeObject => ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'roll' }, spec });
const canary = (name: string, kind = 'Deployment'): KubeObject => ({ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', metadata: { name: 'watch' }, spec: { targetRef: { apiVersion: 'apps/v1', kind, name } } });
const cluster = (...objects: readonly KubeObject[]) => ({
  serves: ({ kind }: { readonly kind: string }) => Promise.resolve(objects.some((object) => object.kind === kind)),
  list: ({ kind }: { readonly kind: string }) => Promise.resolve({ items: objects.filter((object) => object.kind === kind), resourceVersion: '1' }),
});

test.each<[name: string, live: readonly KubeObject[], rendered: readonly KubeObject[], workload: KubeObject, expected: object | undefined]>([
  ['nobody, in a cluster without operators', [], [], deployment, undefined],
  ['a Canary in the cluster', [canary('other'), canary('app')], [], deployment, { operator: 'flagger', ref: { kind: 'Canary', name: 'watch' }, workload: { kind: 'Deployment', name: 'app' } }],
  ['a Canary of the chart, before the first deployment', [], [canary('app')], deployment, { operator: 'flagger' }],
  ['a Canary of another workload', [canary('other'), canary('app', 'DaemonSet')], [], deployment, undefined],
  ['a Rollout that takes its template from the Deployment', [rollout({ workloadRef: { kind: 'Deployment', name: 'app' } })], [], deployment, { operator: 'argo-rollouts', ref: { kind: 'Rollout', name: 'roll' }, workload: { kind: 'Deployment', name: 'app' } }],
  ['a Rollout with a template of its own', [], [], rollout({}), { operator: 'argo-rollouts', ref: { kind: 'Rollout', name: 'roll' }, workload: { kind: 'Rollout', name: 'roll' } }],
])('owner: %s', async (_name, live, rendered, workload, expected) => {
  const found = await findRolloutOwner(cluster(...live), [workload], rendered);
  if (expected === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject(expected);
});
