// SPDX-License-Identifier: Apache-2.0
// The lab's other ways to split and to count, on real programs: annotations of ingress-nginx, and Prometheus asking pods themselves.
import { findPreset } from '@pratique/kube';
import { sendLoad, type LoadReport } from '@pratique/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClusterWorld, type ClusterWorld } from '../fixtures/cluster-world.ts';
import { until } from '../fixtures/deploy-case.ts';
import { instantQuery } from '../fixtures/prometheus.ts';

const namespace = 'annotated';
let world: ClusterWorld;
const load = (rate: number, seconds: number, signal?: AbortSignal): Promise<LoadReport> => sendLoad({ url: world.cluster.gateway, host: `${namespace}.example`, rate, seconds, concurrency: 50, ...(signal && { signal }) });

async function ok(ended: Promise<{ exitCode: number; stderr: string }>): Promise<void> {
  const { exitCode, stderr } = await ended;
  expect(`${exitCode} ${exitCode === 0 ? '' : stderr}`).toBe('0 ');
}

beforeAll(async () => {
  world = await startClusterWorld();
  const install = async (release: string, version: string, setting: string): Promise<void> => {
    const image = await world.pushApplication('acme/app', version);
    await ok(world.helm('install', release, world.chart, '--namespace', namespace, '--create-namespace', '--wait', '--timeout', '90s', '--set', `image=${image},scrape=true,route.host=${namespace}.example,${setting}`));
  };
  await install('app', '1.0.0', 'route.ingress=true');
  await install('next', '1.1.0', 'route.enabled=false');
  await until('the Ingress serves', async () => (await load(1, 1)).versions['1.0.0'] === 1);
}, 3_600_000);
afterAll(() => world[Symbol.asyncDispose]());

const annotation = (name: string): string => `nginx.ingress.kubernetes.io/${name}`;
const create = (weight: number): Promise<void> =>
  ok(world.kubectl('create', 'ingress', 'next', '--namespace', namespace, '--class=nginx', `--rule=${namespace}.example/*=next:80`, `--annotation=${annotation('canary')}=true`, `--annotation=${annotation('canary-weight')}=${weight}`));
const weigh = (weight: number): Promise<void> => ok(world.kubectl('annotate', 'ingress', 'next', '--namespace', namespace, '--overwrite', `${annotation('canary-weight')}=${weight}`));
/** A change has come through when the newest answers show it. */
const serves = (versions: readonly string[]): Promise<void> => until(`${versions.join(' and ')} answer`, async () => Object.keys((await load(20, 1)).versions).sort().join() === versions.join());

/** What the gateway has counted of each Service of the Ingress. */
async function gatewayCounts(): Promise<readonly number[]> {
  const ingress = { name: 'app', service: 'app', port: 80 };
  return Promise.all(['app', 'next'].map((service) => total(findPreset('traefik').requests({ namespace, service, port: 80, ingress }))));
}

/** What the pods of each release have counted themselves. */
const podCounts = (): Promise<readonly number[]> => Promise.all(['app', 'next'].map((release) => total(`app_requests_total{namespace="${namespace}",pod=~"${release}-.*"}`)));

const total = async (selector: string): Promise<number> => (await instantQuery(world.cluster.prometheus, `sum(${selector})`))[0]?.value ?? 0;

test('an annotated Ingress splits, its weight is honoured, and nothing is lost when it comes, changes and goes', async () => {
  const end = new AbortController();
  const traffic = load(50, 600, end.signal);
  await create(50);
  await serves(['1.0.0', '1.1.0']);
  await weigh(0);
  await serves(['1.0.0']);
  await weigh(100);
  await serves(['1.1.0']);
  await ok(world.kubectl('delete', 'ingress', 'next', '--namespace', namespace));
  await serves(['1.0.0']);
  end.abort();
  const { requests, heldBack, statuses } = await traffic;
  expect([requests > 200, heldBack, statuses]).toEqual([true, 0, { 200: requests }]);
});

test('the gateway counts both under the names of the main Ingress, and each pod counts itself', async () => {
  await create(10);
  await serves(['1.0.0', '1.1.0']);
  // Two scrapes later all of the past is counted.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const counters = [gatewayCounts, podCounts];
  const before = await Promise.all(counters.map((read) => read()));
  const report = await load(100, 3);
  expect(report).toMatchObject({ requests: 300, statuses: { 200: 300 } });
  const sent = [report.versions['1.0.0'] ?? 0, report.versions['1.1.0'] ?? 0];
  expect(Math.abs((sent[1] ?? 0) - 30)).toBeLessThanOrEqual(3);
  for (const [index, read] of counters.entries()) {
    const grown = async (): Promise<readonly number[]> => (await read()).map((count, arm) => count - (before[index]?.[arm] ?? 0));
    await until('all is counted', async () => (await grown()).reduce((sum, one) => sum + one, 0) >= 300);
    expect(await grown()).toEqual(sent);
  }
});
