// SPDX-License-Identifier: Apache-2.0
// How to sign in: the inputs that steps share, and what `auto` means.
import { Failure, type Context } from '@pratique/core';
import type { CredentialsSource } from '@pratique/oci';
import { openDockerConfig } from './docker-config.ts';

/** The values of the inputs that `registryInputs` of step declares. */
export interface RegistrySignIn {
  readonly 'registry-sign-in': 'auto' | 'federated' | 'managed-identity' | 'cli' | 'docker' | 'anonymous';
  readonly 'azure-tenant-id'?: string | undefined;
  readonly 'azure-client-id'?: string | undefined;
  /** https URL. */
  readonly 'azure-authority-host': string;
  readonly 'azure-audience': string;
  readonly 'registry-role-mode': 'abac' | 'legacy';
}

/** A way of signing in, decided. */
export type SignInWay =
  | { readonly kind: 'federated'; readonly tenantId: string; readonly clientId: string }
  | { readonly kind: 'managed-identity'; readonly clientId: string | undefined }
  | { readonly kind: 'cli'; readonly tenantId: string | undefined }
  | { readonly kind: 'docker'; readonly credentials: CredentialsSource }
  | { readonly kind: 'anonymous' };

/** The ways that end in an Entra token. */
export type EntraWay = Exclude<SignInWay, { kind: 'docker' } | { kind: 'anonymous' }>;

/** Decides. `auto`: federated when a client id is given, else docker when its config file names the registry, else cli. Fails with `INPUT_INVALID`. */
export async function chooseWay(registry: string, ctx: Context, signIn: RegistrySignIn): Promise<SignInWay> {
  const { 'registry-sign-in': asked, 'azure-tenant-id': tenantId, 'azure-client-id': clientId } = signIn;
  if (asked === 'anonymous') return { kind: 'anonymous' };
  if (asked === 'managed-identity') return { kind: 'managed-identity', clientId };
  if (asked === 'federated' || (asked === 'auto' && clientId !== undefined)) return { kind: 'federated', ...requireFederated(tenantId, clientId) };
  if (asked === 'cli') return { kind: 'cli', tenantId };
  const docker = await openDockerConfig(ctx);
  if (asked === 'docker' || docker?.names(registry) === true) {
    if (docker === undefined) throw new Failure({ code: 'INPUT_INVALID', message: 'registry-sign-in is docker, but there is no docker config file', hint: `Run docker login ${registry}, or choose another sign-in.` });
    return { kind: 'docker', credentials: docker.credentials };
  }
  return { kind: 'cli', tenantId };
}

function requireFederated(tenantId: string | undefined, clientId: string | undefined): { readonly tenantId: string; readonly clientId: string } {
  const missing = [tenantId === undefined ? 'azure-tenant-id' : '', clientId === undefined ? 'azure-client-id' : ''].filter(Boolean);
  if (tenantId !== undefined && clientId !== undefined && /^[0-9A-Za-z.-]+$/.test(tenantId)) return { tenantId, clientId };
  throw new Failure({ code: 'INPUT_INVALID', message: missing.length > 0 ? `a federated sign-in needs ${missing.join(' and ')}` : `azure-tenant-id "${tenantId}" is neither an id nor a domain` });
}
