// SPDX-License-Identifier: Apache-2.0
// Failure codes: hosts, inputs, tools, GitHub.
import type { FailureCodeEntry } from './entry.ts';

export const hostCodes = {
  INPUT_INVALID: { kind: 'usage', when: 'An input, flag or reference cannot be read.', mend: 'The message names each input and what it must look like; `pratique COMMAND --help` and the README of the action list them all.' },
  INPUT_UNKNOWN: { kind: 'usage', when: 'An input or flag does not exist.', mend: 'Use the nearest name that the message gives, or see the table of inputs.' },
  INTERNAL_DEFECT: { kind: 'defect', when: 'Something happened that the code did not expect.', mend: 'Report it with the folded cause chain.' },
  CANCELLED: { kind: 'unavailable', when: 'The run was cancelled.', mend: 'Run it again; nothing is half done.' },
  TOOL_MISSING: { kind: 'unavailable', when: 'A program that the step needs was not found.', mend: 'Install it and put it on PATH; `pratique tools` lists which versions can be used.' },
  TOOL_UNVERIFIED: { kind: 'refused', when: 'A downloaded program does not have the pinned SHA-256.', mend: 'Do not run it. Find out what answers in the name of its host; the pinned digests are in packages/host/src/tools.json.' },
  TOOL_TIMEOUT: { kind: 'unavailable', when: 'A program did not end in time.', mend: 'Look at its last lines; run it again, on a faster machine if the work is that long.' },
  IDENTITY_UNAVAILABLE: { kind: 'unavailable', when: 'No OIDC token could be had for the run.', mend: 'Give the job `permissions: id-token: write`.' },
  GITHUB_FORBIDDEN: { kind: 'usage', when: 'GitHub refused a call with 401 or 403.', mend: 'Add the permission that the message names to the job.' },
  GITHUB_NOT_FOUND: { kind: 'usage', when: 'GitHub does not know the object, or hides it from this token.', mend: 'Check the name, and the permissions of the job.' },
  GITHUB_UNAVAILABLE: { kind: 'unavailable', when: 'GitHub did not answer, answered 5xx, or limits the rate.', mend: 'Run it again later.' },
} as const satisfies Record<string, FailureCodeEntry>;
