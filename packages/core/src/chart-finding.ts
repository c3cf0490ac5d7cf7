// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a chart although the server would take it: kube finds it, policy.yaml says which of it refuses a deployment.

/** Stable codes of what a rendered chart is looked at for. */
export const chartFindingCodes = [
  'IMAGE_NOT_PINNED', 'PRIVILEGED', 'HOST_ACCESS', 'READINESS_PROBE_MISSING', 'LIVENESS_PROBE_HARSH', 'RUNS_AS_ROOT', 'PRIVILEGE_ESCALATION', 'CAPABILITIES_KEPT', 'SECCOMP_MISSING', 'ROOT_WRITABLE',
  'REQUESTS_MISSING', 'MEMORY_LIMIT_MISSING', 'DISRUPTION_BUDGET_MISSING', 'DISRUPTION_BUDGET_BLOCKS', 'SINGLE_REPLICA', 'UPDATE_INTERRUPTS', 'TOKEN_MOUNTED', 'SECRET_IN_ENVIRONMENT',
] as const;

/** One of them. */
export type ChartFindingCode = (typeof chartFindingCodes)[number];
