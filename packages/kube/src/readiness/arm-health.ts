// SPDX-License-Identifier: Apache-2.0
// Watches the pods of canary and baseline while they have traffic: who dies then takes the answers of its share along.
import type { Clock } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { fieldOf, formatObject, kinds, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import type { Arm } from '../judge/slot.ts';
import { followObjects } from './collection.ts';
import { findFatalSign, noPulls, notePulls } from './fail-fast.ts';
import { conditionOf } from './object-state.ts';

/** Whom to watch. */
export interface ArmWatchOptions {
  /** Label selectors of their pods. On a first deployment there is no baseline. */
  readonly selectors: Partial<Readonly<Record<Arm, string>>>;
  readonly clock: Clock;
  /** Ends the watch: it fails with the reason. */
  readonly signal: AbortSignal;
}

/** An arm that cannot serve. */
export interface ArmTrouble {
  /** The baseline also when both are down: then it is not the canary's fault. */
  readonly arm: Arm;
  /** What was seen, on which pod. */
  readonly sign: string;
}

/** Without a ready pod nobody answers the share of the arm; this much is for a probe that failed by chance. */
const noneReadySeconds = 3;
/** With others ready, a pod may be moved and start again. */
const someUnreadySeconds = 30;

/** What the pods of one arm amount to. */
export interface ArmHealth {
  /** Why it cannot serve; `undefined` while it can. */
  readonly sign: string | undefined;
  readonly down: boolean;
}

/** Judges the pods of one arm, look by look; it remembers since when which pod is unready, how often pulls failed, and how often containers had started when they were ready first. */
export function createArmHealth(): (pods: readonly KubeObject[], now: Date) => ArmHealth {
  let pulls = noPulls;
  let since: ReadonlyMap<string, number> = new Map();
  const starts = new Map<string, number>();
  return (pods, now) => {
    const live = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const unready = live.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata.name);
    const down = unready.length === live.length;
    pulls = notePulls(pulls, live);
    since = new Map([...unready, ...(down ? [''] : [])].map((name) => [name, since.get(name) ?? now.getTime()]));
    const lasted = (name: string, seconds: number): boolean => now.getTime() - (since.get(name) ?? Infinity) >= seconds * 1000;
    const fatal = findFatalSign(live, pulls);
    const ended = live.find((pod) => containersOf(pod).some(({ key, restarts, isOver }) => starts.has(key) && (isOver || restarts > (starts.get(key) ?? 0))));
    for (const { key, restarts } of live.filter(isReady).flatMap(containersOf)) if (!starts.has(key)) starts.set(key, restarts);
    const slow = unready.find((name) => lasted(name, someUnreadySeconds));
    const sign = fatal !== undefined ? `${fatal.object}: ${fatal.reason}`
      : ended !== undefined ? `${formatObject(ended)}: a container that was ready has ended`
      : lasted('', noneReadySeconds) ? `none of its ${live.length} pods has been ready for ${noneReadySeconds} s`
      : slow !== undefined ? `Pod ${slow} has not been ready for ${someUnreadySeconds} s` : undefined;
    return { sign, down };
  };
}

const isReady = (pod: KubeObject): boolean => conditionOf(pod, 'Ready').status === 'True';

function containersOf(pod: KubeObject): readonly { readonly key: string; readonly restarts: number; readonly isOver: boolean }[] {
  return listOf(pod, 'status', 'containerStatuses').map((status) => ({
    key: `${pod.metadata.uid ?? pod.metadata.name}/${textOf(status, 'name')}`, restarts: numberOf(status, 'restartCount') ?? 0, isOver: fieldOf(status, 'state', 'terminated') !== undefined,
  }));
}

/** Watches until an arm cannot serve. Fails as watches do (`KUBE_*`), and with the reason of the signal. */
export async function watchArms(cluster: Pick<Cluster, 'watch'>, { selectors, clock, signal }: ArmWatchOptions): Promise<ArmTrouble> {
  const end = new AbortController();
  const arms = (['baseline', 'canary'] as const).flatMap((arm) => (selectors[arm] === undefined ? [] : [{ arm, selector: selectors[arm], judge: createArmHealth() }]));
  const pods = new Map<Arm, readonly KubeObject[]>();
  const find = (): ArmTrouble | undefined => {
    const seen = arms.flatMap(({ arm, judge }) => (pods.has(arm) ? [{ arm, ...judge(pods.get(arm) ?? [], clock.now()) }] : []));
    const found = seen.find(({ sign }) => sign !== undefined);
    return found?.sign === undefined ? undefined : { arm: seen.every(({ down }) => down) ? (arms[0]?.arm ?? found.arm) : found.arm, sign: found.sign };
  };
  try {
    return await new Promise<ArmTrouble>((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true, signal: end.signal });
      const look = (): void => {
        const trouble = find();
        if (trouble !== undefined) resolve(trouble);
      };
      for (const { arm, selector } of arms) {
        const onChange = (items: readonly KubeObject[]): void => {
          pods.set(arm, items);
          look();
        };
        followObjects(cluster, { ...kinds.pod, labelSelector: selector }, { signal: end.signal, onChange }).catch(reject);
      }
      // What lasts too long shows by no change.
      everySecond(clock, end.signal, look).catch((thrown: unknown) => (end.signal.aborted ? undefined : reject(thrown as Error)));
    });
  } finally {
    end.abort();
  }
}

async function everySecond(clock: Clock, signal: AbortSignal, look: () => void): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(1, signal);
    look();
  }
}
