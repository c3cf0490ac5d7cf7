// SPDX-License-Identifier: Apache-2.0
// The lab's cluster: real programs from up to down. Pods run from released repositories only, weights split traffic, and nothing is left, not even by a lab that was killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '@pratique/core';
import { findPreset } from '@pratique/kube';
import { sendLoad, startCluster, startLab } from '@pratique/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTraces, tracesOf, type Traces } from '../fixtures/cluster-traces.ts';
import { startClusterWorld, type ClusterWorld } from '../fixtures/cluster-world.ts';
import { instantQuery } from '../fixtures/prometheus.ts';
import { checkout } from '../tools/runtime.mjs';

const before = await readTraces();
let world: ClusterWorld | undefined;
const use = (): ClusterWorld => {
  if (world === undefined) throw new Error('the cluster has not started');
  return world;
};

beforeAll(async () => {
  world = await startClusterWorld();
  process.stderr.write(`cluster up after ${(world.cluster.startMillis / 1000).toFixed(1)} s\n`);
}, 3_600_000);
afterAll(() => world?.[Symbol.asyncDispose]());

async function ok(ended: Promise<{ exitCode: number; stdout: string; stderr: string }>): Promise<string> {
  const { exitCode, stdout, stderr } = await ended;
  expect(`${exitCode} ${exitCode === 0 ? '' : stderr}`).toBe('0 ');
  return stdout;
}

/** What tells a cluster's traces from those of other clusters on this machine: who made it, and the number of its link. */
interface Maker {
  readonly pid: number | undefined;
  readonly gateway: string;
}

/** Traces that are there now and were not at the start, save those of others, which may start and end meanwhile. */
async function newTraces(...makers: readonly Maker[]): Promise<Record<string, readonly string[]>> {
  const pids = new Set(makers.map(({ pid }) => String(pid)));
  const links = new Set(makers.map(({ gateway }) => gateway.split('.')[2]));
  const isOurs = (line: string): boolean => {
    const [, group] = /pratique-lab-(\d+)-/.exec(line) ?? [];
    const [, name, address] = /pq-lab-(\d+)|10\.203\.(\d+)\./.exec(line) ?? [];
    const link = name ?? address;
    return (group === undefined || pids.has(group)) && (link === undefined || links.has(link));
  };
  const now = Object.entries(await readTraces()) as [keyof Traces, readonly string[]][];
  return Object.fromEntries(now.map(([kind, found]) => [kind, found.filter((line) => !before[kind].includes(line) && isOurs(line))] as const).filter(([, found]) => found.length > 0));
}

