// SPDX-License-Identifier: Apache-2.0
// The Kubernetes client, lock, journal and helm driver against a real API server on real etcd.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNodeContext, type NodeContext } from '@pratique/host';
import {
  connectCluster, createHelm, getRelease, kinds, listRevisions, makeArm, openJournal, readKubeconfig, readManifest, waitReady, withLease, wrapChart, writeChart,
  type Cluster, type CanaryRecord, type KubeObject,
} from '@pratique/kube';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApiServer, type ApiServer } from '../fixtures/api-server.ts';
import { obtain } from '../tools/obtain.ts';

let server: ApiServer;
let ctx: NodeContext;
let cluster: Cluster;
let ci: Cluster;

beforeAll(async () => {
  const paths = Object.fromEntries((await obtain(['etcd', 'kube-apiserver', 'helm'])).map(({ name, path }) => [name, path]));
  server = await startApiServer({ etcd: paths['etcd'] ?? '', apiServer: paths['kube-apiserver'] ?? '' });
  ctx = await createNodeContext({ print: () => undefined });
  cluster = connectCluster(readKubeconfig(server.kubeconfig('admin')), ctx);
  ci = connectCluster(readKubeconfig(server.kubeconfig('ci')), ctx);
  await cluster.create({ ...kinds.namespace, metadata: { name: 'web' } });
});
afterAll(async () => {
  await server?.close();
  await ctx?.close();
});

const configMap = (name: string, data: Record<string, string> = {}): KubeObject => ({ ...kinds.configMap, metadata: { name }, data });
const ref = (name: string) => ({ ...kinds.configMap, name });

describe('the API', () => {
  test('creates, reads, replaces, patches, applies and deletes', async () => {
    const made = await cluster.create(configMap('crud', { k: '1' }));
    await cluster.update({ ...made, data: { k: '2' } });
    await cluster.patch(ref('crud'), [{ op: 'test', path: '/data/k', value: '2' }, { op: 'replace', path: '/data/k', value: '3' }]);
    expect((await cluster.get(ref('crud')))?.['data']).toEqual({ k: '3' });
    expect([await cluster.remove(ref('crud')), await cluster.remove(ref('crud')), await cluster.get(ref('crud'))]).toEqual([true, false, undefined]);
  });
  test('lists in pages', async () => {
    await Promise.all(Array.from({ length: 520 }, (_, index) => cluster.create({ ...configMap(`page-${index}`), metadata: { name: `page-${index}`, labels: { page: 'yes' } } })));
    const { items } = await cluster.list({ ...kinds.configMap, labelSelector: 'page=yes' });
    expect(items).toHaveLength(520);
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  });
  test('a dry run stores nothing, and says what is wrong', async () => {
    await cluster.apply(configMap('dry'), { dryRun: true });
    expect(await cluster.get(ref('dry'))).toBeUndefined();
    await expect(cluster.apply({ ...configMap('dry'), dta: {} }, { dryRun: true })).rejects.toMatchObject({ code: 'KUBE_INVALID', message: expect.stringContaining('dta') as string });
  });
  test('writes that come too late are conflicts', async () => {
    const made = await cluster.create(configMap('late', { k: '1' }));
    await cluster.update({ ...made, data: { k: '2' } });
    await expect(cluster.update(made)).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    await expect(cluster.patch(ref('late'), [{ op: 'test', path: '/data/k', value: '1' }, { op: 'replace', path: '/data/k', value: '9' }])).rejects.toMatchObject({ code: 'KUBE_CONFLICT', message: expect.stringContaining('nothing was changed') as string });
    await expect(cluster.remove(ref('late'), { uid: '00000000-0000-0000-0000-000000000000' })).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    await expect(cluster.create(configMap('late'))).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
    expect((await cluster.get(ref('late')))?.['data']).toEqual({ k: '2' });
  });
  test('fields of another manager are a conflict that names it', async () => {
    await cluster.apply(configMap('owned', { k: '1' }), { manager: 'somebody' });
    await expect(cluster.apply(configMap('owned', { k: '2' }))).rejects.toMatchObject({ code: 'KUBE_CONFLICT', hint: expect.stringMatching(/\.data\.k .*somebody/) as string });
    await cluster.apply(configMap('owned', { k: '2' }), { force: true });
    expect((await cluster.get(ref('owned')))?.['data']).toEqual({ k: '2' });
  });
  test('a missing permission is told as the rule that would give it', async () => {
    await expect(ci.patch({ ...kinds.deployment, name: 'shop' }, [])).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', hint: expect.stringContaining('- apiGroups: ["apps"]\n  resources: ["deployments"]\n  verbs: ["patch"]') as string });
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] };
    await expect(ci.create(configMap('ci'))).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' });
    await cluster.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'ci' }, rules: [rule] });
    await cluster.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'ci' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'ci' }, subjects: [{ kind: 'User', name: 'ci', apiGroup: 'rbac.authorization.k8s.io' }] });
    await expect.poll(() => ci.create(configMap('ci')).then(() => 'made', () => 'refused')).toBe('made');
  });
  test.each([['a token that nobody knows', { token: 'wrong-token' }, 'KUBE_UNAUTHORIZED'], ['an authority of the machine', { tls: {} }, 'KUBE_PROTOCOL']])('%s', async (_, changes, code) => {
    await expect(connectCluster({ ...readKubeconfig(server.kubeconfig('admin')), ...changes }, ctx).get(ref('a'))).rejects.toMatchObject({ code });
  });
  test('a kind that is not served, a namespace that is not there', async () => {
    await expect(cluster.get({ ...kinds.httpRoute, name: 'x' })).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' });
    await expect(cluster.create({ ...configMap('x'), metadata: { name: 'x', namespace: 'nowhere' } })).rejects.toMatchObject({ code: 'KUBE_NOT_FOUND' });
  });
});

