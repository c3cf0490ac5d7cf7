// SPDX-License-Identifier: Apache-2.0
// Failure codes: the lab.
import type { FailureCodeEntry } from './entry.ts';

export const labCodes = {
  LAB_PORT_TAKEN: { kind: 'usage', when: 'A port that the lab wants is in use.', mend: 'Choose another with --port, or stop what listens there.' },
  LAB_WORKFLOW_INVALID: { kind: 'usage', when: 'A workflow file cannot be read or uses what the lab cannot do.', mend: 'The message names file and line.' },
  LAB_DATA_INVALID: { kind: 'usage', when: 'The data folder is not one of the lab, or is in use.', mend: 'Choose an empty folder.' },
  LAB_CLUSTER_UNSUPPORTED: { kind: 'usage', when: 'This machine cannot run the lab\'s cluster: no Linux, no root, or a right or a part of the kernel is missing.', mend: 'Run it as root on Linux, or set KUBECONFIG to the file of a cluster of your own.' },
  LAB_CLUSTER_FAILED: { kind: 'unavailable', when: 'A program of the lab\'s cluster has ended, or was not ready in time.', mend: 'Read the end of its log, which the hint shows; then start it again.' },
  LAB_LOAD_REFUSED: { kind: 'usage', when: 'The load that was asked for is larger than the bounds, or goes to an address that is neither loopback nor the lab\'s.', mend: 'Send load to the lab only, within the bounds that the message names.' },
} as const satisfies Record<string, FailureCodeEntry>;
