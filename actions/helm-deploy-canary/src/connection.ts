// SPDX-License-Identifier: Apache-2.0
// The cluster: a kubeconfig, given or from AKS, the API client, and helm on the same.
import { Failure, type Context } from '@pratique/core';
import { connectCluster, createHelm, readKubeconfig, type Cluster, type ClusterAccess, type Helm } from '@pratique/kube';
import { openAks, requireReach, type AksCluster } from './aks.ts';
import type { ClusterInputs } from './inputs.ts';

/** A cluster as a deployment needs it. */
export interface Connection {
  readonly cluster: Cluster;
  readonly helm: Helm;
  /** Set for `aks-cluster`. */
  readonly aks?: AksCluster;
}

/** At most one of kubeconfig and AKS cluster. Fails with `INPUT_INVALID`. */
export function requireOneCluster(given: ClusterInputs): void {
  const beside = (['kubeconfig', 'context'] as const).find((name) => given['aks-cluster'] !== undefined && given[name] !== undefined);
  if (beside === undefined) return;
  throw new Failure({ code: 'INPUT_INVALID', message: `inputs aks-cluster and ${beside} exclude each other`, hint: 'Give aks-cluster, and the kubeconfig comes from Azure; or give kubeconfig (and context).' });
}

/** Connects. A given kubeconfig is not tried yet. Fails with `KUBE_CONFIG_INVALID`, `AKS_*` and `AZURE_*`. */
export async function connect(given: ClusterInputs, ctx: Context): Promise<Connection> {
  // A file of its own below the scratch folder: helm reads no other, and it is gone with the run.
  const kubeconfig = `${ctx.scratch}/kubeconfig`;
  const id = given['aks-cluster'];
  if (id === undefined) {
    const text = await readText(given, ctx);
    await ctx.files.write(kubeconfig, text);
    return open(given, ctx, { access: readKubeconfig(text, given.context), kubeconfig });
  }
  const aks = await openAks(given, ctx, { id, kubeconfig });
  const connection = { ...open(given, ctx, { access: aks.access, kubeconfig, renew: aks.writeKubeconfig }), aks };
  await requireReach(connection.cluster, aks);
  return connection;
}

interface Target {
  readonly access: ClusterAccess;
  readonly kubeconfig: string;
  readonly renew?: () => Promise<void>;
}

function open({ namespace }: ClusterInputs, ctx: Context, { access, ...target }: Target): Connection {
  const cluster = connectCluster({ ...access, namespace }, { ...ctx, signal: outlive(ctx.signal) });
  return { cluster, helm: createHelm(ctx, { ...target, context: access.context, namespace }) };
}

/** GitHub kills ten seconds after it cancels. */
const graceSeconds = 6;

/** Ends some seconds after `signal`: traffic and lock are given back by calls too. */
function outlive(signal: AbortSignal): AbortSignal {
  const end = new AbortController();
  const begin = (): void => AbortSignal.timeout(graceSeconds * 1000).addEventListener('abort', () => end.abort(signal.reason), { once: true });
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  return end.signal;
}

const mostBytes = 1024 * 1024;

async function readText({ kubeconfig }: ClusterInputs, ctx: Context): Promise<string> {
  // YAML, or JSON on one line as `kubectl config view --output json` pipes it through jq.
  if (kubeconfig !== undefined && /^\s*(?:\{|(?:apiVersion|kind|clusters)\s*:)/m.test(kubeconfig)) return kubeconfig;
  const path = kubeconfig ?? ctx.secret('KUBECONFIG');
  const hint = 'Set the input aks-cluster to the resource id of an AKS cluster, or the input kubeconfig to the text of a kubeconfig (from a secret) or to the path of a file.';
  if (path === undefined || path === '') throw new Failure({ code: 'KUBE_CONFIG_INVALID', message: 'neither aks-cluster nor a kubeconfig was given, and KUBECONFIG names none', hint });
  const file = await ctx.files.open(path);
  if (file?.kind !== 'file' || file.size > mostBytes) throw new Failure({ code: 'KUBE_CONFIG_INVALID', message: `there is no kubeconfig at ${path}`, hint });
  return new TextDecoder().decode(await file.bytes());
}
