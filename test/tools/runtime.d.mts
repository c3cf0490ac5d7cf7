// SPDX-License-Identifier: Apache-2.0
// Types of runtime.mjs, which must run on any Node and so is plain JavaScript.
export const checkout: string;
export const cache: string;
export function versionFits(version: string, range: { readonly least: string; readonly below: string }): boolean;
export function bringRuntime(): Promise<{ node: string; pnpm: string }>;
export function installPackages(runtime: { node: string; pnpm: string }): Promise<void>;
