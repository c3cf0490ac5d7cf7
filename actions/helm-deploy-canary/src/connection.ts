// SPDX-License-Identifier: Apache-2.0
// The cluster: a kubeconfig, the API client, and helm on the same.
import { Failure, type Context } from '@pratique/core';
import { connectCluster, createHelm, readKubeconfig, type Cluster, type Helm } from '@pratique/kube';
import type { Inputs } from './inputs.ts';

/** A cluster as a deployment needs it. */
export interface Connection {
  readonly cluster: Cluster;
  readonly helm: Helm;
}

/** Connects; asks nothing yet. Fails with `KUBE_CONFIG_INVALID`. */
export async function connect(given: Pick<Inputs, 'kubeconfig' | 'context' | 'namespace'>, ctx: Context): Promise<Connection> {
  const text = await readText(given, ctx);
  const access = { ...readKubeconfig(text, given.context), namespace: given.namespace };
  // A file of its own below the scratch folder: helm reads no other, and it is gone with the run.
  const kubeconfig = `${ctx.scratch}/kubeconfig`;
  await ctx.files.write(kubeconfig, text);
  return { cluster: connectCluster(access, { ...ctx, signal: outlive(ctx.signal) }), helm: createHelm(ctx, { kubeconfig, context: access.context, namespace: given.namespace }) };
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

async function readText({ kubeconfig }: Pick<Inputs, 'kubeconfig'>, ctx: Context): Promise<string> {
  if (kubeconfig !== undefined && /^\s*(?:apiVersion|kind|clusters|\{)/m.test(kubeconfig) && kubeconfig.includes('\n')) return kubeconfig;
  const path = kubeconfig ?? ctx.secret('KUBECONFIG');
  const hint = 'Set the input kubeconfig to the text of a kubeconfig (from a secret) or to the path of a file; azure/aks-set-context writes one and sets KUBECONFIG.';
  if (path === undefined || path === '') throw new Failure({ code: 'KUBE_CONFIG_INVALID', message: 'no kubeconfig was given, and KUBECONFIG names none', hint });
  const file = await ctx.files.open(path);
  if (file?.kind !== 'file' || file.size > mostBytes) throw new Failure({ code: 'KUBE_CONFIG_INVALID', message: `there is no kubeconfig at ${path}`, hint });
  return new TextDecoder().decode(await file.bytes());
}