test('waiting goes on over a restart of the API server', async () => {
  await cluster.create({ ...kinds.deployment, metadata: { name: 'slow' }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x' }] } } } });
  const waiting = waitReady(cluster, { objects: [{ ...kinds.deployment, name: 'slow' }], podSelector: 'a=b', timeoutSeconds: 120, clock: ctx.clock, signal: ctx.signal });
  await server.restart();
  const deployment = await cluster.get({ ...kinds.deployment, name: 'slow' });
  // The status that its controller would write, were there one.
  const access = readKubeconfig(server.kubeconfig('admin'));
  const response = await ctx.fetchOver(access.tls)(`${access.server}/apis/apps/v1/namespaces/web/deployments/slow/status`, {
    method: 'PATCH', headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status: { observedGeneration: deployment?.metadata.generation, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 } }),
  });
  expect(response.status).toBe(200);
  expect(await waiting).toMatchObject({ state: 'ready' });
});

test('the lock is given to one at a time, and its lease is as Kubernetes wants it', async () => {
  const take = (run: string, work: () => Promise<unknown>) => withLease({ cluster, name: 'shop', namespace: 'web', run: `https://ci.example/${run}`, attempt: 1, clock: ctx.clock, log: ctx.log, signal: ctx.signal, durationSeconds: 3 }, work);
  const outcome = await take('one', async () => {
    await ctx.clock.sleep(4);
    return Promise.allSettled([take('two', () => Promise.resolve('worked'))]);
  });
  expect(outcome).toMatchObject([{ status: 'rejected', reason: { code: 'KUBE_LOCKED' } }]);
  expect(await take('three', () => Promise.resolve('worked'))).toBe('worked');
});

