// SPDX-License-Identifier: Apache-2.0
// `pratique policy check`: reads policy, trust and exceptions as the gate would, and says what is wrong with them.
import { loadPolicySet } from '@pratique/evidence';
import { defineStep, input } from '@pratique/step';

/** Ends with exit status 2 and every problem with file and line when a file cannot be used. */
export const policyCheck = defineStep({
  name: 'policy check',
  description: 'Read policy.yaml, trust.yaml and exceptions.yaml as the gate would, and name every problem with file and line.',
  icon: 'file-text',
  permissions: [],
  inputs: { policy: input.text({ default: '.pratique', description: 'A folder, or github://OWNER/REPO/PATH@REF.' }) },
  outputs: { digest: 'Digest of the files as the gate records it.', origin: 'github, oci or workspace.' },
  async run(given, ctx) {
    const set = await loadPolicySet(ctx, given.policy);
    const note = set.origin === 'workspace' ? 'A policy from the workspace never yields a release verdict; the gate reads the default branch.' : (set.protection ?? '');
    ctx.log.line(`${set.uri} is valid: ${set.digest}`);
    if (note) ctx.log.line(note);
    return { outputs: { digest: set.digest, origin: set.origin }, summary: `Policy ${set.digest} is valid.\n` };
  },
});
