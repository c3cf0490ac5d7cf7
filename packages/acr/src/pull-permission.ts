// SPDX-License-Identifier: Apache-2.0
// May an identity pull from a registry? Asked of Resource Manager, before a pod has to find out: which role assignments it has there, in the registry's mode
// (https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
import { Failure, isJsonObject } from '@pratique/core';
import type { ResourceManager } from '@pratique/azure';
import { conditionCovers } from './role-condition.ts';
import { roleHint } from './role-hint.ts';

/** What is asked. */
export interface PullQuestion {
  readonly arm: ResourceManager;
  /** Login server. */
  readonly registry: string;
  readonly repository: string;
  /** Object id. */
  readonly identity: string;
}

/** `unknown`: who asks may not see it, or an assignment has a role or condition that is not understood. */
export type PullAnswer = { readonly may: 'yes' } | { readonly may: 'unknown'; readonly because: string } | { readonly may: 'no'; readonly hint: string };

// Built-in roles that read images (Microsoft Learn, "Azure Container Registry roles directory reference").
const pulls: Readonly<Record<'abac' | 'legacy', ReadonlySet<string>>> = {
  abac: new Set([
    'b93aa761-3e63-49ed-ac28-beffa264f7ac', // Container Registry Repository Reader
    '2a1e307c-b015-4ebd-883e-5b7698a07328', // Writer
    '2efddaa5-3f1f-4df3-97df-af3f13818f4c', // Contributor
    '577a9874-89fd-4f24-9dbd-b5034d0ad23a', // Data Importer and Data Reader
  ]),
  legacy: new Set([
    '7f951dda-4ed3-4680-a7ca-43fe172d538d', // AcrPull
    '8311e382-0749-4cb8-b61a-304f252e45ec', // AcrPush
    '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', // Owner
    'b24988ac-6180-42a0-ab88-20f7382dd24c', // Contributor
    'acdd72a7-3385-48ef-bd42-f606fba81ae7', // Reader
  ]),
};
/** Roles of the other mode, and those about quarantine or deletion: they pull nothing. */
const others = new Set([...pulls.abac, ...pulls.legacy, 'c2f4ef07-c644-48eb-af81-4b1b4947fb11', 'cdda3590-29a3-44f6-95f2-9f980659eb04', 'c8d4ff99-41c3-41a8-9f60-21dfdad59608', 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7']);

/** Asks. What cannot be read is `unknown`, never a failure: the pull itself will tell. */
export async function mayPull(question: PullQuestion): Promise<PullAnswer> {
  try {
    const id = await findRegistry(question);
    if (id === undefined) return { may: 'unknown', because: `no registry ${question.registry} is visible; the role "Reader" on it would show it` };
    return await ask(question, id);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code.startsWith('AZURE_')) return { may: 'unknown', because: `${thrown.message}${thrown.hint === undefined ? '' : `\n${thrown.hint}`}` };
    throw thrown;
  }
}

async function ask({ arm, registry, repository, identity }: PullQuestion, id: string): Promise<PullAnswer> {
  const call = { method: 'GET', role: 'Reader', scope: id } as const;
  const { properties } = await arm.send({ ...call, path: id, apiVersion: '2025-11-01' });
  const mode = isJsonObject(properties) && properties['roleAssignmentMode'] === 'AbacRepositoryPermissions' ? 'abac' : 'legacy';
  // At the registry or above, of the identity or of a group that it is in (https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest).
  const assignments = await arm.list({ ...call, path: `${id}/providers/Microsoft.Authorization/roleAssignments`, apiVersion: '2022-04-01', query: { $filter: `atScope() and assignedTo('${identity}')` } });
  const answers = assignments.map((assignment) => judge(assignment, { mode, repository }));
  if (answers.includes('yes')) return { may: 'yes' };
  if (answers.includes('unknown')) return { may: 'unknown', because: `${identity} has a role or condition on ${registry} that is not one of the built-in ones` };
  return { may: 'no', hint: roleHint({ registry, scope: `repository:${repository}:pull`, mode, assignee: identity }) };
}

/** Whether one assignment lets its principal pull the repository. */
export function judge(assignment: unknown, { mode, repository }: { readonly mode: 'abac' | 'legacy'; readonly repository: string }): 'yes' | 'no' | 'unknown' {
  const properties = isJsonObject(assignment) && isJsonObject(assignment['properties']) ? assignment['properties'] : {};
  const role = String(properties['roleDefinitionId'] ?? '').split('/').at(-1)?.toLowerCase() ?? '';
  if (!pulls[mode].has(role)) return others.has(role) ? 'no' : 'unknown';
  const { condition } = properties;
  return typeof condition !== 'string' || condition === '' ? 'yes' : conditionCovers(condition, repository);
}

/** By login server and not by name: with a domain name label the host is not the name, and the registry may be in any subscription. */
async function findRegistry({ arm, registry }: PullQuestion): Promise<string | undefined> {
  if (!/^[a-z0-9.:-]+$/i.test(registry)) return undefined;
  const { data } = await arm.send({
    method: 'POST', path: '/providers/Microsoft.ResourceGraph/resources', apiVersion: '2022-10-01', role: 'Reader', scope: '/subscriptions/SUBSCRIPTION',
    body: { query: `resources | where type =~ 'microsoft.containerregistry/registries' and properties.loginServer =~ '${registry}' | project id`, options: { resultFormat: 'objectArray' } },
  });
  const [first]: unknown[] = Array.isArray(data) ? data : [];
  return isJsonObject(first) && typeof first['id'] === 'string' && first['id'].startsWith('/subscriptions/') ? first['id'] : undefined;
}
