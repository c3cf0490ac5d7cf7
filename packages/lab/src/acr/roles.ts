// SPDX-License-Identifier: Apache-2.0
// Which actions a role grants on a repository, in both permission modes of a registry (Microsoft Learn: "Azure Container Registry Entra permissions and role assignments").

import type { QuarantineRight } from './quarantine-policy.ts';

/** `abac` = `AbacRepositoryPermissions`, `legacy` = `LegacyRegistryPermissions`. */
export type RoleMode = 'abac' | 'legacy';

/** A role given to a principal. `prefix` and `repository` are the two conditions ABAC knows; legacy mode ignores them. */
export interface Assignment {
  readonly principal: string;
  /** Name or definition id of a built-in role. */
  readonly role: string;
  /** `StringStartsWithIgnoreCase` on the repository name. */
  readonly prefix?: string;
  /** `StringEqualsIgnoreCase` on the repository name. */
  readonly repository?: string;
}

interface RoleGrant {
  readonly id: string;
  readonly actions: readonly string[];
  readonly catalog?: boolean;
  /** Cannot be narrowed to repositories, whatever the condition says. */
  readonly registryWide?: boolean;
  /** What it allows with held manifests. */
  readonly quarantine?: QuarantineRight;
}

/** Every action there is; what an administrator may do. */
export const allActions = ['pull', 'push', 'delete', 'metadata_read', 'metadata_write', 'deleted_read', 'deleted_restore'] as const;
const read = ['pull', 'metadata_read'] as const;

// Registry-wide in both modes, for use beside a role with data access. That the writer needs no other for the PATCH is not documented.
const quarantineRoles: Readonly<Record<string, RoleGrant>> = {
  AcrQuarantineReader: { id: 'cdda3590-29a3-44f6-95f2-9f980659eb04', actions: [], registryWide: true, quarantine: 'read' },
  AcrQuarantineWriter: { id: 'c8d4ff99-41c3-41a8-9f60-21dfdad59608', actions: ['metadata_read', 'metadata_write'], registryWide: true, quarantine: 'write' },
};

const abacRoles: Readonly<Record<string, RoleGrant>> = {
  'Container Registry Repository Reader': { id: 'b93aa761-3e63-49ed-ac28-beffa264f7ac', actions: read },
  'Container Registry Repository Writer': { id: '2a1e307c-b015-4ebd-883e-5b7698a07328', actions: [...read, 'push', 'metadata_write'] },
  'Container Registry Repository Contributor': { id: '2efddaa5-3f1f-4df3-97df-af3f13818f4c', actions: allActions },
  'Container Registry Repository Catalog Lister': { id: 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7', actions: [], catalog: true, registryWide: true },
  'Container Registry Data Importer and Data Reader': { id: '577a9874-89fd-4f24-9dbd-b5034d0ad23a', actions: read, catalog: true, registryWide: true },
  ...quarantineRoles,
};

// Owner, Contributor and Reader reach the data plane in legacy mode only; the first two pass quarantine too ("Azure Container Registry roles directory reference").
const legacyRoles: Readonly<Record<string, RoleGrant>> = {
  AcrPull: { id: '7f951dda-4ed3-4680-a7ca-43fe172d538d', actions: read, catalog: true },
  AcrPush: { id: '8311e382-0749-4cb8-b61a-304f252e45ec', actions: [...read, 'push'], catalog: true },
  AcrDelete: { id: 'c2f4ef07-c644-48eb-af81-4b1b4947fb11', actions: ['delete'] },
  Owner: { id: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', actions: allActions, catalog: true, quarantine: 'write' },
  Contributor: { id: 'b24988ac-6180-42a0-ab88-20f7382dd24c', actions: allActions, catalog: true, quarantine: 'write' },
  Reader: { id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', actions: read, catalog: true },
  ...quarantineRoles,
};

/** Definition id of a role, in whichever mode it counts; the name itself when it is none of the known ones. */
export function roleId(name: string): string {
  return (findRole('abac', name) ?? findRole('legacy', name))?.id ?? name;
}

function findRole(mode: RoleMode, name: string): RoleGrant | undefined {
  const roles = mode === 'abac' ? abacRoles : legacyRoles;
  const short = name.startsWith('Container Registry ') ? name : `Container Registry ${name}`;
  return roles[name] ?? roles[short] ?? Object.values(roles).find((role) => role.id === name.toLowerCase());
}

function covers(assignment: Assignment, repository: string): boolean {
  const name = repository.toLowerCase();
  if (assignment.repository !== undefined && assignment.repository.toLowerCase() !== name) return false;
  return assignment.prefix === undefined || name.startsWith(assignment.prefix.toLowerCase());
}

/** The actions that the principal's roles grant on one repository. */
export function repositoryActions(assignments: readonly Assignment[], options: { readonly mode: RoleMode; readonly principal: string; readonly repository: string }): Set<string> {
  const granted = new Set<string>();
  for (const assignment of assignments) {
    const role = assignment.principal === options.principal ? findRole(options.mode, assignment.role) : undefined;
    if (role && (options.mode === 'legacy' || role.registryWide || covers(assignment, options.repository))) for (const action of role.actions) granted.add(action);
  }
  return granted;
}

/** Whether the principal may list the catalog. */
export function mayListCatalog(assignments: readonly Assignment[], options: { readonly mode: RoleMode; readonly principal: string }): boolean {
  return assignments.some((assignment) => assignment.principal === options.principal && findRole(options.mode, assignment.role)?.catalog === true);
}

/** What the principal's roles allow with held manifests; conditions do not narrow it. */
export function quarantineRight(assignments: readonly Assignment[], options: { readonly mode: RoleMode; readonly principal: string }): QuarantineRight {
  const rights = assignments.flatMap((assignment) => (assignment.principal === options.principal ? (findRole(options.mode, assignment.role)?.quarantine ?? []) : []));
  return rights.includes('write') ? 'write' : rights.includes('read') ? 'read' : 'none';
}
