// SPDX-License-Identifier: Apache-2.0
// One after another, per key: for what has no conditional write.

/** Runs `work` after all earlier work under the same key, whether that failed or not. */
export type Serializer = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** A serializer with its own keys; a key is forgotten when nothing waits under it. */
export function createSerializer(): Serializer {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
