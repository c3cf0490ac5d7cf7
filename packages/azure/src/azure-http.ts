// SPDX-License-Identifier: Apache-2.0
// The HTTP client that Azure's libraries are given, so that they go through `ctx.fetch` and no global is touched.
import type { ClientAssertionCredentialOptions } from '@azure/identity';
import { Failure } from '@pratique/core';
import { readAll } from '@pratique/oci';

/** What `httpClient` of Azure client options takes. */
export type AzureHttpClient = NonNullable<ClientAssertionCredentialOptions['httpClient']>;
type AzureRequest = Parameters<AzureHttpClient['sendRequest']>[0];
type AzureReply = Awaited<ReturnType<AzureHttpClient['sendRequest']>>;

/** A reply from status 400 on. */
export interface AzureRefusal {
  readonly status: number;
  readonly body: string;
  /** The header Retry-After as it came. */
  readonly retryAfter: string | null;
}

const replyLimit = 4 * 1024 * 1024;
const patienceSeconds = 60;

/** Sends over `fetch`; replies are read whole, at most 4 MiB, within 60 s; redirects are not followed. `onRefusal` sees each reply from 400 on. */
export function createAzureHttpClient(fetchPort: typeof fetch, signal: AbortSignal, onRefusal?: (reply: AzureRefusal) => void): AzureHttpClient {
  return {
    async sendRequest(request: AzureRequest): Promise<AzureReply> {
      const { body } = request;
      if (body !== undefined && body !== null && typeof body !== 'string') throw new Failure({ code: 'INTERNAL_DEFECT', message: `a body of ${request.method} ${request.url} is not text` });
      const response = await fetchPort(request.url, {
        method: request.method, headers: request.headers.toJSON(), redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(patienceSeconds * 1000)]),
        ...(body ? { body } : {}),
      });
      const bytes = response.body === null ? new Uint8Array() : await readAll(response.body, replyLimit, `the reply to ${request.method} ${request.url.split('?')[0]}`);
      const bodyAsText = new TextDecoder().decode(bytes);
      if (response.status >= 400) onRefusal?.({ status: response.status, body: bodyAsText, retryAfter: response.headers.get('retry-after') });
      return { request, status: response.status, headers: headersOf(response.headers), bodyAsText };
    },
  };
}

function headersOf(headers: Headers): AzureReply['headers'] {
  const plain = (): Record<string, string> => Object.fromEntries(headers.entries());
  return {
    get: (name) => headers.get(name) ?? undefined,
    has: (name) => headers.has(name),
    set: (name, value) => headers.set(name, String(value)),
    delete: (name) => headers.delete(name),
    toJSON: plain,
    [Symbol.iterator]: () => Object.entries(plain())[Symbol.iterator](),
  };
}
