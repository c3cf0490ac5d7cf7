// SPDX-License-Identifier: Apache-2.0
// Signing in with the real @azure/identity and @azure/container-registry, against the lab's Entra and registry in this process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, type Command, type CommandResult, type Context, type Files } from '@pratique/core';
import { createAcrEmulator, createEntra, type AcrEmulator, type AcrEmulatorOptions, type Assignment } from '@pratique/lab';
import { buildManifest, emptyBlob, mediaTypes, streamOf, type Repository } from '@pratique/oci';
import { afterAll, describe, expect, test } from 'vitest';
import { connectRegistry, type AzureRegistry, type RegistrySignIn } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'acr-'));
afterAll(() => rmSync(folder, { recursive: true }));

const registry = 'contoso.azurecr.io';
const tenantId = '11111111-1111-4111-8111-111111111111';
const client = { clientId: '22222222-2222-4222-8222-222222222222', objectId: '33333333-3333-4333-8333-333333333333', name: 'builder' };
const issuer = 'https://token.actions.example';
const subject = 'repo:acme/app:ref:refs/heads/main';
const audience = 'https://containerregistry.azure.net';
const authority = 'https://login.example';
const writer: Assignment = { principal: client.objectId, role: 'Container Registry Repository Writer', prefix: 'quarantine/' };

interface World {
  readonly ctx: Context;
  readonly emulator: AcrEmulator;
  readonly requests: string[];
  readonly commands: Command[];
  readonly masked: string[];
}

