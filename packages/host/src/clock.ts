// SPDX-License-Identifier: Apache-2.0
// The real clock.
import type { Clock } from '@pratique/core';

/** The machine's clock; `sleep` rejects with the signal's reason. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (seconds, signal) => new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', stop, { once: true });
  }),
};
