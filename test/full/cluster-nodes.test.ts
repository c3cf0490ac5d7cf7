// SPDX-License-Identifier: Apache-2.0
// Simulated nodes: a hundred beside the real one, and a thousand pods that the scheduler puts there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClusterWorld, type ClusterWorld } from '../fixtures/cluster-world.ts';

let world: ClusterWorld | undefined;
beforeAll(async () => {
  world = await startClusterWorld({ nodes: 100 });
}, 3_600_000);
afterAll(() => world?.[Symbol.asyncDispose]());

test('a thousand pods become ready on a hundred simulated nodes, none on the real one', async () => {
  const kubectl = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = (await world?.kubectl(...args)) ?? { exitCode: 1, stdout: '', stderr: 'the cluster has not started' };
    expect(`${exitCode} ${stderr}`).toBe('0 ');
    return stdout;
  };
  await kubectl('create', 'deployment', 'many', '--image=example.test/none', '--replicas=0');
  const spec = { replicas: 1000, template: { spec: { nodeSelector: { type: 'kwok' }, tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }] } } };
  await kubectl('patch', 'deployment', 'many', '-p', JSON.stringify({ spec }));
  await kubectl('wait', 'deployment/many', '--for=jsonpath={.status.readyReplicas}=1000', '--timeout=110s');
  const nodes = (await kubectl('get', 'pods', '--selector=app=many', '-o', 'jsonpath={range .items[*]}{.spec.nodeName}{"\\n"}{end}')).trim().split('\n');
  expect(nodes.length).toBe(1000);
  expect(new Set(nodes).size).toBe(100);
  expect(nodes.every((name) => name.startsWith('simulated-'))).toBe(true);
});
