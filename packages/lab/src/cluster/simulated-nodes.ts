// SPDX-License-Identifier: Apache-2.0
// Nodes that exist for the API server alone: kwok plays their kubelets and pods. Pods come there only when they tolerate the taint.
import { isJsonObject } from '@pratique/core';
import { conditionHolds, type Api, type ApiObject } from './api.ts';
import type { Components } from './component-process.ts';
import stages from './kwok-stages.json' with { type: 'json' };

/** kwok's file of stages: a node becomes ready and renews its lease, a pod runs at once, completes, goes. */
export function kwokConfiguration(): string {
  return stages.items.map((stage) => `---\n${JSON.stringify(stage)}\n`).join('');
}

const nodeNamed = (index: number): ApiObject => ({
  apiVersion: 'v1', kind: 'Node',
  metadata: { name: `simulated-${index}`, annotations: { 'kwok.x-k8s.io/node': 'fake' }, labels: { type: 'kwok', 'kubernetes.io/hostname': `simulated-${index}`, 'kubernetes.io/os': 'linux' } },
  spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
});

/** Adds them and waits until all are ready. */
export async function addSimulatedNodes({ api, components, nodes }: { readonly api: Api; readonly components: Components; readonly nodes: number }): Promise<void> {
  await components.start('kwok');
  await api.apply(...Array.from({ length: nodes }, (_, index) => nodeNamed(index + 1)));
  await components.until('kwok', `${nodes} simulated nodes are ready`, async () => {
    const { body } = await api.get('/api/v1/nodes?labelSelector=type%3Dkwok');
    const items = isJsonObject(body) && Array.isArray(body['items']) ? body['items'] : [];
    return items.filter((item) => conditionHolds(item, 'Ready')).length === nodes;
  });
}