interface Setting {
  readonly emulator?: AcrEmulatorOptions;
  readonly subject?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly run?: (command: Command) => CommandResult | undefined;
  readonly intercept?: (request: Request) => Response | undefined;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A whole world in this process: Entra, a registry with the login server's name, and a context that reaches both. */
async function createWorld(setting: Setting = {}): Promise<World> {
  const key = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
  const jwk = { ...(await crypto.subtle.exportKey('jwk', key.publicKey)), kid: 'k1', use: 'sig', alg: 'RS256' };
  const issuerFetch: typeof fetch = (input) => Promise.resolve(Response.json(String(input instanceof Request ? input.url : input).endsWith('/openid-configuration') ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [jwk] }));
  const identity = async (wanted: string): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const text = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${encode({ iss: issuer, sub: setting.subject ?? subject, aud: wanted, iat: now, nbf: now - 5, exp: now + 300, jti: crypto.randomUUID() })}`;
    return `${text}.${Buffer.from(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key.privateKey, Buffer.from(text))).toString('base64url')}`;
  };
  const entra = await createEntra({
    folder: mkdtempSync(join(folder, 'entra-')), url: authority, tenantId, clients: [client], fetch: issuerFetch,
    federatedCredentials: [{ clientId: client.clientId, issuer, subject, audience: 'api://AzureADTokenExchange' }],
  });
  const emulator = createAcrEmulator({
    name: registry, assignments: [writer], ...setting.emulator,
    verifyEntraToken: async (token) => {
      const found = await entra.verifyAccessToken(token);
      return found?.audience === audience ? { principal: found.objectId, tenant: found.tenantId } : undefined;
    },
  });
  const requests: string[] = [];
  const reach: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    requests.push(`${request.method} ${url.host}${url.pathname}`);
    return setting.intercept?.(request) ?? (url.host === new URL(authority).host ? entra.handle(request) : emulator.handle(request));
  };
  const commands: Command[] = [];
  const masked: string[] = [];
  const run = (command: Command): Promise<CommandResult> => {
    commands.push(command);
    const done = setting.run?.(command) ?? (command.file === 'printenv' ? { exitCode: command.args[0] === 'HOME' ? 0 : 1, stdout: '/home/me\n', stderr: '' } : undefined);
    return done === undefined ? Promise.reject(new Failure({ code: 'TOOL_MISSING', message: `${command.file} is missing` })) : Promise.resolve(done);
  };
  const files: Files = {
    open: (path) => {
      const text = setting.files?.[path];
      const bytes = new TextEncoder().encode(text ?? '');
      return Promise.resolve(text === undefined ? undefined : { kind: 'file', size: bytes.byteLength, bytes: () => Promise.resolve(bytes), stream: () => streamOf(bytes) });
    },
    write: () => Promise.reject(new Error('nothing is written here')),
    remove: () => Promise.reject(new Error('nothing is removed here')),
  };
  const absent = (): never => { throw new Error('not part of this world'); };
  const ctx: Context = {
    exec: { run }, files, fetch: reach, fetchOver: absent, identity, mask: (secret) => void masked.push(secret), secret: () => undefined, signal: new AbortController().signal, workspace: '/none', scratch: '/none',
    clock: { now: () => new Date(), sleep: () => Promise.resolve() },
    tools: { locate: absent }, github: { request: absent }, log: { line: () => undefined, notice: () => undefined, group: (_, work) => work() },
    event: { host: 'terminal', name: 'manual', repository: { uri: '', id: '', owner: '', name: '' }, commit: '', ref: '', run: { uri: '', id: '', attempt: 1 }, actor: '' },
  };
  return { ctx, emulator, requests, commands, masked };
}

const federated: RegistrySignIn = {
  'registry-sign-in': 'auto', 'azure-tenant-id': tenantId, 'azure-client-id': client.clientId, 'azure-authority-host': authority, 'azure-audience': audience, 'registry-role-mode': 'abac',
};
const signedIn = (world: World, changes: Partial<RegistrySignIn> = {}): Promise<AzureRegistry> => connectRegistry({ registry, ctx: world.ctx, signIn: { ...federated, ...changes } });
const withoutEntra = { 'azure-client-id': undefined, 'azure-tenant-id': undefined } as const;

const sample = buildManifest({ schemaVersion: 2, artifactType: 'x/y', config: emptyBlob.descriptor, layers: [emptyBlob.descriptor] }, mediaTypes.manifest);
async function push(repository: Repository, tag?: string): Promise<void> {
  await repository.writeBlob(emptyBlob.descriptor, () => Promise.resolve(streamOf(emptyBlob.bytes)));
  await repository.writeManifest(sample, tag);
}

describe('federated sign-in', () => {
  test('pushes and reads with one exchange and one token per scope, without waiting for a challenge', async () => {
    const world = await createWorld();
    const { oci } = await signedIn(world);
    await push(oci.repository('quarantine/web'), 'v1');
    await expect(oci.repository('quarantine/web').resolve('v1')).resolves.toEqual(sample.descriptor);
    expect(world.requests.filter((one) => one.includes('/oauth2/') && one.includes(registry))).toEqual([`POST ${registry}/oauth2/exchange`, `POST ${registry}/oauth2/token`, `POST ${registry}/oauth2/token`]);
    expect(world.requests.filter((one) => one.endsWith('/v2.0/token'))).toHaveLength(1);
    expect(world.masked).toHaveLength(1);
  });
  test('goes on after the registry ended every credential by a switch of mode', async () => {
    const world = await createWorld({ emulator: { assignments: [writer, { principal: client.objectId, role: 'AcrPush' }] } });
    const { oci } = await signedIn(world);
    await push(oci.repository('quarantine/web'));
    world.emulator.setMode('legacy');
    await expect(oci.repository('quarantine/web').hasManifest(sample.descriptor.digest)).resolves.toBe(true);
  });
  test('a missing role is told before anything is sent, with the command that assigns it', async () => {
    const world = await createWorld();
    const { oci } = await signedIn(world);
    const refused = await oci.repository('acme/web').writeManifest(sample).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'ACR_ROLE_MISSING', facts: { scope: 'repository:acme/web:pull,push' } });
    expect((refused as Failure).hint).toContain([
      `az role assignment create --assignee ${client.objectId} --role "Container Registry Repository Writer" --scope "$(az acr list --query '[?loginServer=='\\''contoso.azurecr.io'\\''].id' --output tsv)" --condition-version 2.0 --condition '`,
      "((!(ActionMatches{'\\''Microsoft.ContainerRegistry/registries/repositories/content/read'\\''}) AND ",
    ].join(''));
    expect((refused as Failure).hint).toContain("StringEqualsIgnoreCase '\\''acme/web'\\''))'");
    expect(world.requests.some((one) => one.startsWith('PUT'))).toBe(false);
  });
  test('in legacy mode the role is AcrPush, without a condition', async () => {
    const { oci } = await signedIn(await createWorld({ emulator: { mode: 'legacy' } }), { 'registry-role-mode': 'legacy' });
    await expect(oci.repository('acme/web').writeManifest(sample)).rejects.toMatchObject({ code: 'ACR_ROLE_MISSING', hint: expect.stringMatching(/--role "AcrPush" --scope "[^"]*"$/) as string });
  });
  test('another subject is refused with what was presented and the command that lets it in', async () => {
    const { oci } = await signedIn(await createWorld({ subject: "repo:acme/app:environment:o'hare" }));
    const refused = await oci.repository('quarantine/web').resolve('v1').catch((thrown: unknown) => thrown) as Failure;
    expect(refused).toMatchObject({ code: 'AZURE_LOGIN_FAILED', facts: { aadsts: 'AADSTS700213', issuer, subject: "repo:acme/app:environment:o'hare", audience: 'api://AzureADTokenExchange' } });
    expect(refused.hint).toContain(`az ad app federated-credential create --id ${client.clientId} --parameters '{"name":"repo-acme-app-environment-o-hare","issuer":"${issuer}","subject":"repo:acme/app:environment:o'\\''hare","audiences":["api://AzureADTokenExchange"]}'`);
    expect(JSON.stringify([refused.message, refused.hint, refused.facts])).not.toContain('eyJ');
  });
  test.each([
    ['a client that the tenant does not have', { 'azure-client-id': '99999999-9999-4999-8999-999999999999' }, 'AZURE_LOGIN_FAILED', /has no application or identity 9999/],
    ['a tenant that does not exist', { 'azure-tenant-id': '99999999-9999-4999-8999-999999999999' }, 'AZURE_LOGIN_FAILED', /azure-tenant-id/],
    ['an audience that the registry refuses', { 'azure-audience': 'https://management.azure.com' }, 'ACR_EXCHANGE_REFUSED', /azure-audience/],
  ])('%s is told', async (_, changes, code, hint) => {
    const { oci } = await signedIn(await createWorld(), changes);
    await expect(oci.repository('quarantine/web').resolve('v1')).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) as string });
  });
  test.each([[503, ''], [503, '{}'], [500, '<html>'], [429, '{"error":"temporarily_unavailable"}']])('a token endpoint that answers %d "%s" is asked again, as late as it wants, then unavailable', async (status, body) => {
    let asked = 0;
    const world = await createWorld({ intercept: (request) => (new URL(request.url).pathname.endsWith('/oauth2/v2.0/token') ? ((asked += 1), new Response(body, { status, headers: { 'retry-after': '7' } })) : undefined) });
    const { oci } = await signedIn(world);
    await expect(oci.repository('quarantine/web').resolve('v1')).rejects.toMatchObject({ code: 'AZURE_UNAVAILABLE', facts: { status, retryAfterSeconds: 7 } });
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThanOrEqual(15);
  });
  test('Entra that answers 503 is asked a bounded number of times, then unavailable', async () => {
    const world = await createWorld({ intercept: (request) => (request.url.startsWith(authority) ? new Response('', { status: 503 }) : undefined) });
    const { oci } = await signedIn(world);
    await expect(oci.repository('quarantine/web').resolve('v1')).rejects.toMatchObject({ code: 'AZURE_UNAVAILABLE' });
    expect(world.requests.length).toBeLessThanOrEqual(15);
  });
  test('a missing permission for identity tokens is told as itself', async () => {
    const world = await createWorld();
    const ctx: Context = { ...world.ctx, identity: () => Promise.reject(new Failure({ code: 'IDENTITY_UNAVAILABLE', message: 'no id-token' })) };
    const { oci } = await connectRegistry({ registry, ctx, signIn: federated });
    await expect(oci.repository('a').resolve('v1')).rejects.toMatchObject({ code: 'IDENTITY_UNAVAILABLE' });
  });
  test.each([['azure-tenant-id', { 'azure-tenant-id': undefined }], ['azure-client-id', { 'registry-sign-in': 'federated', 'azure-client-id': undefined }], ['azure-authority-host', { 'azure-authority-host': 'http://login.example' }]] as const)('without a usable %s there is no connection', async (name, changes) => {
    await expect(signedIn(await createWorld(), changes)).rejects.toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(name) as string });
  });
});

