// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, type ApiStandIn } from '../api-stand-in.ts';
import { kinds, type KubeObject } from '../client/object.ts';
import { findFatalSign, noPulls, notePulls } from './fail-fast.ts';
import { countReadyEndpoints, stateOf } from './object-state.ts';
import { waitReady, type WaitOptions } from './wait.ts';

const object = (kind: string, parts: Record<string, unknown>, metadata: Record<string, unknown> = {}): KubeObject => ({ apiVersion: kind === 'Pod' ? 'v1' : kind === 'HTTPRoute' ? 'gateway.networking.k8s.io/v1' : kind === 'Job' ? 'batch/v1' : 'apps/v1', kind, metadata: { name: 'shop', namespace: 'web', generation: 2, ...metadata }, ...parts });
const deployment = (status: Record<string, unknown>, metadata = {}) => object('Deployment', { spec: { replicas: 2 }, status: { observedGeneration: 2, ...status } }, metadata);
const whole = { replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2 };
const route = (...conditions: object[]) => object('HTTPRoute', { status: { parents: [{ parentRef: { name: 'gw' }, conditions }] } });
const yes = (type: string) => ({ type, status: 'True', observedGeneration: 2 });

describe('an object', () => {
  test.each<[string, KubeObject, string, RegExp]>([
    ['a whole Deployment', deployment(whole), 'ready', /^$/],
    ['a Deployment that was just changed', deployment({ ...whole, observedGeneration: 1 }), 'waiting', /has not seen the change/],
    ['a Deployment nobody has seen', object('Deployment', { spec: {} }), 'waiting', /not seen it yet/],
    ['a Deployment with old pods', deployment({ ...whole, replicas: 3 }), 'waiting', /1 old pods/],
    ['a Deployment with too few new pods', deployment({ ...whole, updatedReplicas: 1 }), 'waiting', /1 of 2 pods are updated/],
    ['a Deployment whose pods are young', deployment({ ...whole, availableReplicas: 0 }), 'waiting', /0 of 2 pods are available/],
    ['a Deployment over its deadline', deployment({ conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'm' }] }), 'failed', /deadline/],
    ['a Deployment that is being deleted', deployment(whole, { deletionTimestamp: 'now' }), 'waiting', /deleted/],
    ['a whole StatefulSet', object('StatefulSet', { spec: { replicas: 1 }, status: { observedGeneration: 2, readyReplicas: 1, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'a' } }), 'ready', /^$/],
    ['a StatefulSet between revisions', object('StatefulSet', { spec: { replicas: 1 }, status: { observedGeneration: 2, readyReplicas: 1, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' } }), 'waiting', /revision/],
    ['a DaemonSet', object('DaemonSet', { status: { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 } }), 'waiting', /2 of 3/],
    ['a pod that is not ready', object('Pod', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False', message: 'containers with unready status: [web]' }] } }), 'waiting', /unready/],
    ['a failed pod', object('Pod', { status: { phase: 'Failed', message: 'evicted' } }), 'failed', /evicted/],
    ['a job that is done', object('Job', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }), 'ready', /^$/],
    ['a job that failed', object('Job', { status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } }), 'failed', /Backoff/],
    ['a route that is accepted', route(yes('Accepted'), yes('ResolvedRefs')), 'ready', /^$/],
    ['a route that no gateway saw', object('HTTPRoute', { status: { parents: [] } }), 'waiting', /no gateway/],
    ['a route accepted in an older form', route({ ...yes('Accepted'), observedGeneration: 1 }, yes('ResolvedRefs')), 'waiting', /since it was changed/],
    ['a route with a missing Service', route(yes('Accepted'), { ...yes('ResolvedRefs'), status: 'False', reason: 'BackendNotFound', message: 'no x' }), 'waiting', /BackendNotFound/],
    ['an unknown kind with a condition', object('Widget', { status: { conditions: [{ type: 'Ready', status: 'False', message: 'soon' }] } }), 'waiting', /soon/],
    ['an unknown kind without one', object('Widget', {}), 'ready', /^$/],
    ['a stalled custom object', object('Widget', { status: { conditions: [{ type: 'Stalled', status: 'True', message: 'no' }] } }), 'failed', /no/],
  ])('%s', (_, given, state, message) => {
    expect(stateOf(given)).toMatchObject({ state, message: expect.stringMatching(message) as string });
  });
  test('addresses are counted once, and only those that take traffic', () => {
    const slice = (...endpoints: object[]): KubeObject => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 's' }, endpoints });
    expect(countReadyEndpoints([slice({ addresses: ['10.0.0.1'], conditions: { ready: true } }, { addresses: ['10.0.0.2'], conditions: { ready: false } }), slice({ addresses: ['10.0.0.1'] })])).toBe(1);
  });
});

const pod = (reason: string, message = '', name = 'p', more: object = {}): KubeObject => object('Pod', { status: { phase: 'Pending', containerStatuses: [{ name: 'web', state: { waiting: { reason, message } } }], ...more } }, { name, uid: name, labels: { app: 'shop' } });
const denied = 'failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized';

