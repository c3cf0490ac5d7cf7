// SPDX-License-Identifier: Apache-2.0
// Waits over watches until objects are ready, until a sign says that they never will be, or until time is up.
import type { Clock } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { formatObject, kinds, type KubeObject, type ObjectQuery, type ObjectRef } from '../client/object.ts';
import { followObjects } from './collection.ts';
import { findFatalSign, noPulls, notePulls, type FatalSign } from './fail-fast.ts';
import { countReadyEndpoints, stateOf } from './object-state.ts';

/** What to wait for. */
export interface WaitOptions {
  /** Each must be there and ready. */
  readonly objects: readonly ObjectRef[];
  /** Pods to look at for fatal signs, as a label selector. */
  readonly podSelector?: string;
  /** Which of those pods count. Default: all. Those of the revision before may be broken, which is no reason to give up. */
  readonly countsPod?: (pod: KubeObject) => boolean;
  /** Services and how many ready addresses each must have. */
  readonly endpoints?: readonly { readonly service: string; readonly least: number }[];
  /** Default: the namespace of the connection. */
  readonly namespace?: string;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of what is still waited for, whenever that changes. */
  readonly onChange?: (waitingFor: readonly string[]) => void;
}

/** How waiting ended. */
export type WaitResult =
  | { readonly state: 'ready'; readonly seconds: number }
  | { readonly state: 'failed'; readonly seconds: number; readonly sign: FatalSign }
  | { readonly state: 'timeout'; readonly seconds: number; readonly waitingFor: readonly string[] };

/** Waits. Fails as the watches do (`KUBE_*`), and with the signal's reason. Not being ready is a result. */
export async function waitReady(cluster: Pick<Cluster, 'watch' | 'namespace'>, options: WaitOptions): Promise<WaitResult> {
  const start = options.clock.now().getTime();
  const seconds = (): number => (options.clock.now().getTime() - start) / 1000;
  const end = new AbortController();
  const view = createView(options);
  try {
    return await new Promise<WaitResult>((resolve, reject) => {
      const stop = (): void => reject(options.signal.reason as Error);
      if (options.signal.aborted) return stop();
      options.signal.addEventListener('abort', stop, { once: true, signal: end.signal });
      const look = (): void => {
        const { sign, waitingFor } = view.judge();
        if (sign !== undefined) resolve({ state: 'failed', seconds: seconds(), sign });
        else if (waitingFor.length === 0) resolve({ state: 'ready', seconds: seconds() });
      };
      for (const query of queriesOf(options, cluster.namespace)) {
        const onChange = (items: readonly KubeObject[]): void => {
          view.set(query, items);
          look();
        };
        followObjects(cluster, query, { signal: end.signal, onChange }).catch(reject);
      }
      options.clock.sleep(options.timeoutSeconds, end.signal).then(() => resolve({ state: 'timeout', seconds: seconds(), waitingFor: view.judge().waitingFor }), (thrown: unknown) => (end.signal.aborted ? undefined : reject(thrown as Error)));
    });
  } finally {
    end.abort();
  }
}

function queriesOf({ objects, podSelector, endpoints = [], namespace }: WaitOptions, own: string): ObjectQuery[] {
  const place = { namespace: namespace ?? own };
  return [
    ...objects.map(({ name, ...kind }) => ({ ...place, ...kind, fieldSelector: `metadata.name=${name}` })),
    ...(podSelector === undefined ? [] : [{ ...place, ...kinds.pod, labelSelector: podSelector }]),
    ...endpoints.map(({ service }) => ({ ...place, ...kinds.endpointSlice, labelSelector: `kubernetes.io/service-name=${service}` })),
  ];
}

interface View {
  set(query: ObjectQuery, items: readonly KubeObject[]): void;
  judge(): { readonly sign: FatalSign | undefined; readonly waitingFor: readonly string[] };
}

function createView(options: WaitOptions): View {
  const collections = new Map<string, readonly KubeObject[]>();
  let pulls = noPulls;
  let told = '';
  const keyOf = ({ kind, labelSelector = '', fieldSelector = '' }: Pick<ObjectQuery, 'kind' | 'labelSelector' | 'fieldSelector'>): string => `${kind} ${labelSelector}${fieldSelector}`;
  const itemsOf = (query: Pick<ObjectQuery, 'kind' | 'labelSelector' | 'fieldSelector'>): readonly KubeObject[] => collections.get(keyOf(query)) ?? [];
  return {
    set: (query, items) => void collections.set(keyOf(query), items),
    judge() {
      const pods = options.podSelector === undefined ? [] : itemsOf({ kind: 'Pod', labelSelector: options.podSelector }).filter((pod) => options.countsPod?.(pod) ?? true);
      pulls = notePulls(pulls, pods);
      const found = options.objects.map((ref) => ({ ref, object: itemsOf({ kind: ref.kind, fieldSelector: `metadata.name=${ref.name}` })[0] }));
      const present = found.flatMap(({ object }) => (object === undefined ? [] : [object]));
      const failure = present.map((object) => ({ object, ...stateOf(object) })).find(({ state }) => state === 'failed');
      const sign = findFatalSign([...present, ...pods], pulls) ?? (failure && { object: formatObject(failure.object), reason: 'Failed', message: failure.message });
      const waitingFor = [
        ...found.map(({ ref, object }) => ({ what: `${ref.kind} ${ref.name}`, message: object === undefined ? 'is not there' : stateOf(object).message, ready: object !== undefined && stateOf(object).state === 'ready' })),
        ...(options.endpoints ?? []).map(({ service, least }) => {
          const ready = countReadyEndpoints(itemsOf({ kind: 'EndpointSlice', labelSelector: `kubernetes.io/service-name=${service}` }));
          return { what: `Service ${service}`, message: `${ready} of ${least} addresses are ready`, ready: ready >= least };
        }),
      ].filter(({ ready }) => !ready).map(({ what, message }) => `${what}: ${message}`);
      if (told !== waitingFor.join('\n')) options.onChange?.(waitingFor);
      told = waitingFor.join('\n');
      return { sign, waitingFor };
    },
  };
}
