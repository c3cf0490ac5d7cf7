// SPDX-License-Identifier: Apache-2.0
// Resource Manager and the Azure Monitor workspace of the lab, as a client sees them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Assignment } from '../acr/roles.ts';
import { createEntra, type Entra } from '../entra/entra.ts';
import { labClients, labTenantId } from '../lab-defaults.ts';
import { createArm, labResources, type Arm } from './arm.ts';
import type { LabManagedCluster } from './cluster.ts';
import { createMonitor } from './monitor.ts';

const folder = mkdtempSync(join(tmpdir(), 'arm-'));
const url = 'https://management.example';
const { gate, builder, cluster: kubelet } = labClients;
const settings = { mode: 'abac' as const, assignments: [{ principal: kubelet.objectId, role: 'Container Registry Repository Reader', prefix: 'acme/' }, { principal: kubelet.objectId, role: 'AcrPull' }] as Assignment[] };
const running: LabManagedCluster = { server: 'https://10.0.0.1:6443', authority: 'PEM', login: 'entra' };
let entra: Entra;
let arm: Arm;

beforeAll(async () => {
  entra = await createEntra({ folder, url: 'https://login.example', tenantId: labTenantId, clients: Object.values(labClients), federatedCredentials: [] });
  arm = createArm({ url, tenantId: labTenantId, entra, registry: { loginServer: 'lab.azurecr.io', settings }, kubelet });
  arm.assignments.push({ principal: gate.objectId, role: 'Azure Kubernetes Service Cluster User Role', scope: labResources.cluster }, { principal: gate.objectId, role: 'Reader', scope: labResources.cluster.split('/').slice(0, 5).join('/') });
});
afterAll(() => rmSync(folder, { recursive: true }));

const tokenOf = (client: { readonly clientId: string }, audience = url): string => entra.mintAccessToken(client.clientId, audience);

async function ask(method: 'GET' | 'POST', path: string, { token = tokenOf(gate), version = '?api-version=2025-10-01', body }: { readonly token?: string; readonly version?: string; readonly body?: object } = {}): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const reply = await arm.handle(new Request(`${url}${path}${version}`, { method, headers: token === '' ? {} : { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }));
  return { status: reply.status, body: await reply.json() as Record<string, unknown> };
}

describe('a call', () => {
  test.each<[string, () => { token?: string; version?: string }, number, string]>([
    ['without a token', () => ({ token: '' }), 401, 'AuthenticationFailed'], ['with a token of nobody', () => ({ token: 'e30.e30.e30' }), 401, 'InvalidAuthenticationToken'],
    ['with a token for the registry', () => ({ token: tokenOf(gate, 'https://containerregistry.azure.net') }), 401, 'InvalidAuthenticationTokenAudience'],
    ['without api-version', () => ({ version: '' }), 400, 'MissingApiVersionParameter'], ['with an api-version that is none', () => ({ version: '?api-version=v1' }), 400, 'InvalidApiVersionParameter'],
    ['by who has no role', () => ({ token: tokenOf(builder) }), 403, 'AuthorizationFailed'], ['about what is not there', () => ({}), 404, 'ResourceNotFound'],
  ])('%s', async (_, options, status, code) => {
    expect(await ask('GET', labResources.cluster, options())).toMatchObject({ status, body: { error: { code } } });
  });
});

