// SPDX-License-Identifier: Apache-2.0
// Follows the objects of one kind: a list, then changes with bookmarks; a lost connection goes on where it was, and 410 lists anew
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
import { asFailure, Failure, isJsonObject, parseJsonObject } from '@pratique/core';
import { isKubeObject, numberOf, textOf, type KubeObject, type ObjectList, type ObjectQuery } from './object.ts';
import type { KubeCall, KubeTransport } from './transport.ts';

/** What happened. After `listed` everything that was known before is void. */
export type WatchChange =
  | { readonly type: 'listed'; readonly items: readonly KubeObject[] }
  | { readonly type: 'changed' | 'gone'; readonly object: KubeObject };

/** How long to watch. */
export interface WatchOptions {
  /** Ends the watch quietly. */
  readonly signal: AbortSignal;
  /** Connections in a row that may fail before the watch does. Default 8: with the waits in between, about a minute. */
  readonly attempts?: number;
}

/** A watch and how it lists. */
export interface WatchStart extends WatchOptions {
  readonly transport: KubeTransport;
  readonly call: KubeCall;
  readonly query: ObjectQuery;
  readonly list: () => Promise<ObjectList>;
}

/** The server ends a watch by itself after this; it is then opened again. */
const watchSeconds = 240;
const lineLimit = 8 * 1024 * 1024;

/** Watches. Fails with the last `KUBE_UNAVAILABLE` when no connection holds, and at once when the cluster refuses. */
export async function* watchKind(start: WatchStart): AsyncGenerator<WatchChange> {
  const { signal, attempts = 8, transport } = start;
  let version: string | undefined;
  let failed = 0;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = await start.list();
        version = list.resourceVersion;
        yield { type: 'listed', items: list.items };
      }
      for await (const event of openWatch(start, version)) {
        if (event.type === 'expired') {
          version = undefined;
          break;
        }
        failed = 0;
        version = textOf(event.object, 'metadata', 'resourceVersion') || version;
        if (event.type !== 'bookmark') yield { type: event.type, object: event.object as KubeObject };
      }
      // A server that ends each watch at once must not be asked without pause.
      if (!signal.aborted) await pause(start, 0.2);
    } catch (thrown) {
      if (signal.aborted) return;
      const failure = asFailure(thrown);
      failed += 1;
      if (failure.kind !== 'unavailable' || failed >= attempts || transport.signal.aborted) throw failure;
      await pause(start, Math.min(10, 0.5 * 2 ** (failed - 1)));
    }
  }
}

async function pause({ transport, signal }: WatchStart, seconds: number): Promise<void> {
  try {
    await transport.clock.sleep(seconds, AbortSignal.any([signal, transport.signal]));
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

type WatchEvent = { readonly type: 'expired' } | { readonly type: 'bookmark' | 'changed' | 'gone'; readonly object: unknown };

async function* openWatch({ transport, call, query, signal }: WatchStart, resourceVersion: string): AsyncGenerator<WatchEvent> {
  const { labelSelector, fieldSelector } = query;
  const response = await transport.open({
    ...call, signal, seconds: watchSeconds + 30, accept: [410],
    query: { labelSelector, fieldSelector, watch: true, allowWatchBookmarks: true, timeoutSeconds: watchSeconds, resourceVersion },
  });
  if (response.status === 410) {
    await response.body?.cancel();
    return yield { type: 'expired' };
  }
  try {
    for await (const line of linesOf(response)) yield readEvent(line, query);
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown;
    throw new Failure({ code: 'KUBE_UNAVAILABLE', message: `watch ${call.resource}: the connection broke off`, cause: thrown });
  }
}

const typeOf: Readonly<Record<string, 'changed' | 'gone'>> = { ADDED: 'changed', MODIFIED: 'changed', DELETED: 'gone' };

function readEvent(line: string, query: ObjectQuery): WatchEvent {
  const event = parseJsonObject(line, `an event of the watch of ${query.kind}`, 'KUBE_PROTOCOL');
  const object = event['object'];
  if (event['type'] === 'BOOKMARK') return { type: 'bookmark', object };
  const type = typeOf[textOf(event, 'type')];
  if (type !== undefined && isJsonObject(object)) {
    const whole = { ...object, apiVersion: query.apiVersion, kind: query.kind };
    if (isKubeObject(whole)) return { type, object: whole };
  }
  if (event['type'] === 'ERROR' && numberOf(object, 'code') === 410) return { type: 'expired' };
  throw new Failure({ code: 'KUBE_UNAVAILABLE', message: `watch ${query.kind}: ${textOf(object, 'message') || 'an event that cannot be read'}` });
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > lineLimit) throw new Failure({ code: 'KUBE_PROTOCOL', message: `an event of the watch is larger than ${lineLimit} characters` });
    for (const line of parts) if (line.trim() !== '') yield line;
  }
}
