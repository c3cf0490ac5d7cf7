// SPDX-License-Identifier: Apache-2.0
// The lab's two registries and their logins.
import { join } from 'node:path';
import { isJsonObject, type Clock } from '@pratique/core';
import { createAcrEmulator, type AcrEmulator } from './acr/emulator.ts';
import { tokenUser } from './acr/identities.ts';
import type { Assignment, RoleMode } from './acr/roles.ts';
import type { Entra, EntraClient } from './entra/entra.ts';
import type { RegistryLogin } from './lab-addresses.ts';
import { labClients } from './lab-defaults.ts';
import type { Listeners } from './lab-listeners.ts';

/** Both registries. */
export interface LabRegistries {
  readonly acr: AcrEmulator;
  readonly mirror: AcrEmulator;
  readonly mirrorLogin: RegistryLogin;
  close(): Promise<void>;
}

/** What they are made of. */
export interface RegistriesOptions {
  readonly folder: string;
  readonly listeners: Listeners;
  readonly entra: Entra;
  readonly mode: RoleMode;
  readonly assignments: readonly Assignment[];
  /** Default: the system's. */
  readonly clock: Clock;
}

const audience = 'https://containerregistry.azure.net';
/** Entra audiences that ACR takes: its own and that of ARM (Microsoft Learn, "Require authentication with ARM tokens"). */
const isForRegistry = (named: string): boolean => named === audience || named.startsWith('https://management.');
const role = (short: string): string => `Container Registry Repository ${short}`;

/** Builder writes quarantine; gate everything (Writer would do; Contributor also removes the verdicts that it replaced); cluster reads releases. */
export const defaultAssignments: readonly Assignment[] = [
  { principal: labClients.builder.objectId, role: role('Writer'), prefix: 'quarantine/' },
  { principal: labClients.gate.objectId, role: role('Contributor') },
  { principal: labClients.cluster.objectId, role: role('Reader'), prefix: 'acme/' },
  // Hangs the record of a deployment on what it deployed.
  { principal: labClients.deployer.objectId, role: role('Writer'), prefix: 'acme/' },
];

/** Opens both registries on their folders. */
export async function openRegistries(options: RegistriesOptions): Promise<LabRegistries> {
  const { folder, listeners, entra, clock } = options;
  const mirrorLogin = { username: 'mirror', password: 'mirror-lab-secret' };
  const acr = createAcrEmulator({
    name: listeners.host('acr'), storage: { folder: join(folder, 'acr') }, mode: options.mode, assignments: options.assignments, blobRedirect: listeners.url('blobs'), clock,
    accounts: Object.values(labClients).flatMap(({ clientId, objectId, secret }) => (secret === undefined ? [] : [{ username: clientId, password: secret, principal: objectId }])),
    verifyEntraToken: async (token) => {
      const principal = await entra.verifyAccessToken(token);
      return principal && isForRegistry(principal.audience) ? { principal: principal.objectId, tenant: principal.tenantId } : undefined;
    },
  });
  const mirror = createAcrEmulator({ name: listeners.host('mirror'), storage: { folder: join(folder, 'mirror') }, mode: 'legacy', anonymousPull: true, accounts: [mirrorLogin], clock });
  await Promise.all([acr.open(), mirror.open()]);
  return { acr, mirror, mirrorLogin, close: async () => void (await Promise.all([acr.close(), mirror.close()])) };
}

/** An ACR refresh token for a client, by the exchange that `az acr login --expose-token` makes. */
export async function signInAs(client: EntraClient, { listeners, entra }: { readonly listeners: Listeners; readonly entra: Entra }): Promise<RegistryLogin> {
  const body = new URLSearchParams({ grant_type: 'access_token', service: listeners.host('acr'), access_token: entra.mintAccessToken(client.clientId, audience) });
  const reply = await listeners.fetch(`${listeners.url('acr')}/oauth2/exchange`, { method: 'POST', body });
  const answer: unknown = await reply.json();
  if (!isJsonObject(answer) || typeof answer['refresh_token'] !== 'string') throw new RangeError(`the registry gave no token to ${client.name} (${reply.status})`);
  return { username: tokenUser, password: answer['refresh_token'] };
}
