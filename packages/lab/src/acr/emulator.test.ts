// SPDX-License-Identifier: Apache-2.0
// Tokens, roles and modes: who gets in, word for word as the service says it.
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../authority.ts';
import { serve } from '../serve.ts';
import { accessToken, attach, createTrial, errorCode, form, pushImage, readJson, refreshToken } from './test-trial.ts';

const writer = { principal: 'builder', role: 'Container Registry Repository Writer', prefix: 'quarantine/' };
const reader = { principal: 'cluster', role: 'b93aa761-3e63-49ed-ac28-beffa264f7ac', prefix: 'app/' };
const contributor = { principal: 'owner', role: 'Repository Contributor' };
const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('challenge', () => {
  const { call } = createTrial();
  test.each([
    ['/v2/', 'GET', 'Bearer realm="https://trial.azurecr.io/oauth2/token",service="trial.azurecr.io"'],
    ['/v2/library/hello-world/manifests/latest', 'GET', 'repository:library/hello-world:pull'],
    ['/v2/library/hello-world/blobs/uploads/', 'POST', 'repository:library/hello-world:pull,push'],
    ['/v2/library/hello-world/manifests/latest', 'PUT', 'repository:library/hello-world:pull,push'],
    ['/v2/library/hello-world/manifests/latest', 'DELETE', 'repository:library/hello-world:delete'],
    ['/acr/v1/library%2Fhello-world', 'GET', 'repository:library/hello-world:metadata_read'],
    ['/acr/v1/library%2Fhello-world/_tags/latest', 'PATCH', 'repository:library/hello-world:metadata_write'],
    ['/acr/v1/_catalog', 'GET', 'registry:catalog:*'],
  ])('%s %s', async (path, method, expected) => {
    const reply = await call(path, { method });
    const scheme = 'Bearer realm="https://trial.azurecr.io/oauth2/token",service="trial.azurecr.io"';
    expect(reply.status).toBe(401);
    expect(reply.headers.get('www-authenticate')).toBe(expected.startsWith('Bearer') ? expected : `${scheme},scope="${expected}"`);
  });

  test('the body names each missing action', async () => {
    expect(await readJson(await call('/acr/v1/a%2Fb'))).toEqual({
      errors: [{
        code: 'UNAUTHORIZED', message: 'authentication required, visit https://aka.ms/acr/authorization for more information.',
        detail: [{ Type: 'repository', Name: 'a/b', Action: 'metadata_read' }],
      }],
    });
  });
});

