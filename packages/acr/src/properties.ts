// SPDX-License-Identifier: Apache-2.0
// Locks, untagging and deletion by @azure/container-registry; its errors become failures here.
import type { ContainerRegistryClient } from '@azure/container-registry';
import { Failure, retry, type Context, type Digest } from '@pratique/core';
import { networkFailure, registryFailure } from '@pratique/oci';
import { createAzureHttpClient, type EntraTokens } from '@pratique/azure';

/** What may be done with a manifest or tag; what is left out stays as it is. `write: false` also forbids deletion. */
export interface Lock {
  readonly write?: boolean;
  readonly delete?: boolean;
  readonly read?: boolean;
}

/** Metadata of ACR. Fails with `REGISTRY_*` codes; `INPUT_INVALID` when the sign-in was not by Entra ID. */
export interface RegistryProperties {
  lockManifest(repository: string, digest: Digest, lock: Lock): Promise<void>;
  lockTag(repository: string, tag: string, lock: Lock): Promise<void>;
  /** Takes the tag away and leaves the manifest; nothing there is no error. */
  untag(repository: string, tag: string): Promise<void>;
  /** With everything in it; nothing there is no error. */
  deleteRepository(repository: string): Promise<void>;
}

export interface PropertiesOptions {
  readonly registry: string;
  readonly ctx: Context;
  readonly entra: EntraTokens;
  readonly audience: string;
  readonly forbiddenHint: (scope: string) => string;
}

/** Properties over the SDK, which is loaded at the first call. */
export function createProperties(options: PropertiesOptions): RegistryProperties {
  const { ctx } = options;
  let client: Promise<ContainerRegistryClient> | undefined;
  const call = (what: { readonly method: string; readonly scope: string }, work: (client: ContainerRegistryClient) => Promise<unknown>): Promise<void> => retry(async () => {
    const opened = await (client ??= openClient(options));
    try {
      await work(opened);
    } catch (thrown) {
      throw sdkFailure(thrown, what, options);
    }
  }, { clock: ctx.clock, signal: ctx.signal });
  const change = (repository: string) => ({ method: 'PATCH', scope: `repository:${repository}:metadata_write` });
  const remove = (repository: string) => ({ method: 'DELETE', scope: `repository:${repository}:delete` });
  return {
    lockManifest: (repository, digest, lock) => call(change(repository), (opened) => opened.getArtifact(repository, digest).updateManifestProperties(flags(lock))),
    lockTag: (repository, tag, lock) => call(change(repository), (opened) => opened.getArtifact(repository, tag).updateTagProperties(tag, flags(lock))),
    untag: (repository, tag) => call(remove(repository), (opened) => opened.getArtifact(repository, tag).deleteTag(tag)),
    deleteRepository: (repository) => call(remove(repository), (opened) => opened.deleteRepository(repository)),
  };
}

function flags(lock: Lock): { canWrite?: boolean; canDelete?: boolean; canRead?: boolean } {
  return { ...(lock.write === undefined ? {} : { canWrite: lock.write }), ...(lock.delete === undefined ? {} : { canDelete: lock.delete }), ...(lock.read === undefined ? {} : { canRead: lock.read }) };
}

/** Properties of a registry to which nobody signed in by Entra ID: the SDK knows no other way. */
export function refusedProperties(registry: string, why: string): RegistryProperties {
  const refuse = (): Promise<never> => Promise.reject(new Failure({
    code: 'INPUT_INVALID', message: `locks, untagging and deletion on ${registry} need a sign-in by Entra ID to a registry of Azure: ${why}`,
    hint: 'Set registry-sign-in to federated, managed-identity or cli.',
  }));
  return { lockManifest: refuse, lockTag: refuse, untag: refuse, deleteRepository: refuse };
}

async function openClient({ registry, ctx, entra, audience }: PropertiesOptions): Promise<ContainerRegistryClient> {
  const { ContainerRegistryClient } = await import('@azure/container-registry');
  const credential = {
    getToken: async () => {
      const { token, until } = await entra();
      return { token, expiresOnTimestamp: until };
    },
  };
  // Retries are ours, so that the budget and Retry-After are handled in one place.
  return new ContainerRegistryClient(`https://${registry}`, credential, { audience, httpClient: createAzureHttpClient(ctx.fetch, ctx.signal), retryOptions: { maxRetries: 0 } });
}

interface RestErrorShape {
  readonly statusCode: number;
  readonly details?: unknown;
  readonly request?: { readonly url: string; readonly method: string };
  readonly response?: { readonly headers: { toJSON(): Record<string, string> }; readonly bodyAsText?: string | null };
}

const isRestError = (thrown: unknown): thrown is Error & RestErrorShape => thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number';

/** The codes stand in the body (`details.errors[]`), `code` of the error is undefined and its message is raw JSON. */
function sdkFailure(thrown: unknown, what: { readonly method: string; readonly scope: string }, options: PropertiesOptions): Failure {
  const url = `https://${options.registry}/acr/v1`;
  if (!isRestError(thrown)) return networkFailure(thrown, { method: what.method, url, signal: options.ctx.signal });
  const headers = new Headers(thrown.response?.headers.toJSON() ?? {});
  const challenge = thrown.statusCode === 401 && /error="insufficient_scope"/.test(headers.get('www-authenticate') ?? '') ? { challenge: { scheme: 'bearer', error: 'insufficient_scope' } } : {};
  const failure = registryFailure({
    method: thrown.request?.method ?? what.method, url: thrown.request?.url ?? url, status: thrown.statusCode, headers, foreign: false, now: options.ctx.clock.now(),
    body: (thrown.response?.bodyAsText ?? JSON.stringify(thrown.details ?? {})).slice(0, 64 * 1024), forbiddenHint: () => options.forbiddenHint(what.scope), ...challenge,
  });
  if (failure.code !== 'REGISTRY_FORBIDDEN') return failure;
  return new Failure({ code: 'ACR_ROLE_MISSING', message: failure.message, hint: options.forbiddenHint(what.scope), facts: failure.facts, cause: thrown });
}
