// SPDX-License-Identifier: Apache-2.0
// Each documented answer of Resource Manager to what a deployment asks of an AKS cluster, as a command tells it; the lab's Entra and Resource Manager.
import { Failure, formatImage } from '@pratique/core';
import { canaryRecover, helmDeployCanary } from '@pratique/helm-deploy-canary';
import type { NodeContext } from '@pratique/host';
import { labClients, labResources, type Assignment, type LabManagedCluster } from '@pratique/lab';
import { parseInputs } from '@pratique/step';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGateWorld, type GateWorld } from '../fixtures/gate-world.ts';

type Given = Readonly<Record<string, string | undefined>>;

let world: GateWorld;
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const running: LabManagedCluster = { server: 'https://lab-dns-1.hcp.westeurope.azmk8s.io:443', authority: pem, login: 'entra' };
const { gate, cluster } = labClients;
const reader = 'Container Registry Repository Reader';
const contributor = { principal: gate.objectId, role: 'Azure Kubernetes Service Contributor Role', scope: labResources.cluster } as const;

beforeAll(async () => {
  world = await openGateWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  world.lab.arm.setCluster(undefined);
  world.lab.intercept('arm');
});

interface Setting {
  readonly given?: Given;
  /** How the API server answers; by default nobody resolves its name. */
  readonly api?: (request: Request) => Response | Promise<Response>;
}

const nobody = (code: string) => (): Promise<Response> => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }));

async function contextOf(role: 'gate' | 'builder', api: Setting['api'] = nobody('ENOTFOUND')): Promise<NodeContext> {
  const ctx = await world.ctxFor(role);
  return { ...ctx, fetchOver: () => async (input, init) => api(new Request(input, init)) };
}

function inputsOf(role: 'gate' | 'builder', given: Given = {}) {
  const { 'azure-tenant-id': tenant, 'azure-client-id': client, 'azure-authority-host': authority } = world.inputsOf(role);
  const lab = { 'aks-cluster': labResources.cluster, 'azure-resource-manager': world.lab.addresses.arm.url, 'azure-tenant-id': tenant, 'azure-client-id': client, 'azure-authority-host': authority };
  return parseInputs(canaryRecover.inputs, { release: 'shop', namespace: 'web', ...lab, ...given });
}

async function failureOf(run: () => Promise<unknown>): Promise<Failure> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
}

/** What `pratique canary recover` ends with. */
function recover({ given, api, as = 'gate' }: Setting & { readonly as?: 'gate' | 'builder' } = {}): Promise<Failure> {
  return failureOf(async () => canaryRecover.run(inputsOf(as, given), await contextOf(as, api)));
}

describe('inputs', () => {
  test.each([
    ['a kubeconfig beside it', { kubeconfig: 'file' }, /aks-cluster and kubeconfig exclude each other/], ['a context beside it', { context: 'other' }, /aks-cluster and context exclude each other/],
    ['a name in place of the id', { 'aks-cluster': 'production' }, /must be the resource id of an AKS cluster, not "production"; az aks show/], ['an endpoint without TLS', { 'azure-resource-manager': 'http://127.0.0.1' }, /azure-resource-manager/],
    ['an authority without TLS', { 'azure-authority-host': 'http://127.0.0.1' }, /azure-authority-host/],
  ])('%s', async (_, given, message) => {
    const refused = await recover({ given });
    expect(refused.code).toBe('INPUT_INVALID');
    expect([refused.message, refused.hint].join(' ')).toMatch(message);
  });
});