describe('tokens', () => {
  test('Entra token to refresh token to access token, with the claims of the service', async () => {
    const { call } = createTrial({ assignments: [writer] });
    const refresh = claimsOf(await refreshToken(call, 'builder'));
    expect(refresh).toMatchObject({ iss: 'Azure Container Registry', aud: 'trial.azurecr.io', sub: 'builder', version: '1.0', grant_type: 'refresh_token', tenant: 'tenant-1' });
    expect(Number(refresh['exp']) - Number(refresh['iat'])).toBe(3 * 3600);
    const access = claimsOf(await accessToken(call, 'builder', 'repository:quarantine/web:pull,push,delete', 'repository:app/web:pull,push'));
    expect(access['access']).toEqual([{ type: 'repository', name: 'quarantine/web', actions: ['pull', 'push'] }]);
    expect(Number(access['exp']) - Number(access['iat'])).toBe(4500);
  });

  test('a token without the right is issued, then refused with insufficient_scope', async () => {
    const { as } = createTrial({ assignments: [reader] });
    const reply = await as('cluster')('/v2/quarantine/web/manifests/v1');
    expect([reply.status, reply.headers.get('www-authenticate')?.endsWith('scope="repository:quarantine/web:pull",error="insufficient_scope"')]).toEqual([401, true]);
  });

  test('wrong credentials, wrong service, a forged and an expired token', async () => {
    let time = Date.now();
    const { call } = createTrial({ assignments: [reader], clock: { now: () => new Date(time), sleep: async () => undefined } });
    expect((await call('/oauth2/exchange', form({ grant_type: 'access_token', service: 'trial.azurecr.io', access_token: 'stolen' }))).status).toBe(401);
    expect((await call('/oauth2/exchange', form({ grant_type: 'access_token', service: 'other.azurecr.io', access_token: 'entra:cluster' }))).status).toBe(400);
    const token = await accessToken(call, 'cluster', 'repository:app/web:pull');
    const [head = '', body = '', signature = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...claimsOf(token), access: [{ type: 'repository', name: 'quarantine/web', actions: ['pull'] }] })).toString('base64url');
    const get = (bearer: string, path = '/v2/app/web/manifests/v1'): Promise<Response> => call(path, { headers: { authorization: `Bearer ${bearer}` } });
    expect((await get(`${head}.${forged}.${signature}`, '/v2/quarantine/web/manifests/v1')).status).toBe(401);
    expect((await get(token)).status).toBe(404);
    expect((await get(`${head}.${body}.AAAA`)).status).toBe(401);
    time += 4501_000;
    expect((await get(token)).headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  test('Basic: admin user on /v2 and at the token endpoint, docker login with a refresh token', async () => {
    const { call } = createTrial({ assignments: [reader], accounts: [{ username: 'trial', password: 'hunter2' }] });
    const basic = (user: string, password: string): RequestInit => ({ headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` } });
    expect((await call('/v2/_catalog', basic('trial', 'hunter2'))).status).toBe(200);
    expect((await call('/v2/_catalog', basic('trial', 'wrong'))).status).toBe(401);
    const docker = basic('00000000-0000-0000-0000-000000000000', await refreshToken(call, 'cluster'));
    const reply = await call('/oauth2/token?service=trial.azurecr.io&scope=repository:app/web:pull,push', docker);
    expect(claimsOf(String((await readJson(reply))['access_token']))['access']).toEqual([{ type: 'repository', name: 'app/web', actions: ['pull'] }]);
    expect((await call('/oauth2/token?service=trial.azurecr.io')).status).toBe(401);
  });

  test('anonymous pull: the SDK gets a token that may pull and nothing else', async () => {
    const { call } = createTrial({ anonymousPull: true });
    const reply = await call('/oauth2/token', form({ grant_type: 'password', service: 'trial.azurecr.io', scope: 'repository:a:pull,push', refresh_token: '' }));
    expect(claimsOf(String((await readJson(reply))['access_token']))['access']).toEqual([{ type: 'repository', name: 'a', actions: ['pull'] }]);
  });
});

describe('roles', () => {
  test.each([
    ['abac', 'Container Registry Repository Reader', 'pull,metadata_read'],
    ['abac', 'Container Registry Repository Writer', 'pull,push,metadata_read,metadata_write'],
    ['abac', 'Container Registry Repository Contributor', 'pull,push,delete,metadata_read,metadata_write'],
    ['abac', 'AcrPush', ''],
    ['abac', 'Contributor', ''],
    ['legacy', 'AcrPull', 'pull,metadata_read'],
    ['legacy', 'AcrPush', 'pull,push,metadata_read'],
    ['legacy', 'AcrDelete', 'delete'],
    ['legacy', 'Container Registry Repository Writer', ''],
  ] as const)('%s mode, %s', async (mode, role, expected) => {
    const { call } = createTrial({ mode, assignments: [{ principal: 'p', role }] });
    const access = claimsOf(await accessToken(call, 'p', 'repository:a/b:pull,push,delete,metadata_read,metadata_write'))['access'];
    expect(access).toEqual(expected ? [{ type: 'repository', name: 'a/b', actions: expected.split(',') }] : []);
  });

  test('conditions compare without case; an assignment made later counts for the next token', async () => {
    const { call, emulator } = createTrial({ assignments: [{ principal: 'p', role: 'Repository Reader', prefix: 'App/' }] });
    const actions = async (name: string): Promise<unknown> => claimsOf(await accessToken(call, 'p', `repository:${name}:pull,push`))['access'];
    expect(await actions('app/web')).toEqual([{ type: 'repository', name: 'app/web', actions: ['pull'] }]);
    expect(await actions('apps')).toEqual([]);
    emulator.settings.assignments.push({ principal: 'p', role: 'Repository Writer', repository: 'APPS' });
    expect(await actions('apps')).toEqual([{ type: 'repository', name: 'apps', actions: ['pull', 'push'] }]);
  });

  test('the catalog needs its own role in ABAC mode; a change of mode ends every credential', async () => {
    const { as, call, emulator } = createTrial({ assignments: [contributor, { principal: 'lister', role: 'Container Registry Repository Catalog Lister' }] });
    expect((await as('owner')('/v2/_catalog')).status).toBe(401);
    expect((await as('lister')('/v2/_catalog')).status).toBe(200);
    const authorization = `Bearer ${await accessToken(call, 'owner', 'repository:a:pull')}`;
    expect((await call('/v2/a/manifests/v1', { headers: { authorization } })).status).toBe(404);
    emulator.setMode('legacy');
    expect((await call('/v2/a/manifests/v1', { headers: { authorization } })).status).toBe(401);
  });

  test('a mount needs pull on the source', async () => {
    const { as, call } = createTrial({ assignments: [contributor, { principal: 'thief', role: 'Repository Writer', prefix: 'mine/' }] });
    await pushImage(as('owner'), 'secret/app', { seed: 'x' });
    const blob = (await readJson(await as('owner')(`/acr/v1/secret%2Fapp/_manifests`)))['manifests'];
    expect(blob).toHaveLength(1);
    const layer = `sha256:${Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('layer x'))).toString('hex')}`;
    const mount = (token: string): Promise<Response> => call(`/v2/mine/app/blobs/uploads/?mount=${layer}&from=secret/app`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    expect((await mount(await accessToken(call, 'thief', 'repository:mine/app:pull,push', 'repository:secret/app:pull'))).status).toBe(202);
    expect((await mount(await accessToken(call, 'owner', 'repository:mine/app:pull,push', 'repository:secret/app:pull'))).status).toBe(201);
  });
});

describe('switches', () => {
  test('customer-managed keys: no referrers API, no OCI-Subject', async () => {
    const { call, emulator } = createTrial({ anonymous: true, referrers: false });
    const subject = await pushImage(call, 'a', { seed: 's' });
    await attach(call, 'a', subject, { seed: 'r', artifactType: 'application/x' });
    expect((await call(`/v2/a/referrers/${subject}`)).status).toBe(404);
    emulator.settings.referrers = true;
    expect((await readJson(await call(`/v2/a/referrers/${subject}`)))['manifests']).toHaveLength(1);
  });

  test('blobs from a second host: 307 with a signature; Authorization, another blob and another time are refused', async () => {
    let time = Date.now();
    const { call, emulator } = createTrial({ anonymous: true, blobRedirect: 'https://blobs.example/', clock: { now: () => new Date(time), sleep: async () => undefined } });
    await pushImage(call, 'a', { seed: 's', tag: 'v1' });
    const manifest = (await readJson(await call('/v2/a/manifests/v1'))) as { layers: { digest: string }[] };
    const redirect = await call(`/v2/a/blobs/${manifest.layers[0]?.digest}`, { redirect: 'manual' });
    expect(redirect.status).toBe(307);
    const url = redirect.headers.get('location') ?? '';
    expect(await (await emulator.blobHandler(new Request(url))).text()).toBe('layer s');
    expect((await emulator.blobHandler(new Request(url, { headers: { range: 'bytes=0-4' } }))).status).toBe(206);
    expect((await emulator.blobHandler(new Request(url, { headers: { authorization: 'Bearer x' } }))).status).toBe(400);
    expect((await emulator.blobHandler(new Request(url.replace(/sha256\/./, 'sha256/0')))).status).toBe(403);
    time += 1201_000;
    expect((await emulator.blobHandler(new Request(url))).status).toBe(403);
  });

  test('every reply has the headers of the service', async () => {
    const { call } = createTrial({ anonymous: true });
    const { headers } = await call('/v2/', { headers: { 'x-ms-client-request-id': 'mine' } });
    expect(headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    expect(headers.get('access-control-expose-headers')).toBe('Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id');
    expect(headers.get('x-ms-client-request-id')).toBe('mine');
  });

  test('served over TLS, the challenge names the served address', async () => {
    const authority = await createAuthority();
    const { emulator } = createTrial();
    const served = await serve(emulator.handle, { tls: await authority.issue(['127.0.0.1']) });
    emulator.settings.name = `127.0.0.1:${served.port}`;
    const { get } = await import('node:https');
    const challenge = await new Promise((resolve, reject) => {
      get(`${served.url}/v2/`, { ca: authority.certificate, agent: false }, (reply) => resolve(reply.headers['www-authenticate'])).on('error', reject);
    });
    expect(challenge).toBe(`Bearer realm="${served.url}/oauth2/token",service="127.0.0.1:${served.port}"`);
    await served.close();
  });

  test('a page that does not exist, a method that does not, a name that cannot be', async () => {
    const { call } = createTrial({ anonymous: true });
    expect((await call('/v3/')).status).toBe(404);
    expect((await call('/v2/a/tags/list', { method: 'POST' })).status).toBe(405);
    expect(await errorCode(await call('/v2/UPPER/tags/list'))).toBe('NAME_INVALID');
  });
});
