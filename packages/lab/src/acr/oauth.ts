// SPDX-License-Identifier: Apache-2.0
// /oauth2/exchange and /oauth2/token: Entra token to refresh token to access token (Azure/acr docs/AAD-OAuth.md, Token-BasicAuth.md).
import type { Holder, Identities } from './identities.ts';
import { json, Refusal } from './refusal.ts';
import type { Tokens } from './tokens.ts';

const formLimitBytes = 256 * 1024;

export interface OAuthOptions {
  readonly tokens: Tokens;
  readonly identities: Identities;
  readonly loginServer: string;
  readonly anonymousPull: boolean;
}

const refused = (): Refusal =>
  new Refusal({ status: 401, code: 'UNAUTHORIZED', message: 'authentication required, visit https://aka.ms/acr/authorization for more information.' });

/** Answers `POST /oauth2/exchange`. */
export async function exchange(request: Request, options: OAuthOptions): Promise<Response> {
  const form = await readForm(request);
  checkService(form, options);
  const entra = form.get('access_token');
  if (form.get('grant_type') === 'refresh_token' || !entra) throw badRequest('grant_type must be access_token, with the Entra token as access_token');
  const holder = await options.identities.entraToken(entra);
  if (!holder || (form.get('tenant') && holder.tenant && form.get('tenant') !== holder.tenant)) throw refused();
  return reply({ refresh_token: options.tokens.refreshToken(holder) });
}

/** Answers `GET` and `POST /oauth2/token`. Rights that the caller lacks are left out of the token; that is no error. */
export async function token(request: Request, options: OAuthOptions): Promise<Response> {
  const form = request.method === 'GET' ? new URL(request.url).searchParams : await readForm(request);
  checkService(form, options);
  const holder = request.method === 'GET' ? await holderOfHeader(request, options) : await holderOfForm(form, options.identities);
  if (!holder) throw refused();
  // Docker writes several scopes into one field, separated by spaces; others repeat the field.
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' ').filter(Boolean));
  return reply({ access_token: options.tokens.accessToken(holder, options.identities.reduce(holder, scopes)) });
}

async function holderOfHeader(request: Request, options: OAuthOptions): Promise<Holder | undefined> {
  const header = request.headers.get('authorization');
  if (header) return /^basic /i.test(header) ? options.identities.basic(header) : undefined;
  return options.anonymousPull ? options.identities.nobody : undefined;
}

async function holderOfForm(form: URLSearchParams, identities: Identities): Promise<Holder | undefined> {
  switch (form.get('grant_type') ?? '') {
    case 'refresh_token':
      return identities.refreshToken(form.get('refresh_token') ?? '');
    case 'access_token':
      return identities.accessToken(form.get('access_token') ?? '') ?? (await identities.entraToken(form.get('access_token') ?? ''));
    case 'password': {
      const username = form.get('username');
      // The SDK asks for an anonymous token with a password grant that holds an empty refresh token and no user.
      if (!username) return identities.nobody;
      return identities.basic(Buffer.from(`${username}:${form.get('password') ?? ''}`).toString('base64'));
    }
    default:
      throw badRequest('grant_type must be refresh_token, access_token or password');
  }
}

function checkService(form: URLSearchParams, { loginServer }: OAuthOptions): void {
  const service = form.get('service');
  if (service !== loginServer) throw badRequest(`service must be ${loginServer}`);
}

function badRequest(message: string): Refusal {
  return new Refusal({ status: 400, code: 'BAD_REQUEST', message });
}

async function readForm(request: Request): Promise<URLSearchParams> {
  if (Number(request.headers.get('content-length') ?? 0) > formLimitBytes) throw badRequest('the form is too large');
  return new URLSearchParams(await request.text());
}

function reply(body: object): Response {
  return json(body, { headers: { 'x-ms-ratelimit-remaining-calls-per-second': '166.65' } });
}
