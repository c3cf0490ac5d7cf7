// SPDX-License-Identifier: Apache-2.0
// Role assignments on Azure resources, and what the few roles that the lab knows may do (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles).

/** A role given to a principal, on a resource and everything below it. */
export interface ArmAssignment {
  /** Object id. */
  readonly principal: string;
  readonly role: ArmRole;
  /** Id of a subscription, resource group or resource. */
  readonly scope: string;
}

const roles = {
  'Azure Kubernetes Service Cluster User Role': { id: '4abbcc35-e782-43d8-92c5-2d3f1bd2253f', actions: ['Microsoft.ContainerService/managedClusters/read', 'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action'] },
  'Azure Kubernetes Service Contributor Role': { id: 'ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8', actions: ['Microsoft.ContainerService/managedClusters/read', 'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action', 'Microsoft.ContainerService/managedClusters/runCommand/action', 'Microsoft.ContainerService/managedClusters/commandResults/read'] },
  'Monitoring Data Reader': { id: 'b0d8363b-8ddd-447d-831f-62ca05bff136', actions: ['Microsoft.Monitor/accounts/data/metrics/read'] },
  Reader: { id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7', actions: ['*/read'] },
} as const;

/** Name of a built-in role. */
export type ArmRole = keyof typeof roles;

/** Definition id of a role. */
export function armRoleId(role: ArmRole): string {
  return roles[role].id;
}

/** Whether the principal may do `action` on `resource`. A role of the control plane says nothing about data. */
export function mayDo(assignments: readonly ArmAssignment[], { principal, action, resource }: { readonly principal: string; readonly action: string; readonly resource: string }): boolean {
  return assignments.some((assignment) => assignment.principal === principal && isWithin(resource, assignment.scope)
    && roles[assignment.role].actions.some((granted) => granted === action || (granted === '*/read' && action.endsWith('/read') && !action.includes('/data/'))));
}

/** Whether a resource is `scope` or below it. Ids are compared without case. */
export function isWithin(resource: string, scope: string): boolean {
  return `${resource.toLowerCase()}/`.startsWith(`${scope.toLowerCase()}/`);
}
