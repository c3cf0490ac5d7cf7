// SPDX-License-Identifier: Apache-2.0
// Waits that end: for a promise, and for each chunk of a stream. Real timers, since what is waited for is the network.
import { Failure } from '@pratique/core';

/** Aborts when it is not touched for its seconds. */
export interface Deadline {
  readonly signal: AbortSignal;
  touch(): void;
  clear(): void;
}

const late = (what: string, seconds: number): Failure => new Failure({ code: 'REGISTRY_UNAVAILABLE', message: `${what}: nothing came for ${seconds} s` });

/** A deadline that also follows `parent`. `what` names the call in the failure. */
export function createDeadline(parent: AbortSignal, seconds: number, what: string): Deadline {
  const controller = new AbortController();
  const expire = (): void => controller.abort(late(what, seconds));
  let timer = setTimeout(expire, seconds * 1000);
  return {
    signal: AbortSignal.any([parent, controller.signal]),
    touch() {
      clearTimeout(timer);
      timer = setTimeout(expire, seconds * 1000);
    },
    clear: () => clearTimeout(timer),
  };
}

/** `promise`, or the signal's reason when that comes first: also for a fetch that ignores its signal. */
export function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

export interface StreamGuard {
  readonly signal: AbortSignal;
  readonly seconds: number;
  readonly what: string;
  readonly onChunk?: () => void;
  /** Makes a failure of what broke the stream. */
  readonly convert?: (thrown: unknown) => Error;
}

/** Each chunk of `stream` must come within `seconds` of being asked for; time while nobody asks does not count. */
export function guardStream(stream: ReadableStream<Uint8Array>, { signal, seconds, what, onChunk, convert }: StreamGuard): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let stopped: Error | undefined;
  // Cancelling ends a pending read at once, also where the source does not listen; a race of promises per chunk would cost more than the hash.
  const stop = (reason: Error): void => {
    stopped ??= reason;
    reader.cancel(reason).catch(() => undefined);
  };
  const abort = (): void => stop(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const leave = (): void => signal.removeEventListener('abort', abort);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const timer = setTimeout(() => stop(late(what, seconds)), seconds * 1000);
      try {
        const { done, value } = await reader.read();
        if (stopped !== undefined) throw stopped;
        onChunk?.();
        if (!done) return controller.enqueue(value);
        leave();
        controller.close();
      } catch (thrown) {
        leave();
        throw convert?.(thrown) ?? thrown;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel(reason) {
      leave();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
