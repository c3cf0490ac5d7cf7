// SPDX-License-Identifier: Apache-2.0
// The contract of build-scan-push. What a run needs is loaded when it begins, so that wrong inputs are told at once.
import { defineStep } from '@pratique/step';
import { inputs, outputs } from './inputs.ts';

/** Builds an image and brings it, with its evidence, into quarantine. */
export const buildScanPush = defineStep({
  name: 'build-scan-push',
  description: 'Run the tests, build an image once, scan every platform, and push exactly those bytes with their evidence into quarantine.',
  icon: 'package',
  permissions: [
    { scope: 'contents', access: 'read', reason: 'checks out the source (phases build and all; the phases scan and push need no source)' },
    { scope: 'id-token', access: 'write', reason: 'signs in to the registry by federation (phases push and all)' },
  ],
  inputs, outputs,
  run: async (given, ctx) => (await import('./step.ts')).run(given, ctx),
});
