// SPDX-License-Identifier: Apache-2.0
// A cluster of Azure Kubernetes Service: its kubeconfig by Resource Manager, Entra tokens in place of kubelogin, and whether it can be reached and may pull.
import { mayPull } from '@pratique/acr';
import { connectResourceManager, openManagedCluster, signInToAzure, type ManagedCluster, type ResourceManager } from '@pratique/azure';
import { Failure, formatImage, quoteWord, type Context, type PinnedImage } from '@pratique/core';
import { entraApplication, kinds, readKubeconfig, tokenKubeconfig, type Cluster, type ClusterAccess } from '@pratique/kube';
import type { ClusterInputs } from './inputs.ts';

/** An AKS cluster, signed in to. */
export interface AksCluster {
  readonly arm: ResourceManager;
  readonly managed: ManagedCluster;
  readonly access: ClusterAccess;
  /** Writes the kubeconfig with the token of the moment. */
  writeKubeconfig(): Promise<void>;
}

/** A helm command with hooks may take long; Entra's tokens last an hour or more. */
const helmSeconds = 1800;

/** Signs in; `kubeconfig` is the path of the file for helm. Fails with `AKS_*`, `AZURE_*`, `KUBE_CONFIG_INVALID`. */
export async function openAks(given: ClusterInputs, ctx: Context, { id, kubeconfig }: { readonly id: string; readonly kubeconfig: string }): Promise<AksCluster> {
  const azure = signInToAzure(ctx, given);
  const arm = connectResourceManager(ctx, { endpoint: given['azure-resource-manager'], tokens: azure });
  const managed = await openManagedCluster(arm, id);
  const { plugin, ...access } = readKubeconfig(managed.kubeconfig);
  const application = entraApplication(plugin);
  if (plugin !== undefined && application === undefined) throw new Failure({ code: 'KUBE_CONFIG_INVALID', message: `the kubeconfig of ${id} wants the program ${plugin.command}, which is not kubelogin` });
  // Without Entra the kubeconfig holds a certificate: it goes on as it is.
  if (application === undefined) return { arm, managed, access, writeKubeconfig: () => ctx.files.write(kubeconfig, managed.kubeconfig) };
  const tokens = azure(application);
  return {
    arm, managed, access: { ...access, bearer: async () => (await tokens()).token },
    writeKubeconfig: async () => ctx.files.write(kubeconfig, tokenKubeconfig(access, (await tokens(helmSeconds)).token)),
  };
}

/** The first call to the API server. Fails with `AKS_UNREACHABLE` where the cluster says why nobody answers. */
export async function requireReach(cluster: Cluster, { managed: { reach, id } }: AksCluster): Promise<void> {
  try {
    await cluster.find(kinds.pod);
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'KUBE_UNAVAILABLE' || thrown.facts['network'] === undefined || reach === 'public') throw thrown;
    const { host } = new URL(cluster.server);
    const recoverHint = ` What a canary left can be put back from here as well: pratique canary recover --aks-cluster ${quoteWord(id)} --namespace ${cluster.namespace} --release NAME`;
    throw new Failure({
      code: 'AKS_UNREACHABLE', facts: { ...thrown.facts, cluster: id }, cause: thrown,
      ...(reach === 'private'
        ? { message: `the cluster is private: this runner does not reach ${host}`, hint: `Run the job on a runner in the network of the cluster, or in one that is peered with it and linked to its private DNS zone: a self-hosted runner, or a GitHub-hosted one with Azure private networking.${recoverHint}` }
        : { message: `the cluster answers only some addresses, and not this runner: ${host} does not answer`, hint: `Run the job on a runner with a fixed address, and add it to those that az aks show --ids ${id} --query apiServerAccessProfile.authorizedIpRanges lists.${recoverHint}` }),
    });
  }
}

/** May the nodes pull the image? Fails with `AKS_PULL_FORBIDDEN`; what cannot be told is a warning. */
export async function requirePull(ctx: Pick<Context, 'log'>, image: PinnedImage, { arm, managed: { id, kubeletIdentity } }: AksCluster): Promise<void> {
  const answer = kubeletIdentity === undefined ? { may: 'unknown', because: 'the cluster has no kubelet identity' } as const : await mayPull({ arm, registry: image.registry, repository: image.repository, identity: kubeletIdentity });
  if (answer.may === 'unknown') ctx.log.notice({ level: 'warning', title: 'Whether the cluster may pull is not known', message: answer.because });
  if (answer.may !== 'no') return;
  throw new Failure({ code: 'AKS_PULL_FORBIDDEN', message: `the kubelet identity ${kubeletIdentity} may not pull ${formatImage(image)}`, hint: answer.hint, facts: { cluster: id } });
}
