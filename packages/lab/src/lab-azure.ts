// SPDX-License-Identifier: Apache-2.0
// The lab's Resource Manager and Azure Monitor workspace, with who may do what in them at the start.
import type { AcrEmulator } from './acr/emulator.ts';
import { createArm, labResources, type Arm } from './arm/arm.ts';
import { createMonitor, type Monitor } from './arm/monitor.ts';
import { mayDo } from './arm/roles.ts';
import type { Entra } from './entra/entra.ts';
import { labClients } from './lab-defaults.ts';

/** Both, in one tenant. */
export interface LabAzureOptions {
  /** Where Resource Manager is served. */
  readonly url: string;
  readonly tenantId: string;
  readonly entra: Entra;
  readonly acr: AcrEmulator;
  readonly loginServer: string;
}

/** Opens both. The gate's identity deploys: it uses the cluster, sees the registry, and reads the metrics. */
export function openAzure({ url, tenantId, entra, acr, loginServer }: LabAzureOptions): { readonly arm: Arm; readonly monitor: Monitor } {
  const arm = createArm({ url, tenantId, entra, registry: { loginServer, settings: acr.settings }, kubelet: labClients.cluster });
  const principal = labClients.gate.objectId;
  arm.assignments.push(
    { principal, role: 'Azure Kubernetes Service Cluster User Role', scope: labResources.cluster },
    { principal, role: 'Reader', scope: labResources.registry },
    { principal, role: 'Monitoring Data Reader', scope: labResources.workspace },
  );
  const action = 'Microsoft.Monitor/accounts/data/metrics/read';
  return { arm, monitor: createMonitor({ entra, mayRead: (reader) => mayDo(arm.assignments, { principal: reader, action, resource: labResources.workspace }) }) };
}