describe('Resource Manager', () => {
  test('refuses who has no role: the hint is the assignment', async () => {
    world.lab.arm.setCluster(running);
    const refused = await recover({ as: 'builder' });
    expect(refused).toMatchObject({ code: 'AZURE_FORBIDDEN', facts: { status: 403, error: 'AuthorizationFailed' } });
    expect(refused.hint).toContain(`az role assignment create --assignee ${labClients.builder.objectId} --role "Azure Kubernetes Service Cluster User Role" --scope ${labResources.cluster}`);
  });
  test('does not know the cluster', async () => {
    expect(await recover()).toMatchObject({ code: 'AZURE_NOT_FOUND', facts: { error: 'ResourceNotFound' } });
  });
  test('takes tokens of its own audience only', async () => {
    world.lab.arm.setCluster(running);
    // As behind a name that is not the endpoint of the cloud.
    world.lab.intercept('arm', (request) => Promise.resolve(Response.json({ error: { code: 'InvalidAuthenticationTokenTenant', message: `The access token is from the wrong issuer. ${request.method}` } }, { status: 401 })));
    expect(await recover()).toMatchObject({ code: 'AZURE_LOGIN_FAILED', message: expect.stringContaining('wrong issuer') as string, hint: expect.stringContaining('azure-tenant-id') as string });
  });
  test.each([[429, 'TooManyRequests'], [503, 'ServerBusy']])('that answers %d is asked again after Retry-After', async (status, error) => {
    world.lab.arm.setCluster(running);
    const waited: number[] = [];
    let busy = 2;
    world.lab.intercept('arm', () => Promise.resolve((busy -= 1) >= 0 ? Response.json({ error: { code: error, message: 'later' } }, { status, headers: { 'retry-after': '17' } }) : undefined));
    const clock = { now: () => world.now(), sleep: (seconds: number) => Promise.resolve(void waited.push(seconds)) };
    const failure = await failureOf(async () => canaryRecover.run(inputsOf('gate'), { ...await contextOf('gate'), clock }));
    expect(failure.code).toBe('KUBE_UNAVAILABLE');
    expect(waited.slice(0, 2)).toEqual([17, 17]);
  });
  test('that stays throttled is unavailable', async () => {
    world.lab.intercept('arm', () => Promise.resolve(Response.json({ error: { code: 'TooManyRequests', message: 'later' } }, { status: 429, headers: { 'retry-after': '1' } })));
    expect(await recover()).toMatchObject({ code: 'AZURE_UNAVAILABLE', kind: 'unavailable', facts: { status: 429, retryAfterSeconds: 1 } });
  });
  test.each<[string, () => Response, string]>([
    ['a page', () => new Response('<html>'), 'AZURE_PROTOCOL'], ['a redirect', () => new Response('', { status: 302, headers: { location: 'https://elsewhere.example' } }), 'AZURE_PROTOCOL'],
    ['a conflict', () => Response.json({ code: 'OperationNotAllowed', message: 'Operation is not allowed: another operation is in progress' }, { status: 409 }), 'AZURE_REFUSED'],
    ['no kubeconfig', () => Response.json({ kubeconfigs: [] }), 'AZURE_PROTOCOL'],
    ['a kubeconfig for another program', () => Response.json({ kubeconfigs: [{ name: 'x', value: Buffer.from(JSON.stringify(foreign)).toString('base64') }] }), 'KUBE_CONFIG_INVALID'],
  ])('that answers with %s', async (_, reply, code) => {
    world.lab.arm.setCluster(running);
    world.lab.intercept('arm', (request) => Promise.resolve(request.method === 'POST' ? reply() : undefined));
    expect(await recover()).toMatchObject({ code });
  });
});

