// SPDX-License-Identifier: Apache-2.0
// A cluster of a few lines, for tests of the canary: it counts effects, and can kill the run before or after any of them.
import { Failure, type Clock } from '@pratique/core';
import type { Arm } from '../judge/slot.ts';
import type { CanaryRecord } from './record.ts';
import { allStable, type Weights } from '../traffic/weights.ts';
import type { ArmLoss, CanaryWorld, Look } from './world.ts';

/** Where a run ends without a word: around its n-th effect, from 1. */
export interface Kill {
  readonly effect: number;
  readonly when: 'before' | 'after';
}

/** What is wrong in this world. */
export interface Faults {
  readonly kill?: Kill;
  /** Share of failures of the canary's answers, 0 to 1. Default as the baseline's, 0. */
  readonly canaryShare?: number;
  /** Requests per second on the whole route. Default 400. */
  readonly rate?: number;
  /** The new main release is half there, and its upgrade fails with this. */
  readonly mainBroken?: 'CANARY_NOT_READY' | 'HELM_FAILED';
  /** Evidence that is there at the start, and not at the n-th question. */
  readonly revokedAt?: number;
  /** For so many looks the gateway ignores weights: everything goes to stable. */
  readonly splitIgnored?: number;
  /** An upgrade of the main release that somebody began, nobody knows who. */
  readonly pending?: boolean;
  /** This arm does not answer before any traffic. */
  readonly unreachable?: Arm;
  /** This arm dies after an effect. */
  readonly dies?: { readonly arm: Arm; readonly after: string };
  /** The watch of the pods breaks off after an effect. */
  readonly blindAfter?: string;
  /** Called at each effect, to cancel or to change something. */
  readonly onEffect?: (effect: number, name: string) => void;
}

/** The state of the cluster; it outlives a killed run. */
export interface Cluster {
  main: { revision: number; image: string; settled: boolean } | undefined;
  readonly history: string[];
  readonly twins: Set<Arm>;
  route: { readonly weights: Weights; readonly open: boolean };
  record: CanaryRecord | undefined;
  effects: string[];
  /** Rules that no moment may break, and were broken. */
  readonly broken: string[];
}

/** A cluster with a stable release, or an empty one. */
export function createCluster({ empty = false } = {}): Cluster {
  return {
    main: empty ? undefined : { revision: 3, image: 'old', settled: true }, history: ['', 'oldest', 'older', 'old'], twins: new Set(), route: { weights: allStable, open: false }, record: undefined, effects: [], broken: [],
  };
}

const killed = (): Promise<never> => new Promise(() => undefined);

/** One run's view of the cluster. A killed run hangs for ever, as one that is gone does. */
export function enterCluster(cluster: Cluster, faults: Faults = {}): { readonly world: CanaryWorld; readonly dead: Promise<'dead'> } {
  let count = 0;
  let looks = 0;
  let gone = false;
  const pods = createPodWatch(faults);
  let die: () => void = () => undefined;
  const dead = new Promise<'dead'>((resolve) => (die = () => resolve('dead')));
  const end = (): Promise<never> => {
    gone = true;
    die();
    return killed();
  };
  const effect = async (name: string, change: () => void, signal: AbortSignal): Promise<void> => {
    if (gone) return killed();
    signal.throwIfAborted();
    count += 1;
    faults.onEffect?.(count, name);
    if (faults.kill?.effect === count && faults.kill.when === 'before') return end();
    change();
    cluster.effects.push(name);
    pods.tell(name);
    if (cluster.route.open && (['canary', 'baseline'] as const).some((arm) => cluster.route.weights[arm] > 0 && !cluster.twins.has(arm))) cluster.broken.push(`traffic to a twin that is not there, after ${name}`);
    if (faults.kill?.effect === count && faults.kill.when === 'after') return end();
  };
  const clock = createSimulatedClock();
  const world: CanaryWorld = {
    clock, log: { line: () => undefined, notice: () => undefined, group: (_title, work) => work() },
    releases: createReleases(cluster, faults, effect),
    traffic: createTraffic(cluster, effect),
    probe: () => (faults.unreachable === undefined ? Promise.resolve() : Promise.reject(new Failure({ code: 'CANARY_UNREACHABLE', message: `the ${faults.unreachable} does not answer` }))),
    armLoss: pods.armLoss,
    look: () => Promise.resolve(simulatedLook(cluster, faults, (looks += 1))),
    requireEvidence: createEvidence(faults),
    residue: () => Promise.resolve([...cluster.twins]),
    journal: createJournal(cluster, effect),
  };
  return { world, dead };
}

type Effect = (name: string, change: () => void, signal: AbortSignal) => Promise<void>;

