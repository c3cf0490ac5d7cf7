// SPDX-License-Identifier: Apache-2.0
// Tells an arm that gets no traffic from one that is merely unlucky. Silence is never evidence for anybody.
import type { ArmCounts } from './slot.ts';

/** For how long one arm has had no request, and how unlikely that is. */
export interface Silence {
  readonly slots: number;
  /** Log of the probability that none of the other arm's requests came here. */
  readonly logChance: number;
  /** The series could not be read in the last slot: unknown, not zero. */
  readonly unread: boolean;
}

/** Three slots and a chance of one in a million: one late scrape repeats old counters, and is no silence yet. */
const silentSlots = 3;
const silentLogChance = Math.log(1e-6);

/** Not silent, not read either. */
export const noSilence: Silence = { slots: 0, logChance: 0, unread: true };

/** The silence after one more slot. `share` is this arm's part of the requests of both. */
export function addSilence(silence: Silence, own: ArmCounts | undefined, other: { readonly counts: ArmCounts | undefined; readonly share: number }): Silence {
  if (own !== undefined && own.requests > 0) return { slots: 0, logChance: 0, unread: false };
  const elsewhere = other.counts?.requests ?? 0;
  const share = Math.min(Math.max(other.share, 0), 1 - 1e-12);
  return { slots: silence.slots + 1, logChance: silence.logChance + elsewhere * Math.log1p(-share), unread: own === undefined };
}

/** Whether the arm is left out by routing, or its series cannot be found. */
export function isSilent({ slots, logChance }: Silence): boolean {
  return slots >= silentSlots && logChance < silentLogChance;
}