describe('an Entra token', () => {
  const elsewhere = (request: Request): Response | undefined => (new URL(request.url).host === 'ghcr.example' && !request.url.includes('/token')
    ? new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://ghcr.example/oauth2/token",service="ghcr.example"' } }) : undefined);
  test('is not shown to a host that is not one of Azure, whatever it asks for', async () => {
    const seen: string[] = [];
    const world = await createWorld({ intercept: (request) => { seen.push(request.url); return elsewhere(request) ?? (request.url.includes('ghcr.example') ? Response.json({ token: 'anonymous' }) : undefined); } });
    const connected = await connectRegistry({ registry: 'ghcr.example', ctx: world.ctx, signIn: { ...federated, 'azure-authority-host': 'https://login.microsoftonline.com' } });
    await expect(connected.oci.repository('a').resolve('v1')).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
    expect(seen.filter((url) => url.includes('/exchange') || url.includes('login.'))).toEqual([]);
    await expect(connected.properties.untag('a', 'v1')).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

describe('properties', () => {
  test('lock manifest and tag, then untag and delete, by the SDK', async () => {
    const world = await createWorld({ emulator: { assignments: [{ principal: client.objectId, role: 'Container Registry Repository Contributor' }] } });
    const { oci, properties } = await signedIn(world);
    const repository = oci.repository('acme/web');
    await push(repository, 'v1');
    await properties.lockManifest('acme/web', sample.descriptor.digest, { delete: false });
    await properties.lockTag('acme/web', 'v1', { write: false, delete: false });
    await expect(repository.deleteManifest(sample.descriptor.digest)).rejects.toMatchObject({ code: 'REGISTRY_LOCKED' });
    await expect(repository.writeManifest(buildManifest({ ...sample, schemaVersion: 2, config: emptyBlob.descriptor, layers: [] }, mediaTypes.manifest), 'v1')).rejects.toMatchObject({ code: 'REGISTRY_LOCKED' });
    await expect(properties.untag('acme/web', 'v1')).rejects.toMatchObject({ code: 'REGISTRY_LOCKED' });
    await properties.lockTag('acme/web', 'v1', { write: true, delete: true });
    await properties.untag('acme/web', 'v1');
    await properties.untag('acme/web', 'v1');
    await expect(repository.listTags()).resolves.toEqual([]);
    await properties.lockManifest('acme/web', sample.descriptor.digest, { delete: true });
    await properties.deleteRepository('acme/web');
    await expect(repository.hasManifest(sample.descriptor.digest)).resolves.toBe(false);
  });
  test('refusals, absence and throttling become failures of ours', async () => {
    const world = await createWorld();
    const { properties } = await signedIn(world);
    await expect(properties.lockTag('acme/web', 'v1', { write: false })).rejects.toMatchObject({ code: 'ACR_ROLE_MISSING', hint: expect.stringContaining('Repository Writer') as string });
    await expect(properties.lockTag('quarantine/web', 'v1', { write: false })).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    world.emulator.faults.add({ method: 'PATCH', path: '^/acr/v1/', times: 100, action: { kind: 'status', status: 429, headers: { 'retry-after': '1' }, body: { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] } } });
    await expect(properties.lockTag('quarantine/web', 'v1', { write: false })).rejects.toMatchObject({ code: 'REGISTRY_THROTTLED', facts: { retryAfterSeconds: 1, errors: ['TOOMANYREQUESTS'] } });
    expect(world.emulator.faults.list()[0]?.matched).toBe(5);
  });
});

describe('other ways', () => {
  const config = JSON.stringify({ auths: { [registry]: { auth: Buffer.from('admin:admin-password').toString('base64') }, 'https://index.docker.io/v1/': {} } });
  const withAdmin: AcrEmulatorOptions = { accounts: [{ username: 'admin', password: 'admin-password' }] };
  test('auto takes the docker config file when it names the registry', async () => {
    const world = await createWorld({ emulator: withAdmin, files: { '/home/me/.docker/config.json': config } });
    const { oci, properties } = await signedIn(world, withoutEntra);
    await push(oci.repository('acme/web'));
    expect(world.masked).toContain('admin-password');
    await expect(properties.lockTag('acme/web', 'v1', {})).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
  test('a credential helper is asked by its protocol', async () => {
    const world = await createWorld({
      emulator: withAdmin, files: { '/home/me/.docker/config.json': JSON.stringify({ credHelpers: { [registry]: 'acr' } }) },
      run: (command) => (command.file === 'docker-credential-acr' && command.stdin === registry ? { exitCode: 0, stdout: JSON.stringify({ ServerURL: registry, Username: 'admin', Secret: 'admin-password' }), stderr: '' } : undefined),
    });
    const { oci } = await signedIn(world, withoutEntra);
    await push(oci.repository('acme/web'));
  });
  test('a helper name that is no word is not run', async () => {
    const world = await createWorld({ files: { '/home/me/.docker/config.json': JSON.stringify({ credHelpers: { [registry]: '../../evil' } }) } });
    await signedIn(world, { ...withoutEntra, 'registry-sign-in': 'docker' });
    expect(world.commands.map((command) => command.file)).toEqual(['printenv', 'printenv']);
  });
  test('auto falls to the Azure CLI; its answer is a token, its absence a hint', async () => {
    const world = await createWorld({ run: ({ file }) => (file === 'az' ? { exitCode: 0, stdout: JSON.stringify({ accessToken: 'not-a-token-of-this-tenant', expires_on: Math.floor(Date.now() / 1000) + 3600 }), stderr: '' } : undefined) });
    await expect((await signedIn(world, withoutEntra)).oci.repository('a').resolve('v1')).rejects.toMatchObject({ code: 'ACR_EXCHANGE_REFUSED' });
    expect(world.commands.find((command) => command.file === 'az')?.args).toEqual(['account', 'get-access-token', '--output', 'json', '--resource', audience]);
    await expect((await signedIn(await createWorld(), withoutEntra)).oci.repository('a').resolve('v1')).rejects.toMatchObject({ code: 'AZURE_LOGIN_FAILED', hint: expect.stringContaining('az login') as string });
  });
  test('anonymous reads what is public and is told what it lacks', async () => {
    const world = await createWorld({ emulator: { anonymousPull: true } });
    await push((await signedIn(world)).oci.repository('quarantine/web'), 'v1');
    const { oci } = await signedIn(world, { 'registry-sign-in': 'anonymous' });
    await expect(oci.repository('quarantine/web').resolve('v1')).resolves.toEqual(sample.descriptor);
    await expect(oci.repository('quarantine/web').writeManifest(sample)).rejects.toMatchObject({ code: 'REGISTRY_FORBIDDEN', hint: expect.stringContaining('Container Registry Repository Writer') as string });
  });
});

test('canObtain tells what the token service would grant, for every way', async () => {
  const world = await createWorld({ emulator: { anonymousPull: true } });
  const builder = await signedIn(world);
  await expect(builder.canObtain('repository:quarantine/web:pull,push')).resolves.toBe(true);
  await expect(builder.canObtain('repository:acme/web:pull,push')).resolves.toBe(false);
  const anonymous = await signedIn(world, { 'registry-sign-in': 'anonymous' });
  await expect(anonymous.canObtain('repository:acme/web:pull')).resolves.toBe(true);
  await expect(anonymous.canObtain('repository:acme/web:push')).resolves.toBe(false);
  const open = await signedIn(await createWorld({ emulator: { anonymous: true } }), { 'registry-sign-in': 'anonymous' });
  await expect(open.canObtain('repository:acme/web:push')).resolves.toBe(true);
});
