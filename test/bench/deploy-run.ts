// SPDX-License-Identifier: Apache-2.0
// One canary of each contestant on the lab's cluster, by the clock: the same chart, gateway, Prometheus, traffic, steps and images.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatImage, type PinnedImage } from '@pratique/core';
import { helmDeployCanary } from '@pratique/helm-deploy-canary';
import { connectCluster, flaggerCanary, followRollout, kinds, listOf, markFlagger, numberOf, readFlagger, readKubeconfig, textOf, type Cluster } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { firstRelease } from '../fixtures/deploy-case.ts';
import type { DeployWorld } from '../fixtures/deploy-world.ts';
import { watchedRelease } from '../fixtures/flagger-world.ts';
import type { Identity } from './deploy-identity.ts';

/** What both do. */
export interface Round {
  readonly world: DeployWorld;
  readonly identity: Identity;
  readonly namespace: string;
  readonly image: PinnedImage;
  readonly weights: readonly number[];
  /** Between two weights. */
  readonly seconds: number;
}

/** What it took; times in milliseconds. */
export interface Timed {
  readonly verdict: string;
  /** From the order to the end. */
  readonly total: number;
  /** From the first traffic of the canary until it had none any more. */
  readonly exposed: number;
  /** Answers other than 200 that clients got. */
  readonly hurt: number;
  /** At the API server. */
  readonly calls: number;
}

/** Ours says more: when each line of its log came. */
export interface OursTimed extends Timed {
  /** All but the waits of the steps, and of the judge for its proof after the last one. */
  readonly beyond: number;
  /** The longest time between two steps beyond the wait of the first. */
  readonly slowestStep: number;
  /** From the last look of the judge until the canary had no traffic any more. */
  readonly turnedBack: number;
}

const rate = 100;
/** So that stable has a past before it is compared with. */
const warmUp = 15_000;

/** By helm-deploy-canary, from the process that this is. */
export async function runOurs({ world, identity, namespace, image, weights, seconds }: Round): Promise<OursTimed> {
  const { end } = await firstRelease(world, namespace, rate);
  await sleep(warmUp);
  const total = weights.length * seconds;
  const given = { steps: weights.map((weight) => `${weight}% ${seconds}s`).join('\n'), 'minimum-dwell-seconds': String(total), 'horizon-seconds': '300', kubeconfig: identity.kubeconfig };
  const { ctx, values } = await world.jobFor(namespace, image, given);
  const lines: { readonly at: number; readonly text: string }[] = [];
  const log = { ...ctx.log, line: (text: string) => void lines.push({ at: performance.now(), text }) };
  const route = await watchRoute(world, { namespace, route: 'app', backend: 'app-canary' });
  const calls = await identity.calls();
  const start = performance.now();
  const { outputs } = await helmDeployCanary.run(parseInputs(helmDeployCanary.inputs, values), { ...ctx, log });
  const ended = performance.now();
  const used = (await identity.calls()) - calls;
  const steps = lines.filter(({ text }) => text.startsWith('step ')).map(({ at }) => at);
  const looked = lines.findLast(({ text }) => /^ *\d+ s {2}stable/.test(text))?.at ?? Number.NaN;
  const between = steps.slice(1).map((at, index) => at - (steps[index] ?? at) - seconds * 1000);
  const { lost } = await end();
  const { first, last } = route.stop();
  return {
    verdict: outputs.verdict ?? '', total: ended - start, exposed: last - first, calls: used, hurt: sum(lost), turnedBack: last - looked,
    beyond: ended - start - (looked - (steps[0] ?? Number.NaN)) + between.reduce((all, one) => all + one, 0), slowestStep: Math.max(0, ...between),
  };
}

/** By `helm upgrade` and Flagger, with the default threshold of one failed check and at most 1 % failures between two looks. */
export async function runFlagger({ world, identity, namespace, image, weights, seconds }: Round): Promise<Timed> {
  const { kube } = world;
  const stable = await world.release('1.0.0');
  await watchedRelease(world, { namespace, image: stable, analysis: { interval: seconds, stepWeights: weights, threshold: 1, failures: 1, window: seconds } });
  const load = world.traffic(namespace, rate);
  await sleep(warmUp);
  const { cluster, clock } = await connect(world, namespace);
  const ref = { ...flaggerCanary, name: 'app' };
  const mark = markFlagger(await cluster.get(ref));
  const route = await watchRoute(world, { namespace, route: 'shop', backend: 'shop-canary' });
  const calls = await identity.calls();
  const start = performance.now();
  const { exitCode, stderr } = await kube.helm('upgrade', 'app', kube.chart, '--kubeconfig', identity.kubeconfig, '--namespace', namespace, '--force-conflicts', '--set', `image=${formatImage(image)}`, '--set', 'route.enabled=false');
  if (exitCode !== 0) throw new Error(stderr);
  const last = await followRollout(cluster, { ref, read: (canary) => readFlagger(canary, mark), timeoutSeconds: 900, clock, signal: new AbortController().signal, onProgress: () => undefined });
  const total = performance.now() - start;
  const used = (await identity.calls()) - calls;
  await sleep(1000);
  const { statuses } = await load.stop();
  const times = route.stop();
  await kube.kubectl('delete', 'canary', 'app', '--namespace', namespace, '--wait=false');
  const { 200: _served, ...lost } = statuses;
  return { verdict: last.state, total, exposed: times.last - times.first, calls: used, hurt: sum(lost) };
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, one) => all + one, 0);

/** As the administrator, whose calls are nobody's. */
async function connect(world: DeployWorld, namespace: string): Promise<{ readonly cluster: Cluster; readonly clock: Parameters<typeof followRollout>[1]['clock'] }> {
  const ctx = await world.gate.ctxFor('gate');
  const access = readKubeconfig(await readFile(world.kube.cluster.kubeconfig, 'utf8'));
  return { cluster: connectCluster({ ...access, namespace }, ctx), clock: ctx.clock };
}

interface Watched {
  readonly namespace: string;
  readonly route: string;
  readonly backend: string;
}

/** Notes when the backend first had a weight, and when it last lost it. */
async function watchRoute(world: DeployWorld, { namespace, route, backend }: Watched): Promise<{ stop(): { readonly first: number; readonly last: number } }> {
  const { cluster } = await connect(world, namespace);
  const end = new AbortController();
  let [first, last, before] = [Number.NaN, Number.NaN, 0];
  const follow = async (): Promise<void> => {
    for await (const change of cluster.watch({ ...kinds.httpRoute, fieldSelector: `metadata.name=${route}` }, { signal: end.signal })) {
      const object = change.type === 'listed' ? change.items[0] : change.object;
      const refs = listOf(object, 'spec', 'rules').flatMap((rule) => listOf(rule, 'backendRefs')).filter((ref) => textOf(ref, 'name') === backend);
      const weight = refs.length === 0 ? 0 : (numberOf(refs[0], 'weight') ?? 1);
      if (weight > 0 && Number.isNaN(first)) first = performance.now();
      if (weight === 0 && before > 0) last = performance.now();
      before = weight;
    }
  };
  const followed = follow();
  return {
    stop() {
      end.abort();
      void followed;
      return { first, last };
    },
  };
}
