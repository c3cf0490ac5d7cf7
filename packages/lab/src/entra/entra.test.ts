// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientAssertionCredential, ClientSecretCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../authority.ts';
import { newTokenPrivateKey, signToken, tokenKey, type TokenKey } from '../identity-token.ts';
import { serve, type Served } from '../serve.ts';
import { createEntra, type Entra } from './entra.ts';

const folder = mkdtempSync(join(tmpdir(), 'entra-'));
const issuer = 'https://github.test/_oidc';
const tenantId = '11111111-1111-4111-8111-111111111111';
const builder = { clientId: '22222222-2222-4222-8222-222222222222', objectId: '33333333-3333-4333-8333-333333333333', name: 'builder', secret: 'builder-password' };
const exchange = 'api://AzureADTokenExchange';
const scope = 'https://containerregistry.azure.net/.default';
const good = { iss: issuer, sub: 'repo:acme/app:environment:build', aud: exchange };
let key: TokenKey;
let entra: Entra;
let served: Served;
let ca: string;

const issuerFetch: typeof fetch = (input) =>
  Promise.resolve(String(input instanceof Request ? input.url : input).endsWith('/keys') ? Response.json({ keys: [key.jwk] }) : Response.json({ issuer, jwks_uri: `${issuer}/keys` }));
const assertion = (changes: object = {}): string => signToken(key, { ...good, exp: Math.floor(Date.now() / 1000) + 300, ...changes });

beforeAll(async () => {
  key = tokenKey(await newTokenPrivateKey());
  const authority = await createAuthority();
  ca = authority.certificate;
  let handle: Entra['handle'] = () => Promise.resolve(new Response(null, { status: 503 }));
  served = await serve((request) => handle(request), { tls: await authority.issue(['127.0.0.1']) });
  entra = await createEntra({ folder, url: served.url, tenantId, clients: [builder], federatedCredentials: [{ clientId: builder.clientId, issuer, subject: good.sub, audience: exchange }], fetch: issuerFetch });
  handle = entra.handle;
});
afterAll(async () => {
  await served.close();
  rmSync(folder, { recursive: true });
});

const options = () => ({ authorityHost: served.url, disableInstanceDiscovery: true, tlsOptions: { ca }, retryOptions: { maxRetries: 0 } });

describe('@azure/identity over TLS', () => {
  test('a federated assertion becomes an access token that the tenant recognises', async () => {
    const credential = new ClientAssertionCredential(tenantId, builder.clientId, () => Promise.resolve(assertion()), options());
    const { token, expiresOnTimestamp } = await credential.getToken(scope);
    expect(expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await entra.verifyAccessToken(token)).toMatchObject({ tenantId, clientId: builder.clientId, objectId: builder.objectId, audience: 'https://containerregistry.azure.net' });
  });

  test('a secret does as well; a wrong one is AADSTS7000215', async () => {
    await expect(new ClientSecretCredential(tenantId, builder.clientId, builder.secret, options()).getToken(scope)).resolves.toMatchObject({ tokenType: 'Bearer' });
    await expect(new ClientSecretCredential(tenantId, builder.clientId, 'wrong', options()).getToken(scope)).rejects.toThrow(/AADSTS7000215/);
  });

  test.each([
    ['another subject', { sub: 'repo:evil/app:environment:build' }, /AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:evil\/app:environment:build'/],
    ['another issuer', { iss: 'https://evil.test' }, /AADSTS700211/],
    ['another audience', { aud: 'sigstore' }, /AADSTS700212/],
    ['expired', { exp: 1 }, /AADSTS700024/],
  ])('%s', async (_, changes, message) => {
    const credential = new ClientAssertionCredential(tenantId, builder.clientId, () => Promise.resolve(assertion(changes)), options());
    await expect(credential.getToken(scope)).rejects.toThrow(message);
  });

  test('an unknown client is AADSTS700016', async () => {
    const credential = new ClientAssertionCredential(tenantId, tenantId, () => Promise.resolve(assertion()), options());
    await expect(credential.getToken(scope)).rejects.toThrow(/AADSTS700016/);
  });
});

describe('the token endpoint', () => {
  const post = async (changes: Record<string, string>, tenant = tenantId): Promise<{ status: number; codes: unknown }> => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: builder.clientId, scope, ...changes });
    const reply = await entra.handle(new Request(`${served.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body }));
    return { status: reply.status, codes: (await reply.json() as { error_codes: unknown }).error_codes };
  };
  test.each([
    ['assertion that is no token', { client_assertion: 'nonsense' }, tenantId, 400, 50027],
    ['neither assertion nor secret', {}, tenantId, 401, 7000218],
    ['other grant', { grant_type: 'password' }, tenantId, 400, 70003],
    ['scope without .default', { scope: 'openid' }, tenantId, 400, 70011],
    ['other tenant', {}, 'contoso.com', 400, 90002],
  ])('%s', async (_, form, tenant, status, code) => {
    expect(await post(form as Record<string, string>, tenant)).toEqual({ status, codes: [code] });
  });

  test('an assertion by a foreign key is refused', async () => {
    const foreign = { ...tokenKey(await newTokenPrivateKey()), id: key.id };
    expect(await post({ client_assertion: signToken(foreign, { ...good, exp: Math.floor(Date.now() / 1000) + 300 }) })).toEqual({ status: 401, codes: [700027] });
  });

  test('tokens of another tenant, and changed ones, are not recognised', async () => {
    expect(await entra.verifyAccessToken(assertion())).toBeUndefined();
    const token = entra.mintAccessToken(builder.clientId, 'https://containerregistry.azure.net');
    expect(await entra.verifyAccessToken(token)).toBeDefined();
    expect(await entra.verifyAccessToken(`${token.slice(0, -6)}AAAAAA`)).toBeUndefined();
  });
});
