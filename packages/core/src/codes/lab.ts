// SPDX-License-Identifier: Apache-2.0
// Failure codes: the lab.
import type { FailureCodeEntry } from './entry.ts';

export const labCodes = {
  LAB_PORT_TAKEN: { kind: 'usage', when: 'A port that the lab wants is in use.', mend: 'Choose another with --port, or stop what listens there.' },
  LAB_WORKFLOW_INVALID: { kind: 'usage', when: 'A workflow file cannot be read or uses what the lab cannot do.', mend: 'The message names file and line.' },
  LAB_DATA_INVALID: { kind: 'usage', when: 'The data folder is not one of the lab, or is in use.', mend: 'Choose an empty folder.' },
} as const satisfies Record<string, FailureCodeEntry>;
