// SPDX-License-Identifier: Apache-2.0
// Taking a release back: a FAILED verdict, newer than the one that let it pass.
import type { Channel, PinnedImage } from '@pratique/core';
import { verdictPredicate } from '@pratique/sign';
import type { PolicySet } from './policy-set.ts';

export interface RevocationOptions {
  readonly image: PinnedImage;
  readonly set: Pick<PolicySet, 'uri' | 'digest'>;
  readonly channel: Channel;
  /** For people; part of the signed verdict. */
  readonly reason: string;
  readonly now: Date;
  /** URI of who revokes. */
  readonly verifier: string;
}

/** Predicate of the FAILED verdict; the caller signs it as the gate. It never becomes valid again: only a newer verdict outweighs it. */
export function revocation({ image, set, channel, reason, now, verifier }: RevocationOptions): object {
  return verdictPredicate({
    result: 'refused', channel, policy: { uri: set.uri, digest: set.digest }, inputs: [], decidedAt: now, validUntil: now,
    reasons: [{ effect: 'deny', code: 'VERDICT_REFUSED', rule: 'revoke', subject: image.digest, message: reason, mend: 'Build and release a new version.' }],
  }, image, verifier);
}