test('the journal refuses a writer that did not read what stands there', async () => {
  const record: CanaryRecord = { version: 1, run: 'https://ci.example/1', image: 'i', stage: 'installing', stableRevision: 1 };
  const open = (fence: number) => openJournal({ cluster, namespace: 'web', release: 'shop', fence });
  const [old, next] = [open(1), open(2)];
  await old.write(record, ctx.signal);
  await next.read(ctx.signal);
  await next.write({ ...record, stage: 'routing' }, ctx.signal);
  await expect(old.write({ ...record, stage: 'promoting' }, ctx.signal)).rejects.toMatchObject({ code: 'KUBE_CONFLICT' });
  expect((await open(2).read(ctx.signal))?.stage).toBe('routing');
  await next.remove(ctx.signal);
});

test('an arm is a release of its own: installed, read, upgraded, rolled back', async () => {
  const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-config}
data: {template: "{{ not ours }} {{{{"}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: web, image: "x@sha256:${'a'.repeat(64)}", envFrom: [{configMapRef: {name: shop-config}}]}]}
`;
  const kubeconfig = join(ctx.scratch, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig('admin'), { mode: 0o600 });
  const helm = createHelm(ctx, { kubeconfig, namespace: 'web' });
  const arm = makeArm(readManifest(manifest, 'the chart'), { arm: 'canary', release: 'shop', namespace: 'web', service: 'shop', replicas: 1 });
  const chart = await writeChart(ctx.files, join(ctx.scratch, 'arm'), wrapChart(arm.objects, { name: 'shop-canary', version: '0.0.1', appVersion: 'x' }));
  const upgrade = { release: 'shop-canary', chart, timeoutSeconds: 60, historyMax: 3, description: 'run 1: canary', serverSide: 'auto', labels: { run: '1' } } as const;
  await helm.upgrade({ ...upgrade, dryRun: true });
  expect(await listRevisions(cluster, 'shop-canary')).toEqual([]);
  await helm.upgrade(upgrade);
  await helm.upgrade(upgrade);
  expect((await cluster.get(ref('shop-config-canary')))?.['data']).toEqual({ template: '{{ not ours }} {{{{' });
  const revisions = await listRevisions(cluster, 'shop-canary');
  expect(revisions.map(({ revision, status }) => [revision, status])).toEqual([[1, 'superseded'], [2, 'deployed']]);
  const record = await getRelease(cluster, 'shop-canary', 2);
  expect(record).toMatchObject({ name: 'shop-canary', revision: 2, status: 'deployed', description: 'run 1: canary', appliedBy: 'server' });
  const { stdout } = await ctx.exec.run({ file: (await ctx.tools.locate('helm')).path, args: ['get', 'manifest', 'shop-canary', '--namespace=web', `--kubeconfig=${kubeconfig}`], timeoutSeconds: 60 });
  expect(readManifest(record.manifest, 'm')).toEqual(readManifest(stdout, 'm'));
  await helm.rollback({ release: 'shop-canary', revision: 1, timeoutSeconds: 60, historyMax: 3 });
  expect((await listRevisions(cluster, 'shop-canary')).at(-1)).toMatchObject({ revision: 3, status: 'deployed' });
  await expect(helm.upgrade({ ...upgrade, chart: join(ctx.scratch, 'nothing') })).rejects.toMatchObject({ code: 'HELM_FAILED' });
});

test('what helm renders is what an upgrade would apply', async () => {
  const kubeconfig = join(ctx.scratch, 'kubeconfig');
  const helm = createHelm(ctx, { kubeconfig, namespace: 'web' });
  const chart = join(ctx.scratch, 'rendered');
  await writeChart(ctx.files, chart, { 'Chart.yaml': '{"apiVersion":"v2","name":"c","version":"0.0.1"}', 'templates/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {v: {{ .Values.v | quote }}, u: {{ .Release.IsUpgrade | quote }}}\n', 'templates/h.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\n' });
  const objects = readManifest(await helm.render({ release: 'r', chart, upgrade: true, set: [{ key: 'v', value: 'a,b={c}\\', text: true }] }), 'm');
  expect(objects).toMatchObject([{ kind: 'ConfigMap', metadata: { name: 'r' }, data: { v: 'a,b={c}\\', u: 'true' } }]);
});
