// SPDX-License-Identifier: Apache-2.0
// The contract of quarantine-gate. What a run needs is loaded when it begins, so that wrong inputs are told at once.
import { defineStep } from '@pratique/step';
import { inputs, outputs } from './inputs.ts';

/** Decides with evidence whether an image may leave quarantine. */
export const quarantineGate = defineStep({
  name: 'quarantine-gate',
  description: 'Judge an image in quarantine by its signed evidence; promote exactly what was verified, tag it and sign the verdict, or refuse with reasons.',
  icon: 'shield',
  permissions: [
    { scope: 'id-token', access: 'write', reason: 'signs the verdict and signs in to the registry' },
    { scope: 'contents', access: 'read', reason: 'reads policy, trust and exceptions from the default branch' },
    { scope: 'pull-requests', access: 'read', reason: 'checks who approved an exception' },
  ],
  inputs, outputs,
  run: async (given, ctx) => (await import('./step.ts')).run(given, ctx),
});
