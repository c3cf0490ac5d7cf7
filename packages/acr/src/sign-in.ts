// SPDX-License-Identifier: Apache-2.0
// How to sign in: the inputs that steps share, and what `auto` means.
import { chooseEntraWay, type AzureSignIn, type EntraWay } from '@pratique/azure';
import { Failure, type Context } from '@pratique/core';
import type { CredentialsSource } from '@pratique/oci';
import { openDockerConfig } from './docker-config.ts';

/** The values of the inputs that `registryInputs` of step declares. */
export interface RegistrySignIn extends AzureSignIn {
  readonly 'registry-sign-in': 'auto' | 'federated' | 'managed-identity' | 'cli' | 'docker' | 'anonymous';
  readonly 'azure-audience': string;
  readonly 'registry-role-mode': 'abac' | 'legacy';
}

/** A way of signing in, decided. */
export type SignInWay = EntraWay | { readonly kind: 'docker'; readonly credentials: CredentialsSource } | { readonly kind: 'anonymous' };

/** Decides. `auto`: federated when a client id is given, else docker when its config file names the registry, else cli. Fails with `INPUT_INVALID`. */
export async function chooseWay(registry: string, ctx: Context, signIn: RegistrySignIn): Promise<SignInWay> {
  const { 'registry-sign-in': asked, 'azure-client-id': clientId } = signIn;
  if (asked === 'anonymous') return { kind: 'anonymous' };
  if (asked !== 'docker' && (asked !== 'auto' || clientId !== undefined)) return chooseEntraWay(signIn);
  const docker = await openDockerConfig(ctx);
  if (asked === 'docker' || docker?.names(registry) === true) {
    if (docker === undefined) throw new Failure({ code: 'INPUT_INVALID', message: 'registry-sign-in is docker, but there is no docker config file', hint: `Run docker login ${registry}, or choose another sign-in.` });
    return { kind: 'docker', credentials: docker.credentials };
  }
  return chooseEntraWay(signIn);
}
