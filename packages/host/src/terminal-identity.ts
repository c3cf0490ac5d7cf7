// SPDX-License-Identifier: Apache-2.0
// An OIDC token for a run in a terminal: from the job that the terminal stands in, when that is one of GitHub or the lab.
import { addSecret, Failure, isJsonObject } from '@pratique/core';
import type { Environment } from './environment.ts';

const without = (audience: string): Failure => new Failure({
  code: 'IDENTITY_UNAVAILABLE', message: `there is no identity for the audience ${audience} in this terminal`,
  hint: 'Run it in a job with "permissions: id-token: write", or against the lab, which stands in for GitHub.',
});

/** Asks as @actions/core does, but prints nothing: standard output may be JSON that somebody reads. Fails with `IDENTITY_UNAVAILABLE`. */
export async function requestTerminalIdentity(env: Environment, audience: string, fetch: typeof globalThis.fetch): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = env;
  if (!address || !token) throw without(audience);
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  const failed = (why: string, cause?: unknown): Failure => new Failure({ code: 'IDENTITY_UNAVAILABLE', message: `${url.host} issued no OIDC token for the audience ${audience}: ${why}`, cause });
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(30_000) }).catch((cause: unknown) => {
    throw failed('no answer', cause);
  });
  if (!response.ok) throw failed(`status ${response.status}`);
  const body: unknown = await response.json().catch((cause: unknown) => {
    throw failed('the answer is not JSON', cause);
  });
  if (!isJsonObject(body) || typeof body['value'] !== 'string') throw failed('the answer holds no token');
  addSecret(body['value']);
  return body['value'];
}