describe('the cluster', () => {
  const credential = `${labResources.cluster}/listClusterUserCredential`;
  const kubeconfigOf = async (cluster: LabManagedCluster): Promise<unknown> => {
    arm.setCluster(cluster);
    const { body } = await ask('POST', credential);
    const [first] = body['kubeconfigs'] as { name: string; value: string }[];
    return JSON.parse(Buffer.from(first?.value ?? '', 'base64').toString());
  };
  test('has the kubelet identity, and what is put over its properties', async () => {
    arm.setCluster({ ...running, properties: { apiServerAccessProfile: { enablePrivateCluster: true } } });
    expect(await ask('GET', labResources.cluster.toUpperCase())).toMatchObject({ status: 200, body: { properties: { powerState: { code: 'Running' }, identityProfile: { kubeletidentity: { objectId: kubelet.objectId } }, apiServerAccessProfile: { enablePrivateCluster: true } } } });
  });
  test('gives a kubeconfig for kubelogin, or with a certificate', async () => {
    expect(await kubeconfigOf(running)).toMatchObject({ users: [{ user: { exec: { command: 'kubelogin', args: expect.arrayContaining(['--server-id', '6dae42f8-4368-4678-94ff-3960e28e3630', labTenantId]) as string[] } } }], clusters: [{ cluster: { server: running.server } }] });
    expect(await kubeconfigOf({ ...running, login: { certificate: 'PEM', key: 'KEY' } })).toMatchObject({ users: [{ user: { 'client-key-data': Buffer.from('KEY').toString('base64') } }] });
  });
  test('with local accounts disabled and without Entra gives none', async () => {
    arm.setCluster({ ...running, login: 'disabled' });
    expect(await ask('POST', credential)).toEqual({ status: 400, body: { code: 'BadRequest', message: 'Getting static credential is not allowed because this cluster is set to disable local accounts.' } });
  });
  test('shows its credential to nobody without the role', async () => {
    expect(await ask('POST', credential, { token: tokenOf(builder) })).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('listClusterUserCredential/action') as string } } });
  });
});

describe('the registry', () => {
  const find = { query: "resources | where properties.loginServer =~ 'lab.azurecr.io' | project id" };
  test('is found by who may read it', async () => {
    expect((await ask('POST', '/providers/Microsoft.ResourceGraph/resources', { body: find })).body['data']).toEqual([{ id: labResources.registry }]);
    expect((await ask('POST', '/providers/Microsoft.ResourceGraph/resources', { body: find, token: tokenOf(builder) })).body['data']).toEqual([]);
    expect(await ask('GET', labResources.registry)).toMatchObject({ status: 200, body: { properties: { loginServer: 'lab.azurecr.io', roleAssignmentMode: 'AbacRepositoryPermissions' } } });
  });
  test('has the role assignments that its own data plane goes by', async () => {
    const path = `${labResources.registry}/providers/Microsoft.Authorization/roleAssignments`;
    const { body } = await ask('GET', path, { version: `?api-version=2022-04-01&$filter=${encodeURIComponent(`atScope() and assignedTo('${kubelet.objectId}')`)}` });
    expect(body['value']).toMatchObject([
      { properties: { principalId: kubelet.objectId, roleDefinitionId: expect.stringMatching(/\/b93aa761-3e63-49ed-ac28-beffa264f7ac$/) as string, condition: expect.stringContaining("StringStartsWithIgnoreCase 'acme/'") as string } },
      { properties: { roleDefinitionId: expect.stringMatching(/\/7f951dda-4ed3-4680-a7ca-43fe172d538d$/) as string, condition: null } },
    ]);
    expect((await ask('GET', path)).body['value']).toHaveLength(3);
    expect(await ask('GET', path, { token: tokenOf(builder) })).toMatchObject({ status: 403 });
  });
});

describe('the workspace', () => {
  const open = () => createMonitor({ entra, mayRead: (principal) => principal === gate.objectId });
  const query = (token?: string): Request => new Request('https://monitor.example/api/v1/query', { method: 'POST', body: 'query=up', headers: { 'content-type': 'application/x-www-form-urlencoded', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) } });
  const audience = 'https://prometheus.monitor.azure.com';
  test.each<[string, () => string | undefined, number]>([
    ['nobody', () => undefined, 401], ['a token for Resource Manager', () => tokenOf(gate), 401], ['who has no role', () => tokenOf(builder, audience), 403], ['a reader, while there is no cluster', () => tokenOf(gate, audience), 404],
  ])('answers %s', async (_, token, status) => {
    expect((await open().handle(query(token()))).status).toBe(status);
  });
});
