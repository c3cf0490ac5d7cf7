// SPDX-License-Identifier: Apache-2.0
// workflows-examples/deploy.yml as GitHub would run it, from the committed bundle, on a real cluster, by a ServiceAccount that has deploy-role.yaml and nothing more; and the commands of docs/deploy.md.
import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatImage, type PinnedImage } from '@pratique/core';
import { toolCacheFolder } from '@pratique/host';
import type { StepRecord, WorkflowRecord } from '@pratique/lab';
import { createRepository } from '../demo/repository.ts';
import { terminalEnvironment } from '../fixtures/command.ts';
import { until } from '../fixtures/deploy-case.ts';
import { admitDeployer, deployTarget, deployVariables, runDeploy } from '../fixtures/deploy-workflow.ts';
import { openDeployWorld, type DeployWorld } from '../fixtures/deploy-world.ts';
import { runSnippet, snippetOf } from '../fixtures/document-snippet.ts';
import { checkout } from '../tools/runtime.mjs';

interface Deployer {
  readonly world: DeployWorld;
  /** Folder of somebody at a terminal: the chart, and `deployer.yaml`. */
  readonly folder: string;
  deploy(image: PinnedImage, signal?: AbortSignal): Promise<{ readonly record: WorkflowRecord; readonly step: StepRecord | undefined }>;
  /** Types what docs/deploy.md has below a heading. */
  type(heading: string, variables?: Readonly<Record<string, string>>): Promise<string>;
}

const pace = { steps: '10% 4s\n50% 4s', dwellSeconds: 5, slotSeconds: 2 };
const { namespace } = deployTarget;
let home = '';
let opened: Deployer | undefined;
const use = (): Deployer => {
  if (opened === undefined) throw new Error('the cluster has not started');
  return opened;
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'deploy-workflow-'));
  const world = await openDeployWorld();
  const { lab } = world.gate;
  const repository = createRepository(home, lab.addresses.github.issuer);
  const sha = repository.release({ tag: 'v1.0.0', fixtures: ['app'], message: 'Show the ships in port' });
  lab.github.setRepository({ owner: 'acme', ownerId: 1001, name: 'app', id: 2002, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path: repository.path });
  const folder = join(home, 'terminal');
  const kubeconfig = await admitDeployer(world.kube, folder);
  await cp(join(checkout, 'test/fixtures/app/chart'), join(folder, 'chart'), { recursive: true });
  await writeFile(join(folder, 'pratique'), commandOf(lab.addresses.sigstore.trustedRoot.path));
  await chmod(join(folder, 'pratique'), 0o755);
  const machine = { PATH: process.env['PATH'] ?? '', ...lab.addresses.environment, PRATIQUE_TOOLS: toolCacheFolder(process.env) };
  let runs = 0;
  opened = {
    world, folder,
    async deploy(image, signal) {
      const number = (runs += 1);
      const record = await runDeploy({
        lab, repositoryPath: repository.path, sha, image: formatImage(image), kubeconfig, vars: deployVariables(world.kube, pace), runId: String(9000 + number), folder: join(home, `run-${number}`), machine, ...(signal && { signal }),
      });
      return { record, step: record.jobs[0]?.steps.find(({ id }) => id === 'deploy') };
    },
    type: (heading, variables = {}) => {
      const { PATH = '' } = world.kube.environment;
      const environment = { ...terminalEnvironment(lab, folder), PATH: [folder, PATH].join(delimiter), PRATIQUE_TOOLS: toolCacheFolder(process.env), KUBECONFIG: join(folder, 'deployer.yaml'), ...variables };
      return runSnippet(snippetOf('docs/deploy.md', heading), { folder, environment });
    },
  };
}, 3_600_000);
afterAll(async () => {
  await opened?.world[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

/** The command line; a private Sigstore and registry ask for two flags more. */
const commandOf = (trustedRoot: string): string => `#!/bin/sh
[ "$1" = canary ] || set -- "$@" --trusted-root ${trustedRoot} --registry-sign-in docker
exec ${process.execPath} ${join(checkout, 'packages/cli/src/main.ts')} "$@"
`;

test('the first release, a regression, and the next release', async () => {
  const { world: { release, traffic }, deploy } = use();
  const [first, worse, next] = [await release('1.0.0'), await release('1.1.0', { FAIL_SHARE: '0.3' }), await release('1.1.1')];
  // Until the first pod is ready the route has nobody to send to.
  const early = traffic('harbour', 100);
  const installed = await deploy(first);
  expect(installed.step?.outputs).toMatchObject({ verdict: 'promoted', code: '', revision: '1', residue: '0' });
  await early.stop();
  const steady = traffic('harbour', 100);
  const refused = await deploy(worse);
  expect(refused.record.conclusion).toBe('failure');
  expect(refused.step).toMatchObject({ exitCode: 3, outputs: { verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: '1', residue: '0' } });
  const promoted = await deploy(next);
  expect(promoted.record).toMatchObject({ conclusion: 'success', jobs: [{ outputs: { verdict: 'promoted' } }] });
  const { versions, statuses } = await steady.stop();
  expect([Object.keys(versions), Object.keys(statuses)]).toEqual([['1.0.0', '1.1.0', '1.1.1'], ['200', '500']]);
}, 900_000);

test('that identity can do nothing outside of its namespace', async () => {
  const may = async (...question: readonly string[]): Promise<string> => (await use().world.kube.kubectl('auth', 'can-i', ...question, '--kubeconfig', join(use().folder, 'deployer.yaml'))).stdout.trim();
  expect([await may('create', 'deployments', '--namespace', namespace), await may('delete', 'leases', '--namespace', namespace), await may('get', 'secrets', '--namespace', 'default'), await may('list', 'nodes')]).toEqual(['yes', 'no', 'no', 'no']);
});

test('looking first at a terminal changes nothing', async () => {
  const { world, type } = use();
  const before = (await world.kube.kubectl('get', 'all,configmaps,secrets,httproutes', '--namespace', namespace, '--output', 'name')).stdout;
  const told = await type('Bring your own chart', { IMAGE: formatImage(await world.release('1.2.0')), METRICS: world.kube.cluster.prometheus });
  expect(told).toContain('Canary and baseline of 2 objects each.');
  expect(told).not.toContain('findings in the chart');
  expect((await world.kube.kubectl('get', 'all,configmaps,secrets,httproutes', '--namespace', namespace, '--output', 'name')).stdout).toBe(before);
});

test('what a cancelled run leaves is read and put back at a terminal', async () => {
  const { world, deploy, type } = use();
  const image = await world.release('1.2.1');
  const cancel = new AbortController();
  const load = world.traffic('harbour', 60);
  const ended = deploy(image, cancel.signal);
  await until('the run is routing', async () => (await world.kube.kubectl('get', 'configmap', 'pratique-canary-app', '--namespace', namespace, '--output', 'jsonpath={.data.record}')).stdout.includes('"stage":"routing"'));
  cancel.abort();
  expect((await ended).record.conclusion).toBe('cancelled');
  const told = await type('When a run is killed');
  expect(told).toContain(`"image":"${formatImage(image)}"`);
  expect(told).toContain('of app is as it was before.');
  expect((await world.kube.kubectl('get', 'deployments,services,configmaps', '--namespace', namespace, '--output', 'name')).stdout).not.toMatch(/canary|baseline/);
  expect(Object.keys((await load.stop()).statuses)).toEqual(['200']);
});
