// SPDX-License-Identifier: Apache-2.0
// Runs the step on GitHub.
import { runOnGitHub } from '@pratique/host';
import { helmDeployCanary } from './contract.ts';

/** Entry of the bundle. */
export function main(): Promise<void> {
  return runOnGitHub(helmDeployCanary);
}
