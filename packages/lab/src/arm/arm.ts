// SPDX-License-Identifier: Apache-2.0
// Azure Resource Manager for the lab: one AKS cluster, its credentials, one registry, role assignments on it, and Resource Graph to find it.
import { isJsonObject, type JsonObject } from '@pratique/core';
import { roleId, type Assignment, type RoleMode } from '../acr/roles.ts';
import type { Entra, EntraClient } from '../entra/entra.ts';
import { jsonReply } from '../reply.ts';
import { clusterResource, credentialResults, type LabManagedCluster } from './cluster.ts';
import { badApiVersion, forbidden, notFound, staticCredentialRefused, unauthorized } from './refusal.ts';
import { readCommand, startCommand, type CommandResults } from './run-command.ts';
import { armRoleId, isWithin, mayDo, type ArmAssignment } from './roles.ts';

/** What it knows of. */
export interface ArmOptions {
  /** Where it is served: also the audience of its tokens. */
  readonly url: string;
  readonly tenantId: string;
  readonly entra: Pick<Entra, 'verifyAccessToken'>;
  /** The registry's own settings: its role assignments are the ones that Resource Manager tells. */
  readonly registry: { readonly loginServer: string; readonly settings: { readonly mode: RoleMode; readonly assignments: readonly Assignment[] } };
  /** The kubelet identity of the cluster. */
  readonly kubelet: EntraClient;
}

/** Resource Manager of one subscription. */
export interface Arm {
  handle(request: Request): Promise<Response>;
  /** Who may do what, besides the registry's own roles. */
  readonly assignments: ArmAssignment[];
  /** The cluster that it offers; none by default. */
  setCluster(cluster: LabManagedCluster | undefined): void;
}

const group = '/subscriptions/0a1b2c3d-0000-4000-8000-000000000002/resourceGroups/lab/providers';
/** Ids of the lab's resources. */
export const labResources = {
  cluster: `${group}/Microsoft.ContainerService/managedClusters/lab`, registry: `${group}/Microsoft.ContainerRegistry/registries/lab`, workspace: `${group}/Microsoft.Monitor/accounts/lab`,
} as const;

/** Opens it, without a cluster. */
export function createArm(options: ArmOptions): Arm {
  const assignments: ArmAssignment[] = [];
  const results: CommandResults = new Map();
  let cluster: LabManagedCluster | undefined;
  return {
    assignments,
    setCluster: (next) => void (cluster = next),
    handle: (request) => answer(request, { options, assignments, cluster, results }),
  };
}

interface Desk {
  readonly options: ArmOptions;
  readonly assignments: readonly ArmAssignment[];
  readonly cluster: LabManagedCluster | undefined;
  readonly results: CommandResults;
}

interface Caller {
  readonly principal: string;
  readonly path: string;
  readonly url: URL;
  readonly body: unknown;
}

async function answer(request: Request, desk: Desk): Promise<Response> {
  const { options } = desk;
  const token = /^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token === undefined) return unauthorized('missing');
  const known = await options.entra.verifyAccessToken(token);
  if (known === undefined) return unauthorized('invalid');
  if (known.audience !== options.url) return unauthorized('audience', options.url);
  const url = new URL(request.url);
  const path = decodeURIComponent(url.pathname);
  const version = url.searchParams.get('api-version');
  if (version === null || !/^20\d\d-\d\d-\d\d(?:-preview)?$/.test(version)) return badApiVersion(version);
  const caller = { principal: known.objectId, path, url, body: request.method === 'POST' ? await readBody(request) : undefined };
  const route = routes.find(({ method, pattern }) => method === request.method && pattern.test(path));
  return route?.answer(desk, caller) ?? notFound(path);
}

const routes: readonly { readonly method: string; readonly pattern: RegExp; readonly answer: (desk: Desk, caller: Caller) => Response }[] = [
  { method: 'GET', pattern: /\/Microsoft\.ContainerService\/managedClusters\/[^/]+$/i, answer: readCluster },
  { method: 'POST', pattern: /\/Microsoft\.ContainerService\/managedClusters\/[^/]+\/listClusterUserCredential$/i, answer: listCredential },
  { method: 'POST', pattern: /\/Microsoft\.ContainerService\/managedClusters\/[^/]+\/runCommand$/i, answer: runCommand },
  { method: 'GET', pattern: /\/Microsoft\.ContainerService\/managedClusters\/[^/]+\/commandResults\/[^/]+$/i, answer: commandResult },
  { method: 'GET', pattern: /\/Microsoft\.ContainerRegistry\/registries\/[^/]+$/i, answer: readRegistry },
  { method: 'GET', pattern: /\/Microsoft\.ContainerRegistry\/registries\/[^/]+\/providers\/Microsoft\.Authorization\/roleAssignments$/i, answer: listAssignments },
  { method: 'POST', pattern: /^\/providers\/Microsoft\.ResourceGraph\/resources$/i, answer: findResources },
];

/** The right is asked before whether there is such a thing, as Resource Manager does. */
function refusal({ assignments }: Desk, { principal }: Caller, { action, resource, exists }: { readonly action: string; readonly resource: string; readonly exists: string | undefined }): Response | undefined {
  if (!mayDo(assignments, { principal, action, resource })) return forbidden(principal, action, resource);
  return exists?.toLowerCase() === resource.toLowerCase() ? undefined : notFound(resource);
}