/** Asks until the answer does; after a minute the last one is returned all the same, for the test to judge. */
async function settle<T>(ask: () => Promise<T>, does: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + 60_000; ; ) {
    const answer = await ask();
    if (does(answer) || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

const install = (namespace: string, release: string, image: string, ...more: string[]): Promise<string> =>
  ok(use().helm('install', release, use().chart, '--namespace', namespace, '--create-namespace', '--wait', '--timeout', '90s', '--set', `image=${image}`, '--set', `route.host=${namespace}.example`, ...more));

async function countOf(service: string): Promise<number> {
  const [total] = await instantQuery(use().cluster.prometheus, `sum(${findPreset('traefik').requests({ namespace: 'split', service, port: 80 })})`);
  return total?.value ?? 0;
}

describe('pods', () => {
  test('run an image of a released repository, by digest, under the restricted pod security standard', async () => {
    const image = await use().pushApplication('acme/app', '1.0.0');
    await ok(use().kubectl('create', 'namespace', 'released'));
    await ok(use().kubectl('label', 'namespace', 'released', 'pod-security.kubernetes.io/enforce=restricted'));
    await install('released', 'app', image);
    const { items } = (await use().read('get', 'pods', '--namespace', 'released')) as { items: { status: { containerStatuses: { imageID: string; ready: boolean }[] } }[] };
    expect(items.map(({ status }) => status.containerStatuses.map(({ imageID, ready }) => [imageID, ready]))).toEqual([[[image, true]]]);
    const report = await settle(() => sendLoad({ url: use().cluster.gateway, host: 'released.example', rate: 1, seconds: 1 }), ({ versions }) => versions['1.0.0'] === 1);
    expect(report.versions).toEqual({ '1.0.0': 1 });
  });

  test('cannot run an image that is still in quarantine, and the event says why', async () => {
    const image = await use().pushApplication('quarantine/acme/app', '1.0.1');
    const ended = await use().helm('install', 'app', use().chart, '--namespace', 'held', '--create-namespace', '--set', `image=${image}`);
    expect(ended.exitCode).toBe(0);
    const messages = await settle(async () => {
      const { items } = (await use().read('get', 'events', '--namespace', 'held')) as { items: { reason: string; message: string }[] };
      return items.filter(({ reason }) => reason === 'Failed').map(({ message }) => message);
    }, (found) => found.some((message) => message.includes('ImagePullBackOff')));
    expect(messages.join('\n')).toMatch(/quarantine\/acme\/app@sha256:[0-9a-f]{64}.*insufficient_scope: authorization failed/);
  });

  test('without any login at the registry do not run either; with it again they do', async () => {
    const image = await use().pushApplication('acme/other', '1.0.0');
    await use().cluster.setPullIdentity(undefined);
    await ok(use().helm('install', 'app', use().chart, '--namespace', 'anonymous', '--create-namespace', '--set', `image=${image}`));
    const waiting = async (): Promise<string> => (await use().kubectl('get', 'pods', '--namespace', 'anonymous', '-o', 'jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}')).stdout;
    expect(await settle(waiting, (reason) => reason === 'ImagePullBackOff')).toBe('ImagePullBackOff');
    const { username, password } = use().lab.addresses.tokens.acr.cluster;
    await use().cluster.setPullIdentity({ username, password });
    await ok(use().kubectl('delete', 'pods', '--all', '--namespace', 'anonymous'));
    await ok(use().kubectl('wait', 'deployment/app', '--for=condition=Available', '--namespace', 'anonymous', '--timeout=60s'));
  });

  test('have no way out: neither they nor the node have a route to anywhere else', async () => {
    const route = await use().cluster.runInNamespace('ip', ['route', 'get', '192.0.2.1']);
    expect([route.exitCode, route.stderr]).toEqual([2, expect.stringContaining('unreachable')]);
  });
});

test('weights of an HTTPRoute split traffic, and the counters of the gateway say the same', async () => {
  const [stable, canary] = await Promise.all([use().pushApplication('acme/app', '2.0.0'), use().pushApplication('acme/app', '2.1.0')]);
  await Promise.all([install('split', 'app', stable), install('split', 'next', canary, '--set', 'route.enabled=false')]);
  const refs = [{ name: 'app', port: 80, weight: 90 }, { name: 'next', port: 80, weight: 10 }];
  await ok(use().kubectl('patch', 'httproute', 'app', '--namespace', 'split', '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec/rules/0/backendRefs', value: refs }])));
  const load = (rate: number, seconds: number) => sendLoad({ url: use().cluster.gateway, host: 'split.example', rate, seconds, concurrency: 50 });
  await settle(() => load(20, 1), ({ versions }) => versions['2.1.0'] !== undefined);
  // Counters are read when they have stopped: what was sent before is in them.
  const counts = async (): Promise<readonly number[]> => Promise.all([countOf('app'), countOf('next')]);
  const sum = ([app = 0, next = 0]: readonly number[]): number => app + next;
  const still = async (): Promise<readonly number[]> => {
    let last = -1;
    return settle(counts, (now) => sum(now) === last || ((last = sum(now)), false));
  };
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const start = await still();
  const report = await load(100, 2);
  expect(report).toMatchObject({ requests: 200, statuses: { 200: 200 }, failures: {} });
  expect(Math.abs((report.versions['2.1.0'] ?? 0) - 20)).toBeLessThanOrEqual(2);
  const end = await settle(counts, (now) => sum(now) - sum(start) >= 200);
  expect(end.map((count, index) => count - (start[index] ?? 0))).toEqual([report.versions['2.0.0'], report.versions['2.1.0']]);
});

