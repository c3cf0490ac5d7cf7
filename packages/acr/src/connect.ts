// SPDX-License-Identifier: Apache-2.0
// One registry, signed in to: the distribution API, and what only Azure's registry has.
import { requireAuthority, createEntraTokens, type EntraTokens } from '@pratique/azure';
import { Failure, type Context } from '@pratique/core';
import { anonymousAuthenticator, createRegistry, tokenAuthenticator, type Authenticator, type Registry } from '@pratique/oci';
import { createProperties, refusedProperties, type RegistryProperties } from './properties.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { roleHint } from './role-hint.ts';
import { chooseWay, type RegistrySignIn, type SignInWay } from './sign-in.ts';
import { exchangeAuthenticator, grants } from './token-exchange.ts';

/** A registry with its sign-in. */
export interface AzureRegistry {
  readonly oci: Registry;
  readonly properties: RegistryProperties;
  /** ACR's own quarantine policy. */
  readonly quarantine: Quarantine;
  /** Whether the token service would grant every action of `scope`; `true` also where rights cannot be told apart, because then nothing keeps the identity from using them. */
  canObtain(scope: string): Promise<boolean>;
}

export interface ConnectOptions {
  /** Login server: host with port. Always https. */
  readonly registry: string;
  readonly ctx: Context;
  readonly signIn: RegistrySignIn;
}

// https://learn.microsoft.com/azure/container-registry/container-registry-get-started-azure-cli (sovereign clouds included).
const azureHost = /^[a-z0-9-]+(?:\.[a-z0-9]+\.geo)?\.azurecr\.(?:io|cn|us)(?::443)?$/i;
const publicAuthorities = new Set(['login.microsoftonline.com', 'login.microsoftonline.us', 'login.partner.microsoftonline.cn', 'login.chinacloudapi.cn', 'login.windows.net']);

/**
 * Connects by the shared inputs. Nothing is fetched before the first call.
 * Fails with `INPUT_INVALID`; calls fail with `AZURE_*`, `ACR_*` and `REGISTRY_*` codes, hints name the missing role assignment.
 */
export async function connectRegistry(options: ConnectOptions): Promise<AzureRegistry> {
  const { registry, ctx, signIn } = options;
  const way = await chooseWay(registry, ctx, signIn);
  const session = way.kind === 'docker' || way.kind === 'anonymous' ? undefined : { way, entra: createEntraTokens(ctx, way, { authorityHost: signIn['azure-authority-host'], audience: signIn['azure-audience'] }) };
  const mode = signIn['registry-role-mode'];
  const assignee = signIn['azure-client-id'];
  const forbiddenHint = (scope: string): string => roleHint({ registry, scope, mode, assignee });
  const known = azureHost.test(registry);
  const authority = requireAuthority(signIn);
  const trusted = known || !publicAuthorities.has(authority);
  const oci = createRegistry({
    registry, fetch: ctx.fetch, clock: ctx.clock, signal: ctx.signal,
    authenticator: session === undefined ? plainAuthenticator(way) : exchangeAuthenticator({ entra: session.entra, tenantId: signIn['azure-tenant-id'], mode, known, trusted }),
    ...(known || session !== undefined ? { forbiddenHint } : {}),
  });
  return {
    oci, properties: propertiesOf(options, { way, entra: session?.entra, trusted, forbiddenHint }), quarantine: createQuarantine(oci, assignee), canObtain: (scope) => canObtain(oci, scope),
  };
}

function plainAuthenticator(way: SignInWay): Authenticator {
  return way.kind === 'docker' ? tokenAuthenticator(way.credentials) : anonymousAuthenticator();
}

interface Session {
  readonly way: SignInWay;
  readonly entra: EntraTokens | undefined;
  readonly trusted: boolean;
  readonly forbiddenHint: (scope: string) => string;
}

function propertiesOf({ registry, ctx, signIn }: ConnectOptions, { way, entra, trusted, forbiddenHint }: Session): RegistryProperties {
  if (entra === undefined) return refusedProperties(registry, `the sign-in is ${way.kind}`);
  if (!trusted) return refusedProperties(registry, 'the host is not one of Azure');
  return createProperties({ registry, ctx, entra, audience: signIn['azure-audience'], forbiddenHint });
}

async function canObtain(oci: Registry, scope: string): Promise<boolean> {
  try {
    const header = await oci.authorization([scope]);
    return header === undefined || (grants(header, scope) ?? true);
  } catch (thrown) {
    if (thrown instanceof Failure && (thrown.code === 'ACR_ROLE_MISSING' || thrown.code === 'REGISTRY_FORBIDDEN')) return false;
    throw thrown;
  }
}
