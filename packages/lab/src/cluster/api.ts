// SPDX-License-Identifier: Apache-2.0
// The little of the Kubernetes API that starting a cluster needs: ask, and apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/).
import { Agent, request } from 'node:https';
import { Failure, isJsonObject, type JsonObject } from '@pratique/core';

/** A reply; `body` is parsed when it is JSON. */
export interface ApiReply {
  readonly status: number;
  readonly body: unknown;
}

/** An API server as its administrator sees it. */
export interface Api {
  /** Rejects when nobody answers. */
  get(path: string): Promise<ApiReply>;
  /** Makes objects what they are given as. Fails with `LAB_CLUSTER_FAILED` when one is refused. */
  apply(...objects: readonly ApiObject[]): Promise<void>;
  close(): void;
}

/** An object with its address. */
export interface ApiObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
}

/** `origin`: `https://HOST:PORT`. */
export function connectApi({ origin, authority, token }: { readonly origin: string; readonly authority: string; readonly token: string }): Api {
  const agent = new Agent({ keepAlive: true, ca: authority });
  const ask = (method: string, path: string, body?: string): Promise<ApiReply> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/apply-patch+yaml' }) };
      const sent = request(`${origin}${path}`, { method, agent, headers, timeout: 10_000 }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('error', reject).on('end', () => resolve({ status: reply.statusCode ?? 0, body: parse(text) }));
      });
      sent.on('error', reject).on('timeout', () => sent.destroy(new Error(`${path} was not answered within 10 s`))).end(body);
    });
  return {
    get: (path) => ask('GET', path),
    async apply(...objects) {
      for (const object of objects) {
        const { status, body } = await ask('PATCH', `${pathOf(object)}?fieldManager=pratique-lab&force=true`, JSON.stringify(object));
        if (status >= 300) throw new Failure({ code: 'LAB_CLUSTER_FAILED', message: `the API server refused ${object.kind} ${object.metadata.name} (${status}): ${isJsonObject(body) ? String(body['message']) : String(body)}` });
      }
    },
    close: () => agent.destroy(),
  };
}

/** Whether an object's status has this condition with the status True. */
export function conditionHolds(object: unknown, type: string): boolean {
  const status = isJsonObject(object) ? object['status'] : undefined;
  const conditions = isJsonObject(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.some((one) => isJsonObject(one) && one['type'] === type && one['status'] === 'True');
}

function parse(text: string): unknown {
  return text.startsWith('{') ? (JSON.parse(text) as unknown) : text;
}

// Plural names of the kinds that are applied here.
function pathOf({ apiVersion, kind, metadata }: ApiObject): string {
  const plural = `${kind.toLowerCase()}${kind.endsWith('s') ? 'es' : 's'}`;
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}${metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`}/${plural}/${metadata.name}`;
}
