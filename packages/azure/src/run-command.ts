// SPDX-License-Identifier: Apache-2.0
// A command in a pod that AKS starts in the cluster: the way into a private one from outside its network (https://learn.microsoft.com/rest/api/aks/managed-clusters/run-command).
import { Failure, isJsonObject, stripControl } from '@pratique/core';
import type { ResourceManager } from './arm-client.ts';

/** What a command came to. */
export interface ClusterCommandResult {
  readonly exitCode: number;
  /** Standard output and error together; AKS cuts them off at half a megabyte. */
  readonly output: string;
}

/** What is run, and as whom. */
export interface ClusterCommand {
  /** For the shell of the pod, which has kubectl and helm. */
  readonly command: string;
  /** Entra token for the AKS server application: the rights in the cluster are those of its identity. Absent: of the cluster's local account. */
  readonly token?: string;
}

const apiVersion = '2025-10-01';
/** The least built-in role with runCommand/action and commandResults/read. */
const role = 'Azure Kubernetes Service Contributor Role';
/** A pod is scheduled, and perhaps its image pulled. */
const patienceSeconds = 180;

/** Runs a command in the cluster `id` and waits for its end, at most three minutes. Fails with `AZURE_*`; with `AZURE_REFUSED` also when no pod ran. */
export async function runInCluster(arm: ResourceManager, id: string, { command, token }: ClusterCommand): Promise<ClusterCommandResult> {
  const { properties } = await arm.finish({ method: 'POST', path: `${id}/runCommand`, apiVersion, body: { command, context: '', clusterToken: token ?? '' }, role, scope: id }, patienceSeconds);
  const { provisioningState, exitCode, logs, reason } = isJsonObject(properties) ? properties : {};
  if (typeof exitCode === 'number' && typeof logs === 'string') return { exitCode, output: logs };
  throw new Failure({ code: 'AZURE_REFUSED', message: `the command was not run in the cluster: ${stripControl(typeof reason === 'string' && reason !== '' ? reason : String(provisioningState)).slice(0, 500)}`, hint: 'The cluster needs room for a pod in the namespace aks-command, and run command enabled: az aks show --query apiServerAccessProfile.disableRunCommand' });
}
