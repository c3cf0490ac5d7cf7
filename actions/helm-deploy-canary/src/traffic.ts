// SPDX-License-Identifier: Apache-2.0
// The traffic in front of stable, baseline and canary: split, and put back as it was, in whatever way it is split.
import { Failure, type Context } from '@pratique/core';
import { allStable, resumeSplit, type CanaryTraffic, type TrafficSplit, type Weights } from '@pratique/kube';

/** Whose traffic. */
export interface TrafficOptions {
  readonly ctx: Pick<Context, 'log' | 'clock'>;
  readonly cluster: Parameters<typeof resumeSplit>[0];
  /** Absent while only recovering, and on a first deployment. */
  readonly split?: TrafficSplit;
}

const lookSeconds = 0.5;
const mostLooks = 60;
/** Until gateways have taken it in. */
const gatewaySeconds = 2;

/** The traffic of one run. */
export function createTraffic({ ctx, cluster, split }: TrafficOptions): CanaryTraffic {
  let current: Weights = allStable;
  const required = (): TrafficSplit => {
    if (split === undefined) throw new Failure({ code: 'INTERNAL_DEFECT', message: 'there is no traffic to split' });
    return split;
  };
  /** Waits for what gateways are told; `false` when they are told nothing. */
  const settled = async ({ isSettled }: TrafficSplit, signal: AbortSignal): Promise<boolean> => {
    if (isSettled === undefined) return false;
    for (let look = 1; look <= mostLooks && !(await isSettled()); look += 1) await ctx.clock.sleep(lookSeconds, signal);
    return true;
  };
  return {
    originals: () => Promise.resolve(JSON.stringify(required().plan)),
    open: () => required().attach(),
    // Whether the gateway does as it was told shows in what it counts.
    async shift(weights, signal) {
      await required().shift(current, weights);
      current = weights;
      await settled(required(), signal);
    },
    // By the journal alone: a run that was killed left nothing else.
    async close(originals) {
      const foreign = await resumeSplit(cluster, originals).restore();
      for (const words of foreign) ctx.log.notice({ level: 'warning', title: 'The route was changed by somebody else', message: words });
      current = allStable;
    },
    async settle(originals, signal) {
      if (await settled(resumeSplit(cluster, originals), signal)) await ctx.clock.sleep(gatewaySeconds, signal);
    },
  };
}
