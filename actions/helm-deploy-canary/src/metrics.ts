// SPDX-License-Identifier: Apache-2.0
// The metrics server, and which token it wants: one of Entra for Azure Monitor, a fixed one, or none.
import { signInToAzure } from '@pratique/azure';
import { Failure, quoteWord, type Context } from '@pratique/core';
import { azureMonitorAudience, connectMetrics, isAzureMonitor, type MetricsServer } from '@pratique/kube';
import type { Inputs } from './inputs.ts';

/** The address of the metrics. Fails with `INPUT_INVALID`. */
export function requireMetrics({ metrics }: Inputs): string {
  if (metrics !== undefined) return metrics;
  throw new Failure({ code: 'INPUT_INVALID', message: 'input metrics: is required where traffic decides', hint: 'Name a Prometheus that has the counters of the gateway, or take strategy: rolling, which judges nothing.' });
}

/** Connects; nothing is asked yet. Fails with `INPUT_INVALID`. */
export function connectServer(given: Inputs, ctx: Context): MetricsServer {
  const url = requireMetrics(given);
  const { 'metrics-token': fixed } = given;
  const audience = given['metrics-audience'] ?? (isAzureMonitor(url) && fixed === undefined ? azureMonitorAudience : undefined);
  if (audience !== undefined && fixed !== undefined) throw new Failure({ code: 'INPUT_INVALID', message: 'inputs metrics-audience and metrics-token exclude each other' });
  if (fixed !== undefined) {
    ctx.mask(fixed);
    return connectMetrics({ ctx, url, token: () => Promise.resolve(fixed) });
  }
  if (audience === undefined) return connectMetrics({ ctx, url });
  if (!url.startsWith('https://')) throw new Failure({ code: 'INPUT_INVALID', message: 'input metrics: an Entra token goes to https addresses only' });
  const tokens = signInToAzure(ctx, given)(audience);
  return connectMetrics({ ctx, url, token: async () => (await tokens()).token, refusedHint: async () => roleHint(url, (await tokens()).objectId) });
}

function roleHint(url: string, assignee: string | undefined): string {
  const workspace = `"$(az monitor account list --query ${quoteWord(`[?metrics.prometheusQueryEndpoint=='${new URL(url).origin}'].id`)} --output tsv)"`;
  return `The identity needs the role "Monitoring Data Reader" on the workspace; a new assignment takes some minutes to work:\naz role assignment create --assignee ${assignee === undefined ? '"$ASSIGNEE"' : quoteWord(assignee)} --role "Monitoring Data Reader" --scope ${workspace}`;
}
