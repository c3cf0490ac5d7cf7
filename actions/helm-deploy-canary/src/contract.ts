// SPDX-License-Identifier: Apache-2.0
// The contract of helm-deploy-canary. What a run needs is loaded when it begins, so that wrong inputs are told at once.
import { defineStep } from '@pratique/step';
import { inputs } from './inputs.ts';
import { outputs } from './task.ts';

/** Deploys by the strategy that was chosen, or refuses. */
export const helmDeployCanary = defineStep({
  name: 'helm-deploy-canary',
  description: 'Deploy a released image by Helm next to stable, judge it on live traffic against a baseline of the same size, promote it or put everything back.',
  icon: 'git-branch',
  permissions: [
    { scope: 'id-token', access: 'write', reason: 'signs in to the registry, AKS and Azure Monitor, and signs the record of the deployment' },
    { scope: 'contents', access: 'read', reason: 'reads the chart, and policy and trust from the default branch' },
    { scope: 'actions', access: 'read', reason: 'proves that a run which left a release half done is over' },
  ],
  inputs, outputs,
  run: async (given, ctx) => (await import('./step.ts')).run(given, ctx),
});
