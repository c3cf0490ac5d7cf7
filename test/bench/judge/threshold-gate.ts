// SPDX-License-Identifier: Apache-2.0
// A gate as Flagger's, for comparison: success of the last minute at least 99 % at each check, the fifth failed check rolls back; no data is a failed check.
import type { ArmCounts } from '@pratique/kube';

const windowSeconds = 60;
const leastSuccess = 0.99;
const failedChecks = 5;

/** Seconds until the gate rolls back, given the canary's slots. Counting as https://github.com/fluxcd/flagger pkg/controller/scheduler.go: failed checks add up. */
export function gateRollback(slots: readonly ArmCounts[], { slotSeconds, checkSeconds }: { readonly slotSeconds: number; readonly checkSeconds: number }): number | undefined {
  const length = windowSeconds / slotSeconds;
  let failed = 0;
  for (let at = checkSeconds; at <= slots.length * slotSeconds; at += checkSeconds) {
    const last = slots.slice(Math.max(0, at / slotSeconds - length), at / slotSeconds);
    const requests = last.reduce((sum, slot) => sum + slot.requests, 0);
    const failures = last.reduce((sum, slot) => sum + slot.failures, 0);
    if (requests === 0 || 1 - failures / requests < leastSuccess) failed += 1;
    if (failed >= failedChecks) return at;
  }
  return undefined;
}
