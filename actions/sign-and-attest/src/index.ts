// SPDX-License-Identifier: Apache-2.0
// Public names of the action: the step as a value.
export { signAndAttest } from './contract.ts';
