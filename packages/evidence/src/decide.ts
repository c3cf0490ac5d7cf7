// SPDX-License-Identifier: Apache-2.0
// The decision: the policy set applied to the evidence, with the approvals of its exceptions looked up.
import { Failure, type Channel, type Context, type Evidence, type Verdict } from '@pratique/core';
import { evaluate, type JudgeMode } from '@pratique/policy';
import { proveApprovals } from './approvals.ts';
import type { PolicySet } from './policy-set.ts';

export interface DecideOptions {
  readonly ctx: Pick<Context, 'github' | 'clock'>;
  readonly set: PolicySet;
  readonly evidence: Evidence;
  readonly channel: Channel;
  /** Default `promote`. */
  readonly mode?: JudgeMode;
  /** Evidence of what is deployed now. */
  readonly baseline?: Evidence;
}

/** A refusal is a value. Fails with `POLICY_UNTRUSTED` when a set from the workspace would decide on a release, and with the failures of looking up approvals. */
export async function decide({ ctx, set, evidence, channel, mode = 'promote', baseline }: DecideOptions): Promise<Verdict> {
  if (set.origin === 'workspace' && channel === 'release') {
    throw new Failure({
      code: 'POLICY_UNTRUSTED', message: `${set.uri} may not decide on a release: the change that is judged could have written it`,
      hint: 'Name the policy as github://OWNER/REPO/PATH@REF, or judge for the channel preview.',
    });
  }
  return evaluate({
    policy: set.policy, trust: set.trust, exceptions: set.exceptions, evidence, channel, mode, uri: set.uri, digest: set.digest, now: ctx.clock.now(),
    approvals: await proveApprovals(ctx, set), ...(baseline === undefined ? {} : { baseline }),
  });
}