function createTraffic(cluster: Cluster, effect: Effect): CanaryWorld['traffic'] {
  return {
    originals: () => Promise.resolve('originals'),
    open: (_originals, signal) => effect('open', () => void (cluster.route = { weights: cluster.route.open ? cluster.route.weights : allStable, open: true }), signal),
    shift: (weights, signal) => effect(`shift ${weights.canary}`, () => void (cluster.route = { weights, open: true }), signal),
    close: (_originals, signal) => effect('close', () => void (cluster.route = { weights: allStable, open: false }), signal),
    settle: () => Promise.resolve(),
  };
}

function createJournal(cluster: Cluster, effect: Effect): CanaryWorld['journal'] {
  return {
    read: () => Promise.resolve(cluster.record),
    write: (record, signal) => effect(`record ${record.stage}`, () => void (cluster.record = record), signal),
    remove: (signal) => effect('record removed', () => void (cluster.record = undefined), signal),
  };
}

function createReleases(cluster: Cluster, faults: Faults, effect: Effect): CanaryWorld['releases'] {
  return {
    main: () => Promise.resolve(cluster.main),
    mendMain: () => (faults.pending === true ? Promise.reject(new Failure({ code: 'HELM_PENDING', message: 'somebody upgrades it' })) : Promise.resolve()),
    installTwin: (arm, signal) => effect(`install ${arm}`, () => void cluster.twins.add(arm), signal),
    removeTwin: (arm, signal) => effect(`remove ${arm}`, () => void cluster.twins.delete(arm), signal),
    async upgradeMain(signal) {
      const revision = (cluster.main?.revision ?? 0) + 1;
      await effect('upgrade', () => void (cluster.main = { revision, image: 'new', settled: faults.mainBroken === undefined }), signal);
      if (faults.mainBroken !== undefined) throw new Failure({ code: faults.mainBroken, message: 'the new pods do not get ready' });
      return revision;
    },
    async settleMain(signal) {
      await effect('settle', () => undefined, signal);
      return cluster.main?.revision ?? 0;
    },
    rollBackMain: (revision, signal) => effect('roll back', () => void (cluster.main = { revision: (cluster.main?.revision ?? 0) + 1, image: cluster.history[revision] ?? '?', settled: true }), signal),
    removeMain: (signal) => effect('remove main', () => void (cluster.main = undefined), signal),
  };
}

function createEvidence({ revokedAt }: Faults): CanaryWorld['requireEvidence'] {
  let asked = 0;
  return () => {
    asked += 1;
    if (revokedAt === undefined || asked < revokedAt) return Promise.resolve();
    return Promise.reject(new Failure({ code: 'VERDICT_REFUSED', message: 'the newest verdict was revoked' }));
  };
}

/** The watch of the pods, told of each effect. */
function createPodWatch({ dies, blindAfter }: Faults): { readonly tell: (effect: string) => void; readonly armLoss: CanaryWorld['armLoss'] } {
  const { promise, resolve, reject } = Promise.withResolvers<ArmLoss>();
  promise.catch(() => undefined);
  return {
    tell(effect) {
      if (dies?.after === effect) resolve({ arm: dies.arm, explain: () => Promise.resolve(new Failure({ code: 'CANARY_NOT_READY', message: `the ${dies.arm} does not stay ready: CRASH_EXIT` })) });
      if (effect === blindAfter) reject(new Failure({ code: 'KUBE_UNAVAILABLE', message: 'the watch broke off' }));
    },
    armLoss: (signal) => Promise.race([promise, new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true }))]),
  };
}

/** Five seconds of traffic. */
function simulatedLook({ route, main }: Cluster, { canaryShare = 0, rate = 400, splitIgnored = 0 }: Faults, look: number): Look {
  const { weights } = route;
  const requests = (weight: number): number => Math.round((5 * rate * weight) / 100);
  const counts = (weight: number, share: number) => ({ requests: requests(weight), failures: Math.round(requests(weight) * share) });
  if (main?.image === 'new' && !route.open) return { metrics: { errors: { canary: counts(100, canaryShare) } } };
  const seen = look <= splitIgnored ? { stable: requests(100), baseline: 0, canary: 0 } : { stable: requests(weights.stable), baseline: requests(weights.baseline), canary: requests(weights.canary) };
  return { metrics: { errors: { baseline: counts(weights.baseline, 0), canary: counts(weights.canary, canaryShare) } }, requests: seen };
}

/** Time passes only while somebody sleeps. */
function createSimulatedClock(): Clock {
  let now = Date.parse('2026-11-20T03:00:00Z');
  return {
    now: () => new Date(now),
    sleep(seconds, signal) {
      signal?.throwIfAborted();
      now += seconds * 1000;
      return Promise.resolve();
    },
  };
}