function readCluster(desk: Desk, caller: Caller): Response {
  const { cluster, options } = desk;
  const refused = refusal(desk, caller, { action: 'Microsoft.ContainerService/managedClusters/read', resource: caller.path, exists: cluster && labResources.cluster });
  if (refused !== undefined || cluster === undefined) return refused ?? notFound(caller.path);
  const { clientId, objectId } = options.kubelet;
  return jsonReply(200, clusterResource(cluster, { id: labResources.cluster, tenantId: options.tenantId, kubelet: { clientId, objectId } }));
}

function listCredential(desk: Desk, caller: Caller): Response {
  const { cluster, options } = desk;
  const resource = caller.path.slice(0, caller.path.lastIndexOf('/'));
  const refused = refusal(desk, caller, { action: 'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action', resource, exists: cluster && labResources.cluster });
  if (refused !== undefined || cluster === undefined) return refused ?? notFound(resource);
  return cluster.login === 'disabled' ? staticCredentialRefused() : jsonReply(200, credentialResults(cluster, options.tenantId));
}

function runCommand(desk: Desk, caller: Caller): Response {
  const { cluster, results } = desk;
  const resource = caller.path.slice(0, caller.path.lastIndexOf('/'));
  const refused = refusal(desk, caller, { action: 'Microsoft.ContainerService/managedClusters/runCommand/action', resource, exists: cluster && labResources.cluster });
  return refused !== undefined || cluster === undefined ? refused ?? notFound(resource) : startCommand(results, { cluster, body: caller.body, url: caller.url });
}

function commandResult(desk: Desk, caller: Caller): Response {
  const resource = caller.path.replace(/\/commandResults\/[^/]+$/i, '');
  return refusal(desk, caller, { action: 'Microsoft.ContainerService/managedClusters/commandResults/read', resource, exists: desk.cluster && labResources.cluster }) ?? readCommand(desk.results, caller.url);
}

function readRegistry(desk: Desk, caller: Caller): Response {
  return refusal(desk, caller, { action: 'Microsoft.ContainerRegistry/registries/read', resource: caller.path, exists: labResources.registry }) ?? jsonReply(200, registryResource(desk.options));
}

function registryResource({ registry: { loginServer, settings } }: ArmOptions): JsonObject {
  return {
    id: labResources.registry, name: 'lab', type: 'Microsoft.ContainerRegistry/registries', location: 'westeurope', sku: { name: 'Premium', tier: 'Premium' },
    properties: { loginServer, provisioningState: 'Succeeded', adminUserEnabled: false, roleAssignmentMode: settings.mode === 'abac' ? 'AbacRepositoryPermissions' : 'LegacyRegistryPermissions' },
  };
}

// https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
function listAssignments(desk: Desk, caller: Caller): Response {
  const resource = caller.path.replace(/\/providers\/Microsoft\.Authorization\/roleAssignments$/i, '');
  const refused = refusal(desk, caller, { action: 'Microsoft.Authorization/roleAssignments/read', resource, exists: labResources.registry });
  if (refused !== undefined) return refused;
  const assignedTo = /assignedTo\('([^']+)'\)/.exec(caller.url.searchParams.get('$filter') ?? '')?.[1];
  const { assignments } = desk.options.registry.settings;
  const all = [
    ...desk.assignments.filter(({ scope }) => isWithin(resource, scope)).map(({ principal, role, scope }) => ({ principal, role: armRoleId(role), scope, condition: undefined })),
    ...assignments.map((assignment) => ({ principal: assignment.principal, role: roleId(assignment.role), scope: labResources.registry, condition: conditionOf(assignment) })),
  ];
  return jsonReply(200, { value: all.filter(({ principal }) => assignedTo === undefined || principal === assignedTo).map(assignmentResource) });
}

function assignmentResource({ principal, role, scope, condition }: { readonly principal: string; readonly role: string; readonly scope: string; readonly condition: string | undefined }, index: number): JsonObject {
  const name = `0a1b2c3d-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const roleDefinitionId = `/subscriptions/0a1b2c3d-0000-4000-8000-000000000002/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  return {
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, name, type: 'Microsoft.Authorization/roleAssignments',
    properties: { roleDefinitionId, principalId: principal, principalType: 'ServicePrincipal', scope, condition: condition ?? null, conditionVersion: condition === undefined ? null : '2.0' },
  };
}

/** As the portal and our own hints write it. */
function conditionOf({ prefix, repository }: Assignment): string | undefined {
  const [operator, value] = repository === undefined ? ['StringStartsWithIgnoreCase', prefix] : ['StringEqualsIgnoreCase', repository];
  if (value === undefined) return undefined;
  const actions = ['content', 'metadata'].map((what) => `!(ActionMatches{'Microsoft.ContainerRegistry/registries/repositories/${what}/read'})`).join(' AND ');
  return `((${actions}) OR (@Request[Microsoft.ContainerRegistry/registries/repositories:name] ${operator} '${value}'))`;
}

/** Resource Graph shows what the caller may read; of its language only the comparison of the login server is understood. */
function findResources({ options, assignments }: Desk, { principal, body }: Caller): Response {
  const query = isJsonObject(body) ? String(body['query']) : '';
  const visible = query.includes(`'${options.registry.loginServer}'`) && mayDo(assignments, { principal, action: 'Microsoft.ContainerRegistry/registries/read', resource: labResources.registry });
  const data = visible ? [{ id: labResources.registry }] : [];
  return jsonReply(200, { totalRecords: data.length, count: data.length, data, facets: [], resultTruncated: 'false' });
}

async function readBody(request: Request): Promise<unknown> {
  const text = await request.text();
  return text === '' ? undefined : JSON.parse(text);
}
