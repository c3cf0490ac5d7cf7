// SPDX-License-Identifier: Apache-2.0
// The contract of sign-and-attest. What a run needs is loaded when it begins, so that wrong inputs are told at once.
import { defineStep } from '@pratique/step';
import { inputs, outputs } from './inputs.ts';

/** Signs an image and everything that is known of it. */
export const signAndAttest = defineStep({
  name: 'sign-and-attest',
  description: 'Sign an image by digest and attest provenance, tests, scans and SBOMs for the index and every platform; idempotent, verified after the push.',
  icon: 'edit-3',
  permissions: [
    { scope: 'id-token', access: 'write', reason: 'signs keyless as this workflow and signs in to the registry' },
    { scope: 'contents', access: 'read', reason: 'reads trusted-root and signing-config when they are files of the repository' },
  ],
  inputs, outputs,
  run: async (given, ctx) => (await import('./step.ts')).run(given, ctx),
});
