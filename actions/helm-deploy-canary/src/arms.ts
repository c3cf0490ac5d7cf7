// SPDX-License-Identifier: Apache-2.0
// The pods of canary and baseline while they are tried: whether they answer at all, and whether they go on doing so.
import type { Context } from '@pratique/core';
import { requestTo, requireAnswer, watchArms, type Arm, type CanaryWorld, type Cluster } from '@pratique/kube';
import type { Deployment } from './deployment.ts';
import { explainUnready } from './explanation.ts';
import type { Inputs } from './inputs.ts';
import { waitForArm, waitForMain, type Awaited } from './releases.ts';

/** What is tried. */
export interface ArmOptions {
  readonly ctx: Context;
  readonly given: Inputs;
  readonly cluster: Cluster;
  readonly deployment: Deployment;
  /** Object id of who pulls, where it is known. */
  readonly kubelet: string | undefined;
}

/** The part of the world that asks and watches pods. On a first deployment the release itself is what a canary else is. */
export function createArms({ ctx, given, cluster, deployment, kubelet }: ArmOptions): Pick<CanaryWorld, 'probe' | 'armLoss'> {
  const awaited = (): Partial<Record<Arm, Awaited>> => {
    const { arms, replicas, rendered } = deployment;
    if (arms === undefined) return { canary: waitForMain(rendered.next) };
    return { canary: waitForArm(arms.canary, replicas), ...(arms.baseline !== undefined && { baseline: waitForArm(arms.baseline, replicas) }) };
  };
  return {
    async probe(signal) {
      const { arms } = deployment;
      for (const arm of [arms?.baseline, arms?.canary].filter((one) => one !== undefined)) {
        const request = requestTo(arm);
        if (request === undefined) ctx.log.line(`the ${arm.arm} is not asked: it does not speak HTTP/1`);
        else await requireAnswer(cluster, request, { clock: ctx.clock, signal });
      }
    },
    async armLoss(signal) {
      const parts = awaited();
      const selectors = Object.fromEntries(Object.entries(parts).map(([arm, { podSelector }]) => [arm, podSelector]));
      const { arm, sign } = await watchArms(cluster, { selectors, clock: ctx.clock, signal });
      ctx.log.notice({ level: 'warning', title: `The ${arm} cannot serve`, message: `${sign}. Its traffic goes back to stable.` });
      return { arm, explain: () => explainUnready({ cluster, given, kubelet, what: `the ${arm}`, wait: parts[arm] ?? { objects: [] }, rendered: deployment.rendered, lost: sign }) };
    },
  };
}
