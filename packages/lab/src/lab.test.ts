// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientAssertionCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobRequest } from './runner/run.ts';
import { startLab, type Lab } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'lab-'));
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ folder });
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true });
});

/** Over the network and TLS, trusting the lab's CA only. */
function get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { ca: readFileSync(lab.addresses.caFile), headers, agent: false }, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    }).on('error', reject).end();
  });
}

const job = (changes: Partial<JobRequest>): JobRequest => ({
  repository: 'acme/app', ref: 'refs/heads/main', sha: 'a'.repeat(40), event: 'push', workflowFile: '.github/workflows/release.yml', workflowName: 'release', jobWorkflowFile: '.github/workflows/release.yml',
  job: 'push', runId: '1', runAttempt: 1, actor: 'ann', permissions: { 'id-token': 'write' }, ...changes,
});

/** From a job's ID token over Entra to an ACR refresh token. */
async function signIn(client: 'builder' | 'gate' | 'cluster' | 'deployer', changes: Partial<JobRequest> = {}): Promise<string> {
  const { entra, acr } = lab.addresses;
  const { requestUrl, requestToken } = await lab.github.issueJob(job(changes));
  const assertion = async (): Promise<string> => {
    const reply = await lab.fetch(`${requestUrl ?? ''}&audience=${encodeURIComponent('api://AzureADTokenExchange')}`, { headers: { authorization: `bearer ${requestToken ?? ''}` } });
    return (await reply.json() as { value: string }).value;
  };
  const ca = readFileSync(lab.addresses.caFile, 'utf8');
  const credential = new ClientAssertionCredential(entra.tenantId, entra.clients[client].clientId, assertion, { authorityHost: entra.authorityHost, disableInstanceDiscovery: true, tlsOptions: { ca }, retryOptions: { maxRetries: 0 } });
  const { token } = await credential.getToken('https://containerregistry.azure.net/.default');
  const reply = await lab.fetch(`${acr.url}/oauth2/exchange`, { method: 'POST', body: new URLSearchParams({ grant_type: 'access_token', service: acr.loginServer, access_token: token }) });
  return (await reply.json() as { refresh_token: string }).refresh_token;
}

/** Actions that the registry grants on a repository. */
async function granted(refreshToken: string, repository: string): Promise<unknown> {
  const { acr } = lab.addresses;
  const body = new URLSearchParams({ grant_type: 'refresh_token', service: acr.loginServer, scope: `repository:${repository}:pull,push,delete`, refresh_token: refreshToken });
  const reply = await lab.fetch(`${acr.url}/oauth2/token`, { method: 'POST', body });
  const { access_token: token } = await reply.json() as { access_token: string };
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { access: { actions: string[] }[] };
  return claims.access[0]?.actions ?? [];
}

