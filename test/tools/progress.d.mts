// SPDX-License-Identifier: Apache-2.0
// Types of progress.mjs, which must run on any Node and so is plain JavaScript.
export function formatSeconds(seconds: number): string;
export function withProgress<T>(what: { readonly title: string; readonly usualSeconds?: number; readonly say?: (line: string) => void }, work: () => Promise<T>): Promise<T>;
