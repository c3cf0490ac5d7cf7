// SPDX-License-Identifier: Apache-2.0
// GitHub for the lab: OIDC issuer, the job's token endpoint, and REST over real bare git repositories.
import { createPrivateKey } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { newTokenPrivateKey, tokenKey } from '../identity-token.ts';
import { openKeyStore } from '../key-store.ts';
import { jsonReply } from '../reply.ts';
import { createCodeScanning } from './code-scanning.ts';
import { openTokenDesk, type TokenDesk } from './job-tokens.ts';
import { handleRest } from './rest.ts';
import { openGitHubState, type GitHubState, type LabRepository, type LabUser } from './state.ts';

/** What the lab's GitHub holds. */
export interface GitHubOptions {
  /** Key and tables live here. */
  readonly folder: string;
  /** Where it is served, without a slash at the end. */
  readonly url: string;
  readonly repositories?: readonly LabRepository[];
  readonly users?: readonly LabUser[];
  /** Default `name`: `repo:acme/app:ref:refs/heads/main`. */
  readonly subjectFormat?: 'name' | 'immutable';
  readonly now?: () => Date;
}

/** Handler, tables and token desk in one. */
export interface GitHub extends GitHubState, Pick<TokenDesk, 'issueJob' | 'issueToken'> {
  handle(request: Request): Promise<Response>;
  /** `iss` of ID tokens. */
  readonly issuer: string;
  /** GITHUB_API_URL. */
  readonly apiUrl: string;
}

const prefix = '/api/v3';

/** Opens or begins a GitHub in `folder`. Fails with `LAB_DATA_INVALID`. */
export async function createGitHub(options: GitHubOptions): Promise<GitHub> {
  const now = options.now ?? (() => new Date());
  mkdirSync(options.folder, { recursive: true });
  const store = await openKeyStore(join(options.folder, 'keys.json'));
  const key = tokenKey(createPrivateKey(await store.keep('issuer', async () => String((await newTokenPrivateKey()).export({ type: 'pkcs8', format: 'pem' })))));
  await store.save();
  const state = openGitHubState(join(options.folder, 'github.json'));
  for (const repository of options.repositories ?? []) state.setRepository(repository);
  for (const user of options.users ?? []) state.setUser(user);
  const issuer = `${options.url}/_oidc`;
  const apiUrl = `${options.url}${prefix}`;
  const desk = openTokenDesk({ state, key, issuer, requestUrl: `${issuer}/token`, subjectFormat: options.subjectFormat ?? 'name', now });
  const rest = { state, api: apiUrl, prefix, scanning: createCodeScanning(), grant: desk.grant, now };
  return {
    ...state,
    issueJob: desk.issueJob,
    issueToken: desk.issueToken,
    issuer,
    apiUrl,
    async handle(request) {
      const { pathname } = new URL(request.url);
      if (pathname === '/_oidc/.well-known/openid-configuration') return jsonReply(200, discovery(issuer));
      if (pathname === '/_oidc/.well-known/jwks') return jsonReply(200, { keys: [key.jwk] });
      if (pathname === '/_oidc/token') return answerTokenRequest(request, desk);
      return (await handleRest(request, rest)) ?? jsonReply(404, { message: 'Not Found', status: '404' });
    },
  };
}

function discovery(issuer: string): unknown {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks`,
    subject_types_supported: ['public', 'pairwise'],
    response_types_supported: ['id_token'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'ref', 'sha', 'repository', 'repository_id', 'repository_owner', 'workflow_ref', 'job_workflow_ref', 'environment'],
  };
}

function answerTokenRequest(request: Request, desk: TokenDesk): Response {
  const requestToken = /^bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  const value = desk.identityToken(requestToken, new URL(request.url).searchParams.get('audience') ?? undefined);
  return value === undefined ? jsonReply(401, { message: 'Bad credentials' }) : jsonReply(200, { count: value.length, value });
}
