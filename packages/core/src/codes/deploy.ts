// SPDX-License-Identifier: Apache-2.0
// Failure codes: deploying by canary.
import type { FailureCodeEntry } from './entry.ts';

export const deployCodes = {
  CANARY_REGRESSION: { kind: 'refused', when: 'The canary is proven to be worse than stable. Everything is as it was.', mend: 'Mend the version. The summary names the metric, the line and the evidence.' },
  CANARY_INSUFFICIENT: { kind: 'refused', when: 'Within its time the canary was proven neither good nor bad.', mend: 'Give it more time, more weight or more traffic; the forecast says how much.' },
  CANARY_NOT_READY: { kind: 'refused', when: 'Pods of the canary, the baseline or the release do not get ready, do not stay ready, or do not run the digest. Everything is as it was.', mend: 'The message names the cause, the hint what mends it.' },
  CANARY_BASELINE_FAILED: { kind: 'refused', when: 'Pods of the baseline, which run what stable runs, died while they had traffic: there was nothing to compare the canary with. Everything is as it was.', mend: 'The message names the cause. It is not the canary\'s: look at stable and at the nodes, then run it again.' },
  CANARY_UNREACHABLE: { kind: 'refused', when: 'Canary or baseline is ready, but its Service does not answer through the network of the cluster. No traffic was sent to it.', mend: 'Compare port and targetPort of the Service with what the program listens on, and look for network policies that know only the labels of stable.' },
  CANARY_SPLIT_WRONG: { kind: 'unavailable', when: 'The gateway does not send each backend its share.', mend: 'Look at the status of the route, and for clients that stick to one backend.' },
  CANARY_TIMEOUT: { kind: 'unavailable', when: 'The deployment did not end within timeout-seconds. Everything was put back.', mend: 'Raise timeout-seconds above the sum of the steps.' },
  CANARY_CANCELLED: { kind: 'unavailable', when: 'The run was cancelled. Traffic is back at stable; the next run removes the rest.', mend: 'Run it again, or pratique canary recover.' },
  CANARY_RESIDUE: { kind: 'unavailable', when: 'Objects of a canary are still there after it was removed.', mend: 'See what holds them (finalizers), then run again.' },
  CHART_REFUSED: { kind: 'refused', when: 'The chart has a finding that chart.refuse of policy.yaml names. Nothing was changed.', mend: 'Mend the chart as each finding says, or change policy.yaml on the default branch.' },
  ROLLOUT_FAILED: { kind: 'refused', when: 'The operator that owns the workload (Flagger, Argo Rollouts) failed the new revision. The release is as it was before.', mend: 'Mend the version. The message holds what the operator said and warned of.' },
  ROLLOUT_UNFINISHED: { kind: 'unavailable', when: 'The operator that owns the workload had no verdict within timeout-seconds, or the run was cancelled before. A rollout that has begun goes on without this run.', mend: 'See what the operator waits for, with kubectl describe; raise timeout-seconds above the time that its steps take.' },
} as const satisfies Record<string, FailureCodeEntry>;
