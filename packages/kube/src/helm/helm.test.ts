// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import type { Command, CommandResult } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn } from '../api-stand-in.ts';
import type { KubeObject } from '../client/object.ts';
import { checkChart, renderArguments, rollbackArguments, uninstallArguments, upgradeArguments } from './arguments.ts';
import { createHelm } from './helm.ts';
import { planRecovery, type OperationOwner } from './recovery.ts';
import { getRelease, listRevisions, readRelease, type ReleaseRevision, type ReleaseStatus } from './release-record.ts';

const to = { kubeconfig: '/k', namespace: 'web' };
const digest = `sha256:${'a'.repeat(64)}`;

describe('command lines', () => {
  const upgrade = { release: 'shop', chart: 'charts/shop', timeoutSeconds: 300, historyMax: 10, description: 'run 42', serverSide: 'auto' } as const;
  const fixed = ['--kubeconfig=/k', '--namespace=web', '--install', '--wait=hookOnly', '--timeout=300s', '--history-max=10', '--server-side=auto', '--description=run 42', '--hide-notes'];
  test.each<[string, readonly string[], readonly string[]]>([
    ['an upgrade', upgradeArguments(to, upgrade), ['upgrade', 'shop', './charts/shop', ...fixed]],
    ['an upgrade with values', upgradeArguments(to, { ...upgrade, values: ['a.yaml', 'b.yaml'], set: [{ key: 'a.b', value: '1' }, { key: 'image', value: 'x,y={z}\\', text: true }] }),
      ['upgrade', 'shop', './charts/shop', '--values=a.yaml', '--values=b.yaml', '--set=a.b=1', '--set-string=image=x\\,y=\\{z\\}\\\\', ...fixed]],
    ['an upgrade by digest, labelled, forced, without hooks, dry', upgradeArguments({ ...to, context: 'c' }, { ...upgrade, chart: `oci://r.io/c@${digest}`, labels: { run: '42', by: 'p' }, forceConflicts: true, hooks: false, dryRun: true, authorityFile: '/ca' }),
      ['upgrade', 'shop', `oci://r.io/c@${digest}`, '--ca-file=/ca', '--kubeconfig=/k', '--kube-context=c', ...fixed.slice(1), '--labels=run=42,by=p', '--force-conflicts', '--no-hooks', '--dry-run=server', '--hide-secret']],
    ['a rendering', renderArguments(to, { release: 'shop', chart: '/c', upgrade: true }), ['template', 'shop', '/c', '--kubeconfig=/k', '--namespace=web', '--no-hooks', '--skip-tests', '--dry-run=server', '--is-upgrade']],
    ['a rollback', rollbackArguments(to, { release: 'shop', revision: 3, timeoutSeconds: 60, historyMax: 10 }), ['rollback', 'shop', '3', '--kubeconfig=/k', '--namespace=web', '--wait=hookOnly', '--timeout=60s', '--history-max=10']],
    ['an uninstall', uninstallArguments(to, { release: 'shop-canary', timeoutSeconds: 60, hooks: false }), ['uninstall', 'shop-canary', '--kubeconfig=/k', '--namespace=web', '--ignore-not-found', '--cascade=foreground', '--wait=hookOnly', '--timeout=60s', '--no-hooks']],
  ])('%s', (_, args, wanted) => {
    expect(args).toEqual(wanted);
  });
  test.each([['a tag', 'oci://r.io/c:1.0'], ['nothing', 'oci://r.io/c'], ['a short digest', 'oci://r.io/c@sha256:ab'], ['a URL', 'https://x/c.tgz'], ['an option', '--post-renderer=x'], ['emptiness', '']])('a chart named by %s is refused', (_, chart) => {
    expect(() => checkChart(chart)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
  test.each(['--debug', 'Shop', 'a'.repeat(54), 'a b'])('the release name %s is refused', (release) => {
    expect(() => uninstallArguments(to, { release, timeoutSeconds: 60 })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

describe('helm', () => {
  const chart = { release: 'shop', chart: './shop', upgrade: false };
  const world = (result: Partial<CommandResult>, { ran, ...more }: { readonly renew?: () => Promise<void>; readonly ran?: () => void } = {}) => {
    const commands: Command[] = [];
    const run = (command: Command): Promise<CommandResult> => (ran?.(), commands.push(command), Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ...result }));
    return { commands, helm: createHelm({ exec: { run }, tools: { locate: (name) => Promise.resolve({ name, path: '/bin/helm', version: '4.2.4', origin: 'path' }) }, scratch: '/s', clock: { now: () => new Date(), sleep: () => Promise.resolve() }, files: { open: () => Promise.resolve(undefined), write: () => Promise.resolve(), remove: () => Promise.resolve() } }, { ...to, ...more }) };
  };
  test('has its kubeconfig written anew before each command', async () => {
    const order: string[] = [];
    const { helm } = world({}, { renew: () => Promise.resolve(void order.push('renewed')), ran: () => order.push('ran') });
    await helm.render(chart);
    await helm.uninstall({ release: 'shop', timeoutSeconds: 60 });
    expect(order).toEqual(['renewed', 'ran', 'renewed', 'ran']);
  });
  test('runs with folders of its own, and shows nobody what it prints', async () => {
    const { helm, commands } = world({ stdout: 'kind: Secret\n' });
    expect(await helm.render(chart)).toBe('kind: Secret\n');
    expect(commands[0]).toMatchObject({ file: '/bin/helm', env: { HELM_CONFIG_HOME: '/s/helm/config', HELM_CACHE_HOME: '/s/helm/cache', HELM_DATA_HOME: '/s/helm/data' }, timeoutSeconds: 120 });
    expect(commands[0]).not.toHaveProperty('onLine');
  });
  test.each([
    ['a pending release', 'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress', 'HELM_PENDING'],
    ['a quota', 'Error: UPGRADE FAILED: pods "a" is forbidden: exceeded quota: small', 'KUBE_DENIED'],
    ['a conflict', 'Error: UPGRADE FAILED: conflict occurred while applying object web/shop apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with "kubectl"', 'KUBE_CONFLICT'],
    ['an unreachable cluster', 'Error: Kubernetes cluster unreachable: Get "https://x": dial tcp: i/o timeout', 'KUBE_UNAVAILABLE'],
    ['a missing permission', 'Error: query: failed: secrets is forbidden: User "ci" cannot list resource "secrets"', 'KUBE_FORBIDDEN'],
    ['a broken chart', 'level=WARN\nError: template: shop/templates/a.yaml:3: bad', 'HELM_FAILED'],
    ['silence', '', 'HELM_FAILED'],
  ])('%s becomes its code', async (_, stderr, code) => {
    await expect(world({ exitCode: 1, stdout: 'password: hunter2', stderr }).helm.render(chart)).rejects.toMatchObject({ code, message: expect.not.stringContaining('hunter2') as string });
  });
});

const packed = (record: unknown): string => Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
const secret = (revision: number, status: string, data: string = packed({ name: 'shop', namespace: 'web', version: revision, info: { status, description: 'd' }, chart: { metadata: { name: 'c', version: '1.0.0' } }, manifest: 'kind: X', apply_method: 'ssa' })): KubeObject => ({
  apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1', metadata: { name: `sh.helm.release.v1.shop.v${revision}`, namespace: 'web', labels: { owner: 'helm', name: 'shop', status, version: String(revision), modifiedAt: '1767225600' } }, data: { release: data },
});

describe('records', () => {
  test('are listed by revision from labels alone', async () => {
    const api = createApiStandIn([secret(10, 'pending-upgrade', 'unreadable'), secret(9, 'deployed')]);
    expect((await listRevisions(connectTo(api.handle), 'shop')).map(({ revision, status, modifiedAt }) => [revision, status, modifiedAt.toISOString()])).toEqual([[9, 'deployed', '2026-01-01T00:00:00.000Z'], [10, 'pending-upgrade', '2026-01-01T00:00:00.000Z']]);
  });
  test('are read by revision', async () => {
    const cluster = connectTo(createApiStandIn([secret(3, 'deployed')]).handle);
    expect((await getRelease(cluster, 'shop', 3)).manifest).toBe('kind: X');
    await expect(getRelease(cluster, 'shop', 4)).rejects.toMatchObject({ code: 'HELM_RELEASE_INVALID', message: 'the release shop has no revision 4' });
  });
  test('are unpacked', () => {
    expect(readRelease(secret(3, 'deployed'))).toEqual({ name: 'shop', namespace: 'web', revision: 3, status: 'deployed', description: 'd', chart: { name: 'c', version: '1.0.0' }, manifest: 'kind: X', appliedBy: 'server' });
  });
  test.each<[string, string]>([
    ['emptiness', ''], ['no base64', '!!!'], ['broken gzip', Buffer.from(Buffer.from([0x1f, 0x8b, 8, 0, 1]).toString('base64')).toString('base64')], ['JSON of another shape', packed([1])],
    ['a status that helm does not have', packed({ version: 1, info: { status: 'fine' } })], ['a bomb', packed({ manifest: 'a'.repeat(33 * 1024 * 1024) })],
  ])('with %s are refused', (_, data) => {
    expect(() => readRelease(secret(1, 'deployed', data))).toThrow(expect.objectContaining({ code: 'HELM_RELEASE_INVALID' }));
  });
});

describe('recovery', () => {
  const history = (...list: ReleaseStatus[]): ReleaseRevision[] => list.map((status, index) => ({ release: 'shop', revision: index + 1, status, secret: { name: 's', uid: 'u', resourceVersion: '1' }, modifiedAt: new Date(0) }));
  const dead: OperationOwner = { state: 'dead', evidence: 'lease ended; run completed', run: 'https://x/runs/1' };
  test.each<[string, ReleaseRevision[], string, number | undefined]>([
    ['no release', [], 'none', undefined],
    ['a healthy release', history('superseded', 'deployed'), 'none', undefined],
    ['a failed release', history('deployed', 'failed'), 'none', undefined],
    ['an install that never ended', history('pending-install'), 'uninstall', undefined],
    ['an upgrade that never ended', history('superseded', 'deployed', 'pending-upgrade'), 'rollback', 2],
    ['an upgrade after a failed one', history('deployed', 'failed', 'pending-upgrade'), 'rollback', 1],
    ['a rollback that never ended', history('superseded', 'failed', 'pending-rollback'), 'rollback', 1],
    ['an upgrade of what was never deployed', history('failed', 'pending-upgrade'), 'uninstall', undefined],
    ['an uninstall that never ended', history('superseded', 'uninstalling'), 'uninstall', undefined],
  ])('%s', (_, revisions, action, revision) => {
    const plan = planRecovery(revisions, dead);
    expect([plan.action, 'revision' in plan ? plan.revision : undefined]).toEqual([action, revision]);
    if (plan.action !== 'none') expect(plan.audit).toMatchObject({ release: 'shop', owner: dead, pendingRevision: revisions.length });
  });
  test.each(['alive', 'unknown'] as const)('nothing is touched while the owner is %s', (state) => {
    expect(() => planRecovery(history('deployed', 'pending-upgrade'), { state, evidence: 'e' })).toThrow(expect.objectContaining({ code: 'HELM_PENDING' }));
  });
  test('the hint for an unknown owner is the command that would mend it', () => {
    expect(() => planRecovery(history('deployed', 'pending-upgrade'), { state: 'unknown', evidence: 'e' })).toThrow(expect.objectContaining({ hint: expect.stringContaining('helm rollback shop 1') as string }));
  });
});
