// SPDX-License-Identifier: Apache-2.0
import type { Cluster, KubeObject } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { expect, test } from 'vitest';
import { explainUnready } from './explanation.ts';
import { inputs } from './inputs.ts';

const object = (kind: string, more: object): KubeObject => ({ apiVersion: 'v1', kind, metadata: { name: 'shop-1', namespace: 'web' }, ...more });
const crashed = object('Pod', { status: { phase: 'Running', containerStatuses: [{ name: 'web', ready: false, started: false, restartCount: 2, lastState: { terminated: { reason: 'Error', exitCode: 1 } }, state: { waiting: { reason: 'CrashLoopBackOff' } } }] } });

test('what a container printed is shown without the Secrets of the chart', async () => {
  const cluster = {
    list: ({ kind }: { readonly kind: string }) => Promise.resolve({ items: kind === 'Pod' ? [crashed] : [], resourceVersion: '1' }), get: () => Promise.resolve(undefined),
    readLog: () => Promise.resolve('cannot sign in as shop with correct-horse\n'),
  } as unknown as Cluster;
  const given = parseInputs(inputs, { image: `r.example/shop@sha256:${'a'.repeat(64)}`, chart: './chart', release: 'shop', namespace: 'web' });
  const rendered = { chart: { chart: './chart' }, stable: [], next: [object('Secret', { data: { password: Buffer.from('correct-horse').toString('base64') } })] };
  const failure = await explainUnready({ cluster, given, kubelet: undefined, what: 'the canary', wait: { objects: [], podSelector: 'app=shop' }, rendered });
  expect(failure.message).toContain('CRASH_EXIT');
  expect(JSON.stringify(failure.facts)).toContain('cannot sign in as shop with ***');
});
