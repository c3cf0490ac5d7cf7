// SPDX-License-Identifier: Apache-2.0
// The ports of a deployment on the real cluster: all of them, or those by which what is left is put back.
import { Failure } from '@pratique/core';
import { openJournal, type CanaryWorld, type RecoveryWorld, type RunWorld, type TrafficSplit } from '@pratique/kube';
import { createArms } from './arms.ts';
import type { Deployment } from './deployment.ts';
import { explainUnready } from './explanation.ts';
import { provenOwner } from './owner.ts';
import { createReleases, type Prepared, type ReleaseOptions } from './releases.ts';
import { listResidue } from './residue.ts';
import type { Holder, Task } from './task.ts';
import { createTraffic, type TrafficOptions } from './traffic.ts';

/** For putting back; deploys nothing. */
export function openRecovery(holder: Holder): RecoveryWorld {
  const { given: { namespace } } = holder;
  return assemble(holder, {
    explain: (what) => Promise.resolve(new Failure({ code: 'CANARY_NOT_READY', message: `${what} does not get ready`, hint: `kubectl get pods --namespace ${namespace}` })),
    prepared: () => {
      throw new Failure({ code: 'INTERNAL_DEFECT', message: 'a recovery deploys nothing' });
    },
  });
}

/** For a strategy that deploys what was prepared. */
export function openWorld(task: Task, prepared: Prepared, split?: TrafficSplit): RunWorld {
  const { given, connection: { cluster, aks }, admission } = task;
  const explain: ReleaseOptions['explain'] = (what, wait) => explainUnready({ cluster, given, kubelet: aks?.managed.kubeletIdentity, what, wait, rendered: prepared.rendered });
  return { ...assemble(task, { explain, timeoutSeconds: given['timeout-seconds'], prepared: () => prepared, ...(split !== undefined && { split }) }), requireEvidence: () => admission.require() };
}

/** For a strategy that shifts traffic and judges it. */
export function openCanaryWorld(task: Task, deployment: Deployment): CanaryWorld {
  const { given, ctx, connection: { cluster, aks } } = task;
  return { ...openWorld(task, deployment, deployment.split), ...createArms({ ctx, given, cluster, deployment, kubelet: aks?.managed.kubeletIdentity }), look: deployment.judging.look };
}

interface Parts extends Pick<ReleaseOptions, 'explain' | 'timeoutSeconds'>, Pick<TrafficOptions, 'split'> {
  readonly prepared: () => Prepared;
}

function assemble({ given, ctx, connection: { cluster, helm }, fence, predecessor }: Holder, { prepared, split, ...waiting }: Parts): Omit<RunWorld, 'requireEvidence'> {
  const journal = openJournal({ cluster, namespace: given.namespace, release: given.release, fence });
  const owner = async () => provenOwner(ctx, predecessor?.replace(/#\d+$/, '') ?? (await journal.read(ctx.signal))?.run);
  return {
    clock: ctx.clock, log: ctx.log, journal, releases: createReleases({ ctx, given, cluster, helm, owner, ...waiting }, prepared),
    traffic: createTraffic({ ctx, cluster, ...(split !== undefined && { split }) }), residue: (_signal, options) => listResidue(cluster, given.release, options),
  };
}