const foreign = {
  apiVersion: 'v1', kind: 'Config', 'current-context': 'a', contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }], clusters: [{ name: 'a', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'a', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh', args: ['-c', 'id', '--server-id', '6dae42f8-4368-4678-94ff-3960e28e3630'] } } }],
};

const hidden: LabManagedCluster = { ...running, properties: { apiServerAccessProfile: { enablePrivateCluster: true }, privateFQDN: 'lab.privatelink.westeurope.azmk8s.io' } };

describe('a recovery from outside the network of the cluster', () => {
  const commands: string[] = [];
  const recoverBy = async (run: LabManagedCluster['run']): Promise<Failure> => {
    commands.length = 0;
    world.lab.arm.setCluster({ ...hidden, ...(run !== undefined && { run: (command, token) => (commands.push(command), run(command, token)) }) });
    world.lab.arm.assignments.push(contributor);
    try {
      return await recover();
    } finally {
      world.lab.arm.assignments.splice(world.lab.arm.assignments.indexOf(contributor), 1);
    }
  };
  test('needs the right to run commands: the hint is the assignment', async () => {
    world.lab.arm.setCluster(hidden);
    expect(await recover()).toMatchObject({ code: 'AZURE_FORBIDDEN', hint: expect.stringContaining(`--assignee ${gate.objectId} --role "Azure Kubernetes Service Contributor Role" --scope ${labResources.cluster}`) as string });
  });
  test('of a cluster that has no room for a pod', async () => {
    expect(await recoverBy(undefined)).toMatchObject({ code: 'AZURE_REFUSED', message: expect.stringContaining('0/1 nodes are available') as string, hint: expect.stringContaining('disableRunCommand') as string });
  });
  test.each<[string, string, string]>([
    ['a refusal', 'Error from server (Forbidden): leases.coordination.k8s.io "x" is forbidden: User "y" cannot get resource', 'KUBE_FORBIDDEN'], ['an end without words', '', 'KUBE_UNAVAILABLE'],
    ['a token that is not taken', 'error: You must be logged in to the server (Unauthorized)', 'KUBE_UNAUTHORIZED'],
  ])('ends with what kubectl ends with: %s', async (_, logs, code) => {
    expect(await recoverBy(() => Promise.resolve({ exitCode: 1, logs }))).toMatchObject({ code });
  });
  test('reads no object that was cut off', async () => {
    expect(await recoverBy(() => Promise.resolve({ exitCode: 0, logs: '{"apiVersion":"coordination.k8s.io/v1","kind":"Lea' }))).toMatchObject({ code: 'KUBE_PROTOCOL', message: expect.stringContaining('was cut off') as string });
  });
  test('is done as who signed in, by kubectl', async () => {
    const tokens: string[] = [];
    await recoverBy((_, token) => (tokens.push(token), Promise.resolve({ exitCode: 1, logs: '' })));
    expect(commands[0]).toBe('kubectl get lease.v1.coordination.k8s.io pratique-canary-shop --namespace web --ignore-not-found --show-managed-fields --output json');
    expect(await world.lab.entra.verifyAccessToken(tokens[0] ?? '')).toMatchObject({ audience: '6dae42f8-4368-4678-94ff-3960e28e3630', objectId: gate.objectId });
  });
});

describe('a cluster', () => {
  test('that is stopped', async () => {
    world.lab.arm.setCluster({ ...running, properties: { powerState: { code: 'Stopped' } } });
    expect(await recover()).toMatchObject({ code: 'AKS_STOPPED', hint: `az aks start --ids ${labResources.cluster}` });
  });
  test('with local accounts disabled and without Entra', async () => {
    world.lab.arm.setCluster({ ...running, login: 'disabled' });
    expect(await recover()).toMatchObject({ code: 'AKS_LOCAL_ACCOUNTS_DISABLED', hint: expect.stringContaining('--enable-aad') as string });
  });
  test('that is public and does not answer is unavailable', async () => {
    world.lab.arm.setCluster(running);
    expect(await recover({ api: nobody('ECONNREFUSED') })).toMatchObject({ code: 'KUBE_UNAVAILABLE' });
  });
  test('is shown a token for the AKS application in place of kubelogin, and may refuse it', async () => {
    world.lab.arm.setCluster(running);
    const tokens: string[] = [];
    const api = (request: Request): Response => {
      tokens.push(request.headers.get('authorization')?.replace('Bearer ', '') ?? '');
      return Response.json({ kind: 'Status', message: 'Unauthorized' }, { status: 401 });
    };
    expect(await recover({ api })).toMatchObject({ code: 'KUBE_UNAUTHORIZED' });
    expect(await world.lab.entra.verifyAccessToken(tokens[0] ?? '')).toMatchObject({ audience: '6dae42f8-4368-4678-94ff-3960e28e3630', objectId: gate.objectId });
  });
  test('with local accounts gives a certificate, and no token', async () => {
    world.lab.arm.setCluster({ ...running, login: { certificate: pem, key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' } });
    const seen: (string | null)[] = [];
    expect(await recover({ api: (request) => { seen.push(request.headers.get('authorization')); return Response.json({ kind: 'Status', message: 'no' }, { status: 403 }); } })).toMatchObject({ code: 'KUBE_FORBIDDEN' });
    expect(seen[0]).toBeNull();
  });
});

describe('a deployment', () => {
  let image: string;
  beforeAll(async () => {
    const pushed = await world.pushImage({ name: 'web' });
    await world.sign(pushed);
    await world.judge(pushed);
    image = formatImage({ ...pushed.release, digest: pushed.image.digest });
  });

  /** An API server that can be reached, and lets nobody do anything: whoever gets there has passed. */
  const closed = (request: Request): Response =>
    (new URL(request.url).pathname === '/api/v1' ? Response.json({ kind: 'APIResourceList', resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] }) : Response.json({ kind: 'Status', message: 'no' }, { status: 403 }));
  const deploy = (managed = running, api: Setting['api'] = closed): Promise<Failure> => {
    world.lab.arm.setCluster(managed);
    const values = { image, chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://127.0.0.1:9', 'aks-cluster': labResources.cluster, 'azure-resource-manager': world.lab.addresses.arm.url, ...world.inputsOf('gate') };
    const known = Object.fromEntries(Object.entries(values).filter(([name]) => name in helmDeployCanary.inputs));
    return failureOf(async () => helmDeployCanary.run(parseInputs(helmDeployCanary.inputs, known), await contextOf('gate', api)));
  };

  /** Deploys while the nodes have these roles on the registry, in place of their own. */
  async function deployWith(...roles: readonly string[] | readonly Partial<Assignment>[]): Promise<Failure> {
    const { assignments } = world.lab.acr.settings;
    const before = assignments.splice(0);
    const theirs = roles.map((role) => ({ principal: cluster.objectId, role: reader, ...(typeof role === 'string' ? { role } : role) }));
    assignments.push(...before.filter(({ principal }) => principal !== cluster.objectId), { principal: gate.objectId, role: 'AcrPull' }, ...theirs);
    try {
      return await deploy();
    } finally {
      assignments.splice(0, assignments.length, ...before);
    }
  }
  const passed = { code: 'KUBE_FORBIDDEN' };

  test.each([['ENOTFOUND'], ['ETIMEDOUT'], ['ECONNREFUSED']])('to a private cluster, from a runner outside (%s), is refused', async (network) => {
    const refused = await deploy(hidden, nobody(network));
    expect(refused).toMatchObject({ code: 'AKS_UNREACHABLE', facts: { network, cluster: labResources.cluster } });
    expect(refused.hint).toMatch(/a runner in the network of the cluster.*pratique canary recover --aks-cluster \/subscriptions\S+ --namespace web/);
  });
  test('to a cluster that answers only some addresses is refused', async () => {
    expect(await deploy({ ...running, properties: { apiServerAccessProfile: { authorizedIPRanges: ['203.0.113.0/24'] } } }, nobody('ETIMEDOUT'))).toMatchObject({ code: 'AKS_UNREACHABLE', hint: expect.stringContaining('authorizedIpRanges') as string });
  });

  test('whose nodes may pull by a condition that covers the repository goes on, and nothing is said', async () => {
    expect(await deployWith({ prefix: 'acme/' })).toMatchObject(passed);
    expect(world.lines.filter((line) => line.includes('may pull'))).toEqual([]);
  });
  test.each<[string, readonly Partial<Assignment>[]]>([['no role', []], ['a condition for other repositories', [{ prefix: 'other/' }]], ['AcrPull, which counts for nothing in ABAC mode', [{ role: 'AcrPull' }]]])('whose nodes lack the right, with %s, is refused', async (_, roles) => {
    const refused = await deployWith(...roles);
    expect(refused).toMatchObject({ code: 'AKS_PULL_FORBIDDEN', facts: { cluster: labResources.cluster } });
    expect(refused.hint).toContain(`az role assignment create --assignee ${cluster.objectId} --role "Container Registry Repository Reader"`);
    expect(refused.hint).toContain("StringEqualsIgnoreCase '\\''acme/web'\\''");
  });
  test('in legacy mode asks for AcrPull', async () => {
    world.lab.acr.setMode('legacy');
    expect(await deployWith('AcrPull')).toMatchObject(passed);
    expect(await deployWith()).toMatchObject({ code: 'AKS_PULL_FORBIDDEN', hint: expect.stringMatching(/--role "AcrPull" --scope "[^"]*"$/) as string });
    world.lab.acr.setMode('abac');
  });
  test('whose right to pull cannot be told, by a role of the organisation or by who may not look, is warned', async () => {
    expect(await deployWith('11111111-1111-4111-8111-111111111111')).toMatchObject(passed);
    expect(world.lines.filter((line) => line.includes('is not one of the built-in ones'))).toHaveLength(1);
    const { assignments } = world.lab.arm;
    const before = assignments.splice(0);
    assignments.push(...before.filter(({ role }) => role !== 'Reader'));
    expect(await deployWith()).toMatchObject(passed);
    assignments.splice(0, assignments.length, ...before);
    expect(world.lines.filter((line) => line.includes('no registry') && line.includes('is visible'))).toHaveLength(1);
  });
});