describe('a lab', () => {
  test('serves everything by TLS that its CA file vouches for', async () => {
    const { acr, mirror, github, entra, sigstore, tokens } = lab.addresses;
    expect(acr.loginServer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await get(`${acr.url}/v2/`)).toBe(401);
    expect(await get(`${acr.url}/v2/`, { authorization: `Basic ${Buffer.from(`${tokens.acr.builder.username}:${tokens.acr.builder.password}`).toString('base64')}` })).toBe(200);
    expect(await get(`${mirror.url}/v2/`, { authorization: `Basic ${Buffer.from(`${mirror.login.username}:${mirror.login.password}`).toString('base64')}` })).toBe(200);
    expect(await get(`${github.apiUrl}/repos/acme/app`, { authorization: `Bearer ${tokens.github}` })).toBe(200);
    expect(await get(`${github.issuer}/.well-known/openid-configuration`)).toBe(200);
    expect(await get(`${entra.authorityHost}/${entra.tenantId}/v2.0/.well-known/openid-configuration`)).toBe(200);
    for (const url of [sigstore.trustedRoot.url, sigstore.signingConfig.url, sigstore.signingConfigRekorV1.url]) expect(await get(url)).toBe(200);
  });

  test('tells everything in its folder', () => {
    expect(JSON.parse(readFileSync(join(folder, 'lab.json'), 'utf8'))).toEqual(lab.addresses);
    expect(JSON.parse(readFileSync(lab.addresses.sigstore.trustedRoot.path, 'utf8'))).toEqual(lab.sigstore.trustedRoot);
    expect(JSON.parse(readFileSync(lab.addresses.sigstore.signingConfigRekorV1.path, 'utf8'))).toMatchObject({ rekorTlogUrls: [{ majorApiVersion: 1 }] });
    expect(new X509Certificate(readFileSync(lab.addresses.caFile)).ca).toBe(true);
  });

  test.each([
    ['builder', {}, { 'quarantine/acme/app': ['pull', 'push'], 'acme/app': [] }],
    ['gate', { environment: 'release' }, { 'quarantine/acme/app': ['pull', 'push', 'delete'], 'acme/app': ['pull', 'push', 'delete'] }],
    ['cluster', { environment: 'production' }, { 'quarantine/acme/app': [], 'acme/app': ['pull'] }],
    ['deployer', { environment: 'production' }, { 'quarantine/acme/app': [], 'acme/app': ['pull', 'push'] }],
  ] as const)('%s signs in from its job and may do what it should, no more', async (client, changes, expected) => {
    const token = await signIn(client, changes);
    for (const [repository, actions] of Object.entries(expected)) expect(await granted(token, repository)).toEqual(actions);
    for (const [repository, actions] of Object.entries(expected)) expect(await granted(lab.addresses.tokens.acr[client].password, repository)).toEqual(actions);
  });

  test('a fault can be put before any server, and taken away', async () => {
    const { url } = lab.addresses.sigstore.trustedRoot;
    lab.intercept('sigstore', (asked) => Promise.resolve(asked.url === url ? new Response('busy', { status: 429 }) : undefined));
    expect([await get(url), (await lab.fetch(url)).status, await get(lab.addresses.sigstore.signingConfig.url)]).toEqual([429, 429, 200]);
    lab.intercept('sigstore', async (asked, next) => {
      const reply = await next(asked);
      return new Response(null, { status: reply.status + 3 });
    });
    expect(await get(url)).toBe(203);
    lab.intercept('sigstore');
    expect(await get(url)).toBe(200);
  });

  test('a job of the build cannot be the gate', async () => {
    await expect(signIn('gate')).rejects.toThrow(/AADSTS700213/);
    await expect(signIn('gate', { environment: 'quarantine' })).rejects.toThrow(/AADSTS700213/);
  });
});

describe('the folder', () => {
  test('belongs to one lab', async () => {
    await expect(startLab({ folder })).rejects.toMatchObject({ code: 'LAB_DATA_INVALID' });
    expect(await get(lab.addresses.sigstore.trustedRoot.url)).toBe(200);
  });

  test.each([
    // Above the largest process id that Linux gives.
    ['a process that is gone', '4194999 0'],
    ['a process whose id another has now', `${process.pid} 1`],
  ])('gives the same addresses, CA and trusted root after a restart, also when the last lab was %s', async (_, left) => {
    const before = lab.addresses;
    const files = (): string[] => [before.caFile, before.sigstore.trustedRoot.path].map((path) => readFileSync(path, 'utf8'));
    const kept = files();
    await lab.close();
    writeFileSync(join(folder, 'lab.pid'), left);
    lab = await startLab({ folder });
    expect(files()).toEqual(kept);
    expect(lab.addresses).toMatchObject({ acr: before.acr, github: before.github, entra: before.entra, sigstore: before.sigstore });
  });

  test('a port that is asked for and taken is refused, and the folder is free again', async () => {
    const other = mkdtempSync(join(tmpdir(), 'lab-'));
    const port = Number(new URL(lab.addresses.acr.url).port);
    await expect(startLab({ folder: other, ports: { acr: port } })).rejects.toMatchObject({ code: 'LAB_PORT_TAKEN' });
    const second = await startLab({ folder: other });
    await second.close();
    rmSync(other, { recursive: true });
  });
});
