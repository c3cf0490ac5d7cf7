// SPDX-License-Identifier: Apache-2.0
// A client of one registry (OCI distribution-spec 1.1) over an injected fetch.
import { Failure, parseRepositoryName, type Clock } from '@pratique/core';
import type { Authenticator } from './authentication.ts';
import type { Repository } from './content.ts';
import { manifestLimit } from './descriptor.ts';
import { createRepository } from './repository.ts';
import { createSerializer } from './serializer.ts';
import { anonymousAuthenticator } from './token-authenticator.ts';
import { createTransport } from './transport.ts';

/** A raw authorised call, for what only one registry has. */
export interface RegistryRequest {
  readonly method: string;
  /** Starts with `/`; may hold a query. */
  readonly path: string;
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Statuses that are answers and not failures. Default: 200 to 299. */
  readonly accept?: readonly number[];
}

/** A registry. All failures have `REGISTRY_*` codes and the facts `{ method, url, status, errors }`. */
export interface Registry {
  /** Host with port. */
  readonly registry: string;
  /** Fails with `INPUT_INVALID` when `name` is no repository name. */
  repository(name: string): Repository;
  /** The reply is read whole before it is given back; at most 4 MiB. */
  request(request: RegistryRequest): Promise<Response>;
  /** The Authorization header that `scopes` would get, for asking beforehand what an identity may do; `undefined` = none needed. Fails with `REGISTRY_UNAUTHORIZED` when there are no credentials. */
  authorization(scopes: readonly string[]): Promise<string | undefined>;
}

export interface RegistryOptions {
  /** Host with port, as in image references. */
  readonly registry: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Default: anonymous. */
  readonly authenticator?: Authenticator;
  /** Speak http, and let the registry redirect to http. Default false. */
  readonly plainHttp?: boolean;
  /** What to do when `scope` is refused, for example the role assignment that is missing. */
  readonly forbiddenHint?: (scope: string) => string;
  /** Seconds to wait for headers and between chunks. Default 60. */
  readonly patienceSeconds?: number;
}

// Docker Hub is named docker.io in references and served elsewhere (distribution/reference, normalize.go).
const hosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** A client of one registry. Calls share tokens and take turns where /v2 has no conditional write. */
export function createRegistry(options: RegistryOptions): Registry {
  const { registry, plainHttp = false, patienceSeconds = 60 } = options;
  parseRepositoryName(`${registry}/any`);
  const transport = createTransport({
    registry,
    base: new URL(`${plainHttp ? 'http' : 'https'}://${hosts[registry] ?? registry}/`),
    wire: { fetch: options.fetch, signal: options.signal, plainHttp, patienceSeconds },
    clock: options.clock,
    authenticator: options.authenticator ?? anonymousAuthenticator(),
    ...(options.forbiddenHint === undefined ? {} : { forbiddenHint: options.forbiddenHint }),
  });
  const serialize = createSerializer();
  return {
    registry,
    repository: (name) => createRepository({ transport, registry, name: parseRepositoryName(`${registry}/${name}`).repository, serialize }),
    authorization: (scopes) => transport.authorize(scopes),
    async request({ body, ...call }) {
      if (!call.path.startsWith('/') || call.path.startsWith('//')) throw new Failure({ code: 'INTERNAL_DEFECT', message: `"${call.path}" is not a path` });
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
      const reply = await transport.send({ ...call, ...(bytes === undefined ? {} : { body: bytes }) });
      const content = await reply.bytes(manifestLimit);
      return new Response(content.byteLength === 0 ? null : (content as Uint8Array<ArrayBuffer>), { status: reply.status, headers: reply.headers });
    },
  };
}
