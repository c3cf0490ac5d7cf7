// SPDX-License-Identifier: Apache-2.0
// Public names of quarantine-gate.
export { quarantineGate } from './contract.ts';
export { recomputeTags } from './tags.ts';
