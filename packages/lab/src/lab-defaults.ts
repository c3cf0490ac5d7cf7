// SPDX-License-Identifier: Apache-2.0
// Who lives in the lab when nobody says otherwise: the organisation acme with its repository app, and the identities of its pipeline.
import type { EntraClient } from './entra/entra.ts';
import type { LabUser } from './github/state.ts';

/** Fixed GUID of the lab's tenant. */
export const labTenantId = '0a1b2c3d-0000-4000-8000-000000000001';

/** Names of the identities that the example pipeline uses. */
export type LabPrincipal = 'builder' | 'gate' | 'cluster' | 'deployer';

const identity = (name: LabPrincipal, number: number): EntraClient => ({
  name,
  clientId: `0a1b2c3d-0000-4000-8000-0000000001${number}0`,
  objectId: `0a1b2c3d-0000-4000-8000-0000000001${number}1`,
  secret: `${name}-lab-secret`,
});

/** Application ids, object ids and secrets of the identities; the same in every lab, worth nothing outside of it. */
export const labClients: Readonly<Record<LabPrincipal, EntraClient>> = { builder: identity('builder', 1), gate: identity('gate', 2), cluster: identity('cluster', 3), deployer: identity('deployer', 4) };

/** `sub` of ID tokens that may stand for an identity. Jobs of the gate and of deployments differ from others only by their environment. */
export const labSubjects: Readonly<Record<LabPrincipal, readonly string[]>> = {
  builder: ['repo:acme/app:ref:refs/heads/main', 'repo:acme/app:environment:quarantine'],
  gate: ['repo:acme/app:environment:release'],
  cluster: ['repo:acme/app:environment:production', 'repo:acme/app:environment:staging'],
  deployer: ['repo:acme/app:environment:production', 'repo:acme/app:environment:staging'],
};

/** Ann writes, Bob reviews. */
export const labUsers: readonly LabUser[] = [
  { login: 'ann', id: 3001, email: 'ann@acme.example' },
  { login: 'bob', id: 3002, email: 'bob@acme.example' },
];

/** The organisation and its repository; ids as they stand in tokens and certificates. */
export const labRepository = { owner: 'acme', ownerId: 1001, name: 'app', id: 2002, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'] } as const;
