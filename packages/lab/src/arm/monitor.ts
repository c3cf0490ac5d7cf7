// SPDX-License-Identifier: Apache-2.0
// The query endpoint of an Azure Monitor workspace: Entra in front of a Prometheus (https://learn.microsoft.com/azure/azure-monitor/metrics/prometheus-api-promql).
import type { Entra } from '../entra/entra.ts';
import { jsonReply } from '../reply.ts';

/** What it stands in front of. */
export interface MonitorOptions {
  readonly entra: Pick<Entra, 'verifyAccessToken'>;
  /** Whether a principal may read the metrics of the workspace. */
  mayRead(principal: string): boolean;
}

/** One workspace. */
export interface Monitor {
  handle(request: Request): Promise<Response>;
  /** Address of the Prometheus behind it; none by default. */
  setUpstream(url: string | undefined): void;
}

/** The audience that it takes. */
export const monitorAudience = 'https://prometheus.monitor.azure.com';

/** Opens it, with nothing behind it. */
export function createMonitor({ entra, mayRead }: MonitorOptions): Monitor {
  let upstream: string | undefined;
  const refuse = (status: number, error: string, headers = {}): Response => jsonReply(status, { status: 'error', errorType: 'authorization', error }, headers);
  return {
    setUpstream: (url) => void (upstream = url),
    async handle(request) {
      const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
      const known = token === undefined ? undefined : await entra.verifyAccessToken(token);
      if (known?.audience !== monitorAudience) return refuse(401, 'The access token is missing, invalid, or for another audience', { 'www-authenticate': 'Bearer' });
      if (!mayRead(known.objectId)) return refuse(403, `${known.objectId} is not authorized to query the workspace`);
      const { pathname, search } = new URL(request.url);
      if (upstream === undefined || !pathname.startsWith('/api/v1/')) return jsonReply(404, { status: 'error', errorType: 'not_found', error: 'not found' });
      const body = request.method === 'POST' ? await request.text() : undefined;
      return fetch(upstream + pathname + search, { method: request.method, headers: { 'content-type': request.headers.get('content-type') ?? '' }, ...(body === undefined ? {} : { body }), signal: request.signal });
    },
  };
}