describe('a fatal sign', () => {
  const after = (...seen: KubeObject[]) => findFatalSign(seen.slice(-1), seen.reduce((history, at) => notePulls(history, [at]), noPulls))?.reason;
  test.each<[string, readonly KubeObject[], string | undefined]>([
    ['an invalid image name', [pod('InvalidImageName')], 'InvalidImageName'],
    ['missing configuration', [pod('CreateContainerConfigError', 'configmap "x" not found')], 'CreateContainerConfigError'],
    ['configuration that the kubelet has not seen yet', [pod('CreateContainerConfigError', 'failed to sync configmap cache: timed out waiting for the condition')], undefined],
    ['a crash loop', [pod('CrashLoopBackOff')], 'CrashLoopBackOff'],
    ['one refused pull is none yet', [pod('ErrImagePull', denied)], undefined],
    ['its back-off is none yet', [pod('ErrImagePull', denied), pod('ImagePullBackOff', denied)], undefined],
    ['the same state seen twice is one try', [pod('ErrImagePull', denied), pod('ErrImagePull', denied)], undefined],
    ['a second refused pull', [pod('ErrImagePull', denied), pod('ImagePullBackOff'), pod('ErrImagePull', denied)], 'ErrImagePull'],
    ['two pulls that timed out are none', [pod('ErrImagePull', 'i/o timeout'), pod('ImagePullBackOff'), pod('ErrImagePull', 'i/o timeout')], undefined],
    ['starting is none', [pod('ContainerCreating')], undefined],
    ['a quota', [deployment({ conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'pods "x" is forbidden: exceeded quota: q' }] })], 'FailedCreate'],
    ['pods that cannot be created for now', [deployment({ conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'etcd is slow' }] })], undefined],
    ['a failed job', [object('Job', { status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } })], 'BackoffLimitExceeded'],
  ])('%s', (_, seen, reason) => {
    expect(after(...seen)).toBe(reason);
  });
});

describe('waiting', () => {
  const never: Clock = { now: () => new Date(0), sleep: (_, signal) => new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })) };
  const slice = (...ready: boolean[]): KubeObject => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'shop-x', namespace: 'web', labels: { 'kubernetes.io/service-name': 'shop' } }, endpoints: ready.map((is, index) => ({ addresses: [`10.0.0.${index}`], conditions: { ready: is } })) });
  const wait = (api: ApiStandIn, options: Partial<WaitOptions> = {}) => waitReady(connectTo(api.handle), {
    objects: [{ ...kinds.deployment, name: 'shop' }], podSelector: 'app=shop', endpoints: [{ service: 'shop', least: 2 }], timeoutSeconds: 60, clock: never, signal: new AbortController().signal, ...options,
  });
  test('ends when everything is ready, told what was missing meanwhile', async () => {
    const api = createApiStandIn([deployment({ ...whole, availableReplicas: 1 }), slice(true, false)]);
    const steps = [() => api.put(deployment(whole)), () => api.put(slice(true, true))];
    const told: string[][] = [];
    const onChange = (waitingFor: readonly string[]): void => {
      told.push([...waitingFor]);
      if (!waitingFor.some((line) => line.includes('is not there') || line.includes('0 of 2 addresses'))) queueMicrotask(() => steps.shift()?.());
    };
    expect(await wait(api, { onChange })).toEqual({ state: 'ready', seconds: 0 });
    expect(told.slice(-3)).toEqual([['Deployment shop: 1 of 2 pods are available', 'Service shop: 1 of 2 addresses are ready'], ['Service shop: 1 of 2 addresses are ready'], []]);
  });
  test('ends at once on a fatal sign of a pod', async () => {
    const api = createApiStandIn([deployment({}), pod('InvalidImageName', 'bad name')]);
    expect(await wait(api)).toMatchObject({ state: 'failed', sign: { object: 'Pod web/p', reason: 'InvalidImageName' } });
  });
  test('does not end on a sign of pods that do not count', async () => {
    const api = createApiStandIn([deployment(whole), slice(true, true), pod('InvalidImageName', 'bad name')]);
    expect(await wait(api, { countsPod: ({ metadata }) => metadata.name !== 'p' })).toEqual({ state: 'ready', seconds: 0 });
  });
  test('ends when time is up, and says what was missing', async () => {
    const seen = Promise.withResolvers<void>();
    const clock: Clock = { now: () => new Date(0), sleep: () => seen.promise };
    expect(await wait(createApiStandIn([deployment({})]), { clock, endpoints: [], onChange: (waitingFor) => (waitingFor[0]?.includes('is not there') ? undefined : seen.resolve()) })).toEqual({ state: 'timeout', seconds: 0, waitingFor: ['Deployment shop: 0 of 2 pods are updated'] });
  });
  test('ends with the reason of its signal', async () => {
    const run = new AbortController();
    const waiting = wait(createApiStandIn(), { signal: run.signal });
    run.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});
