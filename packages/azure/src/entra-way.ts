// SPDX-License-Identifier: Apache-2.0
// How to sign in to Entra ID, decided from the inputs that steps share.
import { Failure } from '@pratique/core';

/** The values of those of `registryInputs` (step) that are about Entra ID. */
export interface AzureSignIn {
  /** Only `managed-identity` and `cli` say something here. */
  readonly 'registry-sign-in': string;
  readonly 'azure-tenant-id'?: string | undefined;
  readonly 'azure-client-id'?: string | undefined;
  /** https URL. */
  readonly 'azure-authority-host': string;
}

/** A way of signing in that ends in an Entra token. */
export type EntraWay =
  | { readonly kind: 'federated'; readonly tenantId: string; readonly clientId: string }
  | { readonly kind: 'managed-identity'; readonly clientId: string | undefined }
  | { readonly kind: 'cli'; readonly tenantId: string | undefined };

/** Decides: `managed-identity` and `cli` when asked for, else federated when a client id is given, else the Azure CLI. Fails with `INPUT_INVALID`. */
export function chooseEntraWay(signIn: AzureSignIn): EntraWay {
  const { 'registry-sign-in': asked, 'azure-tenant-id': tenantId, 'azure-client-id': clientId } = signIn;
  if (asked === 'managed-identity') return { kind: 'managed-identity', clientId };
  if (asked === 'federated' || (asked !== 'cli' && clientId !== undefined)) return { kind: 'federated', ...requireFederated(tenantId, clientId) };
  return { kind: 'cli', tenantId };
}

/** Host name of the authority. Fails with `INPUT_INVALID` when it is no https URL. */
export function requireAuthority({ 'azure-authority-host': authority }: Pick<AzureSignIn, 'azure-authority-host'>): string {
  if (URL.canParse(authority) && new URL(authority).protocol === 'https:') return new URL(authority).hostname;
  throw new Failure({ code: 'INPUT_INVALID', message: `azure-authority-host "${authority}" is not an https URL` });
}

function requireFederated(tenantId: string | undefined, clientId: string | undefined): { readonly tenantId: string; readonly clientId: string } {
  const missing = [tenantId === undefined ? 'azure-tenant-id' : '', clientId === undefined ? 'azure-client-id' : ''].filter(Boolean);
  if (tenantId !== undefined && clientId !== undefined && /^[0-9A-Za-z.-]+$/.test(tenantId)) return { tenantId, clientId };
  throw new Failure({ code: 'INPUT_INVALID', message: missing.length > 0 ? `a federated sign-in needs ${missing.join(' and ')}` : `azure-tenant-id "${tenantId}" is neither an id nor a domain` });
}
