// SPDX-License-Identifier: Apache-2.0
// Microsoft Entra ID for the lab: client credentials with a federated assertion or a secret, and the tokens that come of it
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, errors: .../reference-error-codes).
import { createPrivateKey, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@pratique/core';
import { newTokenPrivateKey, readClaims, signToken, tokenKey, verifyToken, type TokenKey } from '../identity-token.ts';
import { openKeyStore } from '../key-store.ts';
import { jsonReply } from '../reply.ts';
import { findCredential, type FederatedCredential } from './federation.ts';
import { refuse, refused, type EntraError } from './refusal.ts';

/** An application or user-assigned identity. */
export interface EntraClient {
  readonly clientId: string;
  /** What role assignments name. */
  readonly objectId: string;
  readonly name: string;
  readonly secret?: string;
}

/** One tenant. */
export interface EntraOptions {
  readonly folder: string;
  /** Where it is served, without a slash at the end; MSAL demands that issuer and authority have the same origin. */
  readonly url: string;
  /** GUID. */
  readonly tenantId: string;
  readonly clients: readonly EntraClient[];
  readonly federatedCredentials: readonly FederatedCredential[];
  /** Fetches the issuers' key sets. Default: the global one. */
  readonly fetch?: typeof fetch;
  readonly now?: () => Date;
}

/** Who an access token speaks for. */
export interface EntraPrincipal {
  readonly tenantId: string;
  readonly clientId: string;
  readonly objectId: string;
  readonly audience: string;
  readonly expiresAt: Date;
}

/** A tenant that answers requests. */
export interface Entra {
  handle(request: Request): Promise<Response>;
  readonly issuer: string;
  /** `undefined` for a token that this tenant did not issue, or that has expired. */
  verifyAccessToken(token: string): Promise<EntraPrincipal | undefined>;
  /** A token without asking for credentials: for tests and for a person in a terminal. */
  mintAccessToken(clientId: string, audience: string): string;
}

const validSeconds = 3599;

interface Desk {
  readonly options: EntraOptions;
  readonly key: TokenKey;
  readonly issuer: string;
  readonly now: () => Date;
}

/** Opens or begins an Entra tenant in `folder`. Fails with `LAB_DATA_INVALID`. */
export async function createEntra(options: EntraOptions): Promise<Entra> {
  mkdirSync(options.folder, { recursive: true });
  const store = await openKeyStore(join(options.folder, 'keys.json'));
  const key = tokenKey(createPrivateKey(await store.keep('issuer', async () => String((await newTokenPrivateKey()).export({ type: 'pkcs8', format: 'pem' })))));
  await store.save();
  const issuer = `${options.url}/${options.tenantId}/v2.0`;
  const desk: Desk = { options, key, issuer, now: options.now ?? (() => new Date()) };
  const handle = (request: Request): Promise<Response> => answer(request, desk);
  return {
    handle,
    issuer,
    mintAccessToken(clientId, audience) {
      const client = options.clients.find((each) => each.clientId === clientId);
      if (client === undefined) throw new RangeError(`no client ${clientId}`);
      return accessToken(desk, client, audience);
    },
    async verifyAccessToken(token) {
      const ownFetch: typeof fetch = (input, init) => handle(new Request(input, init));
      const checked = await verifyToken({ token, issuers: [issuer], now: desk.now(), fetch: ownFetch });
      if (!('claims' in checked)) return undefined;
      const { tid, appid, oid, aud, exp } = checked.claims;
      return { tenantId: String(tid), clientId: String(appid), objectId: String(oid), audience: String(aud), expiresAt: new Date(Number(exp) * 1000) };
    },
  };
}

async function answer(request: Request, desk: Desk): Promise<Response> {
  const [, tenant = '', ...rest] = new URL(request.url).pathname.split('/');
  const path = rest.join('/');
  if (tenant !== desk.options.tenantId) return refused(refuse('invalid_request', 90002, `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`), desk.now());
  if (path === 'v2.0/.well-known/openid-configuration') return jsonReply(200, discovery(desk));
  if (path === 'discovery/v2.0/keys' || path === 'v2.0/.well-known/keys') return jsonReply(200, { keys: [desk.key.jwk] });
  if (path !== 'oauth2/v2.0/token' || request.method !== 'POST') return jsonReply(404, { error: 'not_found' });
  const result = await grantToken(new URLSearchParams(await request.text()), desk);
  return 'error' in result ? refused(result, desk.now()) : jsonReply(200, result.granted, { 'cache-control': 'no-store' });
}

function discovery({ options, issuer }: Desk): unknown {
  const base = `${options.url}/${options.tenantId}`;
  return {
    issuer,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    response_types_supported: ['code', 'id_token'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
  };
}

async function grantToken(form: URLSearchParams, desk: Desk): Promise<{ readonly granted: JsonObject } | EntraError> {
  const missing = ['grant_type', 'client_id', 'scope'].find((name) => !form.get(name));
  if (missing !== undefined) return refuse('invalid_request', 900144, `The request body must contain the following parameter: '${missing}'.`);
  if (form.get('grant_type') !== 'client_credentials') return refuse('unsupported_grant_type', 70003, `The app requested an unsupported grant type '${form.get('grant_type') ?? ''}'.`);
  const scope = form.get('scope') ?? '';
  if (!scope.endsWith('/.default')) return refuse('invalid_scope', 70011, `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`);
  const clientId = form.get('client_id') ?? '';
  const client = desk.options.clients.find((each) => each.clientId === clientId);
  if (client === undefined) {
    return refuse('unauthorized_client', 700016, `Application with identifier '${clientId}' was not found in the directory '${desk.options.tenantId}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`);
  }
  const problem = await checkClient(form, client, desk);
  if (problem !== undefined) return problem;
  return { granted: { token_type: 'Bearer', expires_in: validSeconds, ext_expires_in: validSeconds, access_token: accessToken(desk, client, scope.slice(0, -'/.default'.length)) } };
}

async function checkClient(form: URLSearchParams, client: EntraClient, desk: Desk): Promise<EntraError | undefined> {
  const assertion = form.get('client_assertion');
  if (assertion !== null) return checkAssertion(assertion, client, desk);
  const secret = form.get('client_secret');
  if (secret === null) return refuse('invalid_client', 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
  if (client.secret !== undefined && secret === client.secret) return undefined;
  return refuse('invalid_client', 7000215, `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${client.clientId}'.`);
}

async function checkAssertion(assertion: string, client: EntraClient, desk: Desk): Promise<EntraError | undefined> {
  const claims = readClaims(assertion);
  if (claims === undefined) return refuse('invalid_request', 50027, 'JWT token is invalid or malformed.');
  const credential = findCredential(desk.options.federatedCredentials.filter((each) => each.clientId === client.clientId), claims);
  if ('error' in credential) return credential;
  const now = desk.now();
  const checked = await verifyToken({ token: assertion, issuers: [credential.issuer], audience: credential.audience, now, fetch: desk.options.fetch ?? fetch });
  if ('claims' in checked) return undefined;
  if (checked.problem === 'expired') return refuse('invalid_client', 700024, `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, expiry time of assertion ${new Date(Number(claims['exp']) * 1000).toISOString()}.`);
  return refuse('invalid_client', 700027, `Client assertion failed signature validation. ${checked.reason}`);
}

function accessToken(desk: Desk, client: EntraClient, audience: string): string {
  const now = Math.floor(desk.now().getTime() / 1000);
  const { tenantId } = desk.options;
  const identity = { appid: client.clientId, azp: client.clientId, app_displayname: client.name, idtyp: 'app', oid: client.objectId, sub: client.objectId, tid: tenantId };
  return signToken(desk.key, { aud: audience, iss: desk.issuer, iat: now, nbf: now, exp: now + validSeconds, ...identity, uti: randomUUID(), ver: '2.0' });
}
