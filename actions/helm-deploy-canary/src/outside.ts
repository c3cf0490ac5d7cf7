// SPDX-License-Identifier: Apache-2.0
// A recovery of a private AKS cluster from outside its network, by commands that AKS runs in it. Slow, and enough to bring the users back to stable.
import { runInCluster } from '@pratique/azure';
import { Failure, quoteWord, type Context } from '@pratique/core';
import { connectByShell, openJournal, type RecoveryWorld, type Shell, type ShellCluster } from '@pratique/kube';
import { openAks } from './aks.ts';
import type { ClusterInputs } from './inputs.ts';
import { twinRelease } from './plan.ts';
import { readMain } from './releases.ts';
import { listResidue } from './residue.ts';
import { createTraffic } from './traffic.ts';

/** A cluster that only AKS itself reaches. */
export interface Outside {
  readonly cluster: ShellCluster;
  readonly shell: Shell;
  /** Why it is not reached directly. */
  readonly unreachable: Failure;
}

/** The way in, where the cluster is private or answers only some addresses. Throws `unreachable` again where it is something else. */
export async function openOutside(given: ClusterInputs, ctx: Context, unreachable: unknown): Promise<Outside> {
  const id = given['aks-cluster'];
  if (!(unreachable instanceof Failure) || unreachable.code !== 'AKS_UNREACHABLE' || id === undefined) throw unreachable;
  ctx.log.line(`${unreachable.message}; going on by commands that AKS runs in it, some seconds each`);
  const aks = await openAks(given, ctx, { id, kubeconfig: `${ctx.scratch}/kubeconfig` });
  const shell: Shell = async (command) => {
    const token = await aks.access.bearer?.();
    return runInCluster(aks.arm, id, { command, ...(token !== undefined && { token }) });
  };
  return { cluster: connectByShell(shell, given.namespace), shell, unreachable };
}

/** Its heartbeat is a command as well. */
export const outsideLeaseSeconds = 120;

/** For putting back. A release that was half upgraded is left to a run in the network: helm in the pod of AKS may be an older one, which applies in another way. */
export function openOutsideRecovery({ cluster, shell, unreachable }: Outside, { given: { release, namespace }, ctx, fence }: { readonly given: { readonly release: string; readonly namespace: string }; readonly ctx: Context; readonly fence: number }): RecoveryWorld {
  const uninstall = async (name: string): Promise<void> => {
    const command = ['helm', 'uninstall', name, '--namespace', namespace, '--ignore-not-found', '--cascade=foreground', '--timeout=120s'].map(quoteWord).join(' ');
    const { exitCode, output } = await shell(command);
    if (exitCode !== 0) throw new Failure({ code: 'HELM_FAILED', message: `helm uninstall ${name} in the cluster: ${output.trim().slice(-500)}` });
  };
  return {
    clock: ctx.clock, log: ctx.log, journal: openJournal({ cluster, namespace, release, fence }), traffic: createTraffic({ ctx, cluster }), residue: (_signal, options) => listResidue(cluster, release, options),
    releases: {
      main: () => readMain(cluster, release), removeMain: () => uninstall(release), removeTwin: (arm) => uninstall(twinRelease(release, arm)),
      rollBackMain: (revision) => Promise.reject(new Failure({
        code: 'AKS_UNREACHABLE', message: `the release ${release} was being upgraded and has to go back to revision ${revision}, which cannot be done from here`, hint: unreachable.hint ?? '', facts: unreachable.facts, cause: unreachable,
      })),
    },
  };
}
