// SPDX-License-Identifier: Apache-2.0
// What the judge sees of the world: requests and failures of two arms, slot by slot.

/** The two things that are compared: `baseline` runs the stable version, started together with `canary`. */
export type Arm = 'baseline' | 'canary';

/** Requests that one arm answered within one slot, and how many of them failed (or were slower than a boundary). Increments, not totals. */
export interface ArmCounts {
  readonly requests: number;
  readonly failures: number;
}

/** One metric within one slot. An arm whose series could not be read is absent: nothing is known of it, which is not the same as zero. */
export interface SlotMetric {
  readonly baseline?: ArmCounts;
  readonly canary?: ArmCounts;
}

/** What one scrape added. */
export interface Slot {
  /** Seconds since the canary got its first traffic, at the end of the slot. A slot that is not later than the one before is ignored: each increment counts once. */
  readonly elapsedSeconds: number;
  /** The canary's share of the requests that the two arms get together, 0 to 1. Default 0.5. Used only to tell silence from bad luck. */
  readonly canaryShare?: number;
  /** By metric name. A metric that is absent was not read. */
  readonly metrics: Readonly<Record<string, SlotMetric>>;
}

/** Both arms over the same time. */
export interface ArmPair {
  readonly baseline: ArmCounts;
  readonly canary: ArmCounts;
}

/** Nothing asked, nothing failed. */
export const noCounts: ArmCounts = { requests: 0, failures: 0 };

/** The sum of two counts; `undefined` adds nothing. */
export function addCounts(a: ArmCounts, b: ArmCounts | undefined): ArmCounts {
  return b === undefined ? a : { requests: a.requests + b.requests, failures: a.failures + b.failures };
}

/** The counts when both are finite and not negative, else `undefined`: a NaN is a series that could not be read. */
export function readableCounts(counts: ArmCounts | undefined): ArmCounts | undefined {
  return counts !== undefined && [counts.requests, counts.failures].every((value) => Number.isFinite(value) && value >= 0) ? counts : undefined;
}
