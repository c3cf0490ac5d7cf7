// SPDX-License-Identifier: Apache-2.0
// Public names of acr: signing in to a registry of Azure (or another), and what only Azure's has.
export { connectRegistry, type AzureRegistry, type ConnectOptions } from './connect.ts';
export { readLocks, type HeldLocks } from './locks.ts';
export { listManifests, type StoredManifest } from './manifest-list.ts';
export { mayPull, type PullAnswer, type PullQuestion } from './pull-permission.ts';
export type { Lock, RegistryProperties } from './properties.ts';
export type { Quarantine } from './quarantine.ts';
export type { QuarantineDetails } from './quarantine-details.ts';
export type { RegistrySignIn } from './sign-in.ts';
export { roleHint } from './role-hint.ts';
