// SPDX-License-Identifier: Apache-2.0
// Traffic that no HTTPRoute splits, on a real cluster: a canary Ingress beside stable's, and pods with the labels of stable's Service. Each promotes, goes back, and
// is healed after a kill; stable drops no request, and nothing is left.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatImage, type PinnedImage } from '@pratique/core';
import { sendLoad } from '@pratique/lab';
import { describe, expect, test } from 'vitest';
import { openCase, until, type DeployCase } from '../fixtures/deploy-case.ts';
import { useDeployWorld } from '../fixtures/shared-deploy-world.ts';

const use = useDeployWorld();

/** One way to split: what the chart is told, what the deployment is told, and what a promotion reaches. */
interface Way {
  readonly name: string;
  readonly values: readonly string[];
  readonly given: Readonly<Record<string, string>>;
  readonly reached: string;
}

const byIngress: Way = { name: 'ingress', values: ['route.ingress=true'], given: {}, reached: '50/0/50' };
const byPods: Way = {
  name: 'replicas', values: ['replicas=2', 'scrape=true'], reached: '33.3/33.3/33.3',
  given: { split: 'replicas', steps: '10% 4s\n33% 4s', counters: 'application', 'counters-requests': 'app_requests_total{namespace="$namespace",pod=~"$pods"}' },
};

interface Split extends Pick<DeployCase, 'running' | 'reached'> {
  readonly stable: PinnedImage;
  readonly given: Readonly<Record<string, string>>;
  /** Ends the traffic: failed answers by version, save the canary's own, and what is there of a canary. */
  end(): Promise<{ readonly lost: Readonly<Record<string, number>>; readonly left: readonly string[] }>;
}

const untouched = { lost: {}, left: [] };

/** Installs 1.0.0, waits until it serves, and begins to send traffic. */
async function open(namespace: string, { values, given }: Way): Promise<Split> {
  const { kube, ...world } = use();
  await world.namespace(namespace);
  const stable = await world.release('1.0.0');
  const settings = [...values, `route.host=${namespace}.example`];
  const installed = await kube.helm('install', 'app', kube.chart, '--namespace', namespace, '--wait', '--timeout', '90s', '--set', [`image=${formatImage(stable)}`, ...settings].join(','));
  expect(installed).toMatchObject({ exitCode: 0 });
  await until('stable serves', async () => (await sendLoad({ url: kube.cluster.gateway, host: `${namespace}.example`, rate: 1, seconds: 1 })).versions['1.0.0'] === 1);
  const traffic = world.traffic(namespace, 100);
  const { running, reached } = openCase(use(), namespace, stable);
  return {
    stable, running, reached, given: { ...given, set: ['image=$image', ...settings].join('\n') },
    async end() {
      await sleep(1000);
      const { failedVersions } = await traffic.stop();
      const [{ stdout: objects }, { stdout: releases }] = await Promise.all([
        kube.kubectl('get', 'deployments,replicasets,pods,services,configmaps,serviceaccounts,ingresses', '--namespace', namespace, '--output', 'name'), kube.helm('list', '--all', '--short', '--namespace', namespace),
      ]);
      const left = [...objects.split('\n').filter((name) => /canary|baseline/.test(name)), ...releases.split('\n').filter((name) => name !== '' && name !== 'app')];
      return { lost: Object.fromEntries(Object.entries(failedVersions).filter(([version]) => version === '' || version === '1.0.0')), left };
    },
  };
}

/** Labels of the Service on pods of a canary; whether an Ingress has weight. */
async function hasTraffic(namespace: string): Promise<boolean> {
  const [pods, ingresses] = await Promise.all([
    use().kube.kubectl('get', 'pods', '--namespace', namespace, '--selector', 'pratique.dev/arm=canary,app.kubernetes.io/instance=app', '--output', 'name'),
    use().kube.kubectl('get', 'ingresses', '--namespace', namespace, '--selector', 'pratique.dev/arm=canary', '--output', 'jsonpath={.items[*].metadata.annotations.nginx\\.ingress\\.kubernetes\\.io/canary-weight}'),
  ]);
  return pods.stdout !== '' || !['', '0'].includes(ingresses.stdout);
}

describe.each([byIngress, byPods])('a split by $name', (way) => {
  test.concurrent('promotes a good version, which serves in the end', async () => {
    const { running, given, end } = await open(`${way.name}-good`, way);
    const next = await use().release('1.1.0');
    const { outputs } = await use().deploy(`${way.name}-good`, next, given);
    expect(outputs).toMatchObject({ verdict: 'promoted', code: '', strategy: 'canary', 'weights-reached': way.reached, revision: '2', residue: '0' });
    expect(new Set(await running())).toEqual(new Set([next.digest]));
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('takes back a version that fails 6 % of its requests', async () => {
    const { stable, running, given, end } = await open(`${way.name}-bad`, way);
    const { outputs } = await use().deploy(`${way.name}-bad`, await use().release('1.1.0', { FAIL_SHARE: '0.06' }), given);
    expect(outputs).toMatchObject({ verdict: 'rolled-back', code: 'CANARY_REGRESSION', revision: '1', residue: '0' });
    expect(new Set(await running())).toEqual(new Set([stable.digest]));
    expect(await end()).toEqual(untouched);
  });

  test.concurrent('is healed by the next run when it is killed with traffic', async () => {
    const namespace = `${way.name}-killed`;
    const { running, given, end } = await open(namespace, way);
    const next = await use().release('1.1.0');
    const process = await use().start(namespace, next, given);
    await until('the canary has traffic', () => hasTraffic(namespace), process.ended);
    await process.signal('SIGKILL');
    expect(await hasTraffic(namespace)).toBe(true);
    const { outputs: { verdict, reason, residue } } = await use().deploy(namespace, next, given);
    expect([`${verdict}: ${reason}`, residue]).toEqual([expect.stringMatching(/^promoted: /), '0']);
    expect(new Set(await running())).toEqual(new Set([next.digest]));
    expect(await end()).toEqual(untouched);
  });
});

test.concurrent('an Ingress is switched at once, and the release upgraded behind it', async () => {
  const { running, given, end } = await open('ingress-green', byIngress);
  const next = await use().release('1.1.0');
  const { outputs } = await use().deploy('ingress-green', next, { ...given, strategy: 'blue-green', 'soak-seconds': '8' });
  expect(outputs).toMatchObject({ verdict: 'promoted', strategy: 'blue-green', 'weights-reached': '0/0/100', residue: '0' });
  expect(await running()).toEqual([next.digest]);
  expect(await end()).toEqual(untouched);
});

test.concurrent('the shares that pods come to are told before the start, and those that they cannot be are refused', async () => {
  const { given, end } = await open('replicas-dry', byPods);
  const image = await use().release('1.1.0');
  const { summary } = await use().deploy('replicas-dry', image, { ...given, 'dry-run': 'true' });
  expect(summary).toContain('beside 2 of stable. 10 % asked: 1 of 4 pods each, 25.0 %. 33 % asked: 2 of 6 pods each, 33.3 %. PodDisruptionBudget app selects them too');
  await expect(use().deploy('replicas-dry', image, { ...given, steps: '50% 4s' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  expect(await end()).toEqual(untouched);
});
