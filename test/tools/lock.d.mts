// SPDX-License-Identifier: Apache-2.0
// Types of lock.mjs, which must run on any Node and so is plain JavaScript.
export function withLock<T>(folder: string, work: () => Promise<T>, options?: { readonly onWait?: (pid: number | undefined) => void; readonly pollMilliseconds?: number }): Promise<T>;
export function isAlive(pid: number): boolean;
