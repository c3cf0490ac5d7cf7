// SPDX-License-Identifier: Apache-2.0
// An AKS cluster as Resource Manager knows it, and a kubeconfig for it (https://learn.microsoft.com/rest/api/aks/managed-clusters/list-cluster-user-credentials).
import { Failure, isJsonObject, quoteWord } from '@pratique/core';
import type { ResourceManager } from './arm-client.ts';

/** What a deployment needs to know. */
export interface ManagedCluster {
  readonly id: string;
  /** With a kubelogin plugin where the cluster takes Entra tokens, else with a client certificate. It may hold secrets. */
  readonly kubeconfig: string;
  /** Who the API server answers: everybody, only its own network, or only some addresses. */
  readonly reach: 'public' | 'private' | 'ranges';
  /** Object id of the identity that pulls images; absent on clusters with a service principal. */
  readonly kubeletIdentity?: string;
}

const apiVersion = '2025-10-01';
const role = 'Azure Kubernetes Service Cluster User Role';
const nameOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** Reads the cluster `id`. Fails with `AKS_STOPPED`, `AKS_LOCAL_ACCOUNTS_DISABLED` and `AZURE_*`. */
export async function openManagedCluster(arm: ResourceManager, id: string): Promise<ManagedCluster> {
  const call = { path: id, apiVersion, role, scope: id };
  const { properties } = await arm.send({ ...call, method: 'GET' });
  if (textAt(properties, 'powerState', 'code') === 'Stopped') throw new Failure({ code: 'AKS_STOPPED', message: `the cluster ${nameOf(id)} is stopped`, hint: `az aks start --ids ${quoteWord(id)}` });
  const kubeletIdentity = textAt(properties, 'identityProfile', 'kubeletidentity', 'objectId');
  return { id, kubeconfig: await readKubeconfig(arm, call), reach: reachOf(properties), ...(kubeletIdentity === '' ? {} : { kubeletIdentity }) };
}

async function readKubeconfig(arm: ResourceManager, call: { readonly path: string; readonly apiVersion: string; readonly role: string; readonly scope: string }): Promise<string> {
  const { kubeconfigs } = await arm.send({ ...call, method: 'POST', path: `${call.path}/listClusterUserCredential`, query: { format: 'exec' } }).catch((thrown: unknown) => {
    if (!(thrown instanceof Failure) || thrown.code !== 'AZURE_REFUSED' || !/static credential|disable local accounts/i.test(thrown.message)) throw thrown;
    throw new Failure({
      code: 'AKS_LOCAL_ACCOUNTS_DISABLED', message: `the cluster ${nameOf(call.scope)} has no accounts of its own and does not take Entra tokens, so nobody can sign in`,
      hint: `az aks update --ids ${quoteWord(call.scope)} --enable-aad`, facts: thrown.facts, cause: thrown,
    });
  });
  const first: unknown = Array.isArray(kubeconfigs) ? kubeconfigs[0] : undefined;
  const text = Buffer.from(textAt(first, 'value'), 'base64').toString('utf8');
  if (text === '') throw new Failure({ code: 'AZURE_PROTOCOL', message: `Resource Manager answered without a kubeconfig for ${nameOf(call.scope)}` });
  return text;
}

function reachOf(properties: unknown): ManagedCluster['reach'] {
  const profile = at(properties, 'apiServerAccessProfile');
  if (at(profile, 'enablePrivateCluster') === true) return 'private';
  const ranges = at(profile, 'authorizedIPRanges');
  return Array.isArray(ranges) && ranges.length > 0 ? 'ranges' : 'public';
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), value);
}

function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}