test('a component that is killed can be started again, and the pods served all the time', async () => {
  const { cluster } = use();
  const traffic = sendLoad({ url: cluster.gateway, host: 'released.example', rate: 20, seconds: 5 });
  await cluster.stop('kube-apiserver', 'SIGKILL');
  expect((await use().kubectl('get', '--raw', '/readyz')).exitCode).toBe(1);
  await cluster.start('kube-apiserver');
  expect((await settle(() => use().kubectl('get', '--raw', '/readyz'), ({ exitCode }) => exitCode === 0)).stdout).toBe('ok');
  expect(await traffic).toMatchObject({ requests: 100, statuses: { 200: 100 } });
});

test('down leaves nothing: no process, namespace, mount, interface, route, rule, control group, kernel setting or file', async () => {
  const maker = { pid: process.pid, gateway: use().cluster.gateway };
  const during = await tracesOf(use().cluster);
  expect(during.processes.length).toBeGreaterThan(10);
  expect(Object.keys(await newTraces(maker))).toEqual(['links', 'routes', 'controlGroups']);
  await use()[Symbol.asyncDispose]();
  world = undefined;
  expect((await during.again()).processes).toEqual([]);
  expect(await newTraces(maker)).toEqual({});
});

test('a program that ends at once fails the start with the end of its log, and nothing is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'failing-'));
  const lab = await startLab({ folder });
  const ours = () => newTraces({ pid: process.pid, gateway: '' });
  const atFirst = await ours();
  const locate = (name: string) => Promise.resolve({ name, path: name === 'kube-apiserver' ? '/bin/cat' : name === 'busybox' ? '/bin/busybox' : '/bin/true', version: '1.0.0', origin: 'path' as const });
  const thrown: unknown = await startCluster({ lab, tools: { locate } }).catch((failure: unknown) => failure);
  expect(thrown).toMatchObject({ code: 'LAB_CLUSTER_FAILED', message: 'kube-apiserver has ended before the API server is ready' });
  expect(thrown instanceof Failure && thrown.hint).toContain('unrecognized option');
  expect(await ours()).toEqual(atFirst);
  await lab.close();
  await rm(folder, { recursive: true });
});

describe('a lab that is killed', () => {
  let folder: string;
  const labs: ChildProcess[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'killed-'));
  });
  afterAll(async () => {
    for (const lab of labs) lab.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  const up = async () => {
    const child = spawn(process.execPath, [join(checkout, 'packages/cli/src/main.ts'), 'lab', 'up', '--cluster', '--json', '--data', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    labs.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'close');
    while (!said.trimEnd().endsWith('}') && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 100));
    return { child, ended, cluster: (JSON.parse(said) as { cluster: { gateway: string } }).cluster };
  };

  const makerOf = ({ child, cluster }: Awaited<ReturnType<typeof up>>): Maker => ({ pid: child.pid, gateway: cluster.gateway });

  test('takes its cluster with it; the next one in the same place clears the rest, starts, and leaves nothing', async () => {
    const first = await up();
    first.child.kill('SIGKILL');
    await first.ended;
    const left = await settle(() => newTraces(makerOf(first)), ({ links }) => links === undefined);
    expect(Object.keys(left)).toEqual(['controlGroups']);
    const second = await up();
    expect((await fetch(second.cluster.gateway)).status).toBe(404);
    second.child.kill('SIGTERM');
    expect(await second.ended).toEqual([0, null]);
    expect(await newTraces(makerOf(first), makerOf(second))).toEqual({});
  });
});
