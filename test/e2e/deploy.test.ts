// SPDX-License-Identifier: Apache-2.0
// helm-deploy-canary on a real cluster: first deployment, promotion, rollback, refusals; stable drops no request, and nothing is left. Sabotage is in test/full.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { labClients } from '@pratique/lab';
import { loadAll } from 'js-yaml';
import { formatImage, type PinnedImage } from '@pratique/core';
import { loadPolicySet, readDeployments } from '@pratique/evidence';
import { loadTrustMaterial } from '@pratique/sign';
import { firstRelease, openCase, untouched, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';
import { checkout } from '../tools/runtime.mjs';

const use = useDeployWorld();

const first = (namespace: string, rate?: number): Promise<DeployCase> => firstRelease(use(), namespace, rate);
/** What the role deploy has signed about an image, read as `pratique verify` does. */
async function recordsOn(image: PinnedImage): Promise<readonly unknown[]> {
  const { gate } = use();
  const [ctx, repository] = await Promise.all([gate.ctxFor('gate'), gate.repository('gate', image.repository)]);
  const [{ trust }, trustMaterial] = await Promise.all([loadPolicySet(ctx, 'github://acme/app'), loadTrustMaterial(ctx, gate.lab.addresses.sigstore.trustedRoot.url)]);
  return (await readDeployments({ repository, image, trust, trustMaterial })).map(({ result, target, revision, statement }) => [result, target.namespace, revision, statement.attestation]);
}
const reportOf = async (path = ''): Promise<string> => {
  const file = await (await use().gate.ctxFor('gate')).files.open(path);
  return file?.kind === 'file' ? new TextDecoder().decode(await file.bytes()) : '';
};
/** Objects that a refusal before anything must not have made. */
const madeIn = async (namespace: string): Promise<string> => (await use().kube.kubectl('get', 'pods,leases,deployments,services', '--namespace', namespace, '--output', 'name')).stdout;

describe('traffic decides', () => {
  test.concurrent('a release is deployed first by its own limits, then promoted over itself by a canary', async () => {
    const { release, namespace, deploy, traffic } = use();
    await namespace('happy');
    const [stable, next] = [await release('1.0.0'), await release('1.1.0')];
    const load = traffic('happy', 100);
    const installed = await deploy('happy', stable);
    expect(installed.outputs).toMatchObject({ verdict: 'promoted', code: '', revision: '1', 'weights-reached': '100/0/0', residue: '0' });
    await load.stop();
    const { end, history, running } = openCase(use(), 'happy', stable);
    const steady = traffic('happy', 100);
    const promoted = await deploy('happy', next);
    expect(promoted.outputs).toMatchObject({ verdict: 'promoted', code: '', revision: '3', 'weights-reached': '0/50/50', residue: '0' });
    expect(promoted.summary).toContain('## ✅ Promoted: app in happy');
    expect(promoted.summary.split('```mermaid')).toHaveLength(3);
    expect(await recordsOn(next)).toEqual([['promoted', 'happy', 3, promoted.outputs.attestation]]);
    expect(await reportOf(promoted.outputs.report)).toContain('aria-label="Failed requests. At the end: ');
    const [installation, settled, ...more] = await history();
    expect([installation?.startsWith('1: superseded: '), settled?.startsWith(`3: deployed: ${formatImage(next)} by https://github.com/acme/app/actions/runs/`), more]).toEqual([true, true, []]);
    // Revision 2 held the route while the canary served: nobody gets back to it by mistake.
    expect(await use().kube.helm('rollback', 'app', '--namespace', 'happy')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no 2 version') as string });
    expect(await running()).toEqual([next.digest]);
    expect((await steady.stop()).statuses).toEqual({ 200: expect.any(Number) as number });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a canary that fails for three in ten is rolled back, and stable is as it was', async () => {
    const { stable, end, history, running } = await first('regress');
    const failing = await use().release('1.1.0', { FAIL_SHARE: '0.3' });
    const result = await use().deploy('regress', failing);
    expect(result.outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: '1', residue: '0' });
    expect(result.refusal).toMatchObject({ code: 'CANARY_REGRESSION' });
    expect(result.summary).toContain('## ⛔ Rolled back: app in regress');
    expect(await recordsOn(failing)).toEqual([['rolled-back', 'regress', 1, result.outputs.attestation]]);
    expect(await reportOf(result.outputs.report)).toContain('<code>CANARY_REGRESSION</code>');
    expect([await running(), (await history()).length]).toEqual([[stable.digest], 1]);
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('without traffic nothing is promoted', async () => {
    const { end, history } = await first('silent', 0);
    const result = await use().deploy('silent', await use().release('1.1.0'), { 'horizon-seconds': '16' });
    expect(result.outputs).toMatchObject({ verdict: 'insufficient', code: 'CANARY_INSUFFICIENT', revision: '1' });
    expect(await history()).toHaveLength(1);
    expect(await end()).toEqual(untouched);
  });
});


/** Leaves the deploying identity of the lab with nothing but the example's Role in one namespace. */
async function leastRights(namespace: string): Promise<void> {
  const { kubectl, cluster } = use().kube;
  const example = loadAll(readFileSync(join(checkout, 'workflows-examples/deploy-role.yaml'), 'utf8')) as { kind: string; rules?: object[] }[];
  const rules = example.find(({ kind }) => kind === 'Role')?.rules ?? [];
  const group = 'rbac.authorization.k8s.io';
  const role = { apiVersion: `${group}/v1`, kind: 'Role', metadata: { name: 'deployer', namespace }, rules };
  const binding = { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata: { name: 'deployer', namespace }, roleRef: { apiGroup: group, kind: 'Role', name: 'deployer' }, subjects: [{ kind: 'User', apiGroup: group, name: labClients.gate.objectId }] };
  const file = join(dirname(cluster.kubeconfig), 'least-rights.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [role, binding] }));
  for (const args of [['delete', 'clusterrolebinding', 'lab:deployer'], ['apply', '--filename', file]]) {
    const { exitCode, stderr } = await kubectl(...args);
    if (exitCode !== 0) throw new Error(stderr);
  }
}

test.concurrent('by Azure alone: kubeconfig, metrics and tokens for both, with the least rights', async () => {
  const { arm, monitor } = use().gate.lab.addresses;
  const { end, failure, running } = await first('azure');
  await leastRights('azure');
  const image = await use().release('1.1.0');
  const azure = { kubeconfig: undefined, 'aks-cluster': arm.cluster, 'azure-resource-manager': arm.url, metrics: monitor.url, 'metrics-audience': monitor.audience };
  const { assignments } = use().gate.lab.arm;
  const reader = assignments.splice(assignments.findIndex(({ role }) => role === 'Monitoring Data Reader'), 1);
  expect(await failure(image, azure)).toMatchObject({ code: 'METRICS_REFUSED', hint: expect.stringContaining(`--assignee ${labClients.gate.objectId} --role "Monitoring Data Reader"`) as string });
  assignments.push(...reader);
  const { outputs } = await use().deploy('azure', image, azure);
  expect(outputs).toMatchObject({ verdict: 'promoted', code: '', residue: '0' });
  expect(await running()).toEqual([image.digest]);
  expect(await end()).toEqual(untouched);
});

describe('refused before anything is made', () => {
  test.concurrent('an image without a verdict, and a tag', async () => {
    await use().namespace('unproven');
    const image = await use().pushOnly('1.3.0');
    const { failure } = openCase(use(), 'unproven', image);
    expect(await failure(image)).toMatchObject({ code: 'VERDICT_MISSING' });
    const repository = use().gate.asAdministrator('acme/app');
    await repository.tag(await repository.readManifest(image.digest), 'latest');
    const tagged = await failure(`${image.registry}/${image.repository}:latest`);
    expect(tagged).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(`it points to ${image.digest} now`) as string });
    expect(await madeIn('unproven')).toBe('');
  });

  test.concurrent('metrics that cannot be read, and a route that is missing', async () => {
    const { failure, end } = await first('unmeasured', 20);
    const image = await use().release('1.1.0');
    expect(await failure(image, { metrics: 'http://127.0.0.1:9' })).toMatchObject({ code: 'METRICS_UNAVAILABLE' });
    expect(await failure(image, { route: 'nobody' })).toMatchObject({ code: 'ROUTE_REFUSED' });
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('a chart without a probe, a quota that is used up, and pod security that the chart violates', async () => {
    const { failure, end } = await first('narrow', 20);
    const { kubectl } = use().kube;
    const image = await use().release('1.1.0');
    const set = 'image=$image\nroute.host=narrow.example';
    expect(await failure(image, { set: `${set}\nreadiness=` })).toMatchObject({ code: 'CHART_REFUSED', message: expect.stringContaining('READINESS_PROBE_MISSING: Deployment app, container app') as string });
    await kubectl('create', 'quota', 'small', '--hard=pods=1', '--namespace', 'narrow');
    expect(await failure(image)).toMatchObject({ code: 'KUBE_DENIED', message: expect.stringContaining('exceeded quota: small') as string });
    await kubectl('delete', 'quota', 'small', '--namespace', 'narrow');
    await kubectl('label', 'namespace', 'narrow', 'pod-security.kubernetes.io/enforce=restricted');
    const denied = await failure(image, { set: `${set}\nescalation=true` });
    expect(denied).toMatchObject({ code: 'KUBE_DENIED', message: expect.stringContaining('violates PodSecurity "restricted') as string });
    expect(await end()).toEqual(untouched);
  });
});
