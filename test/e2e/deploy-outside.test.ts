// SPDX-License-Identifier: Apache-2.0
// A private cluster from outside its network: what a killed canary left is put back by commands that Resource Manager runs in it, with the real kubectl and helm.
import { execFile } from 'node:child_process';
import { canaryRecover } from '@pratique/helm-deploy-canary';
import { labClients, labResources } from '@pratique/lab';
import { parseInputs } from '@pratique/step';
import { expect, test } from 'vitest';
import { firstRelease, untouched } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';

const use = useDeployWorld();

test('a canary that was killed while it had traffic is put back by commands in the cluster', async () => {
  const { gate: { lab, ctxFor, inputsOf }, kube, release, start } = use();
  const { stable, stepping, backends, running, end } = await firstRelease(use(), 'hidden', 50);
  const killed = await start('hidden', await release('1.1.0'), { steps: '10% 60s\n50% 60s' });
  await stepping(killed.ended);
  await killed.signal('SIGKILL');

  const commands: string[] = [];
  const run = (command: string): Promise<{ exitCode: number; logs: string }> => new Promise((resolve) => {
    commands.push(command);
    execFile('/bin/sh', ['-c', `${command} 2>&1`], { env: { ...kube.environment, HOME: lab.addresses.folder }, timeout: 120_000 }, (failed, stdout) => resolve({ exitCode: failed === null ? 0 : Number(failed.code ?? 1), logs: stdout }));
  });
  lab.arm.setCluster({ server: 'https://127.0.0.1:9', authority: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', login: 'entra', run, properties: { apiServerAccessProfile: { enablePrivateCluster: true } } });
  lab.arm.assignments.push({ principal: labClients.gate.objectId, role: 'Azure Kubernetes Service Contributor Role', scope: labResources.cluster });

  const values = { release: 'app', namespace: 'hidden', 'aks-cluster': labResources.cluster, 'azure-resource-manager': lab.addresses.arm.url, ...inputsOf('gate') };
  const given = parseInputs(canaryRecover.inputs, Object.fromEntries(Object.entries(values).filter(([name]) => name in canaryRecover.inputs)));
  const { outputs } = await canaryRecover.run(given, await ctxFor('gate'));
  expect(outputs.recovery).toBe('reverted');
  expect(await backends()).toEqual(untouched.backends);
  expect(commands.some((command) => command.startsWith('kubectl patch httproute'))).toBe(true);
  expect((await canaryRecover.run(given, await ctxFor('gate'))).outputs.recovery).toBe('nothing');
  expect(await running()).toEqual([stable.digest]);
  expect(await end()).toEqual(untouched);
});
