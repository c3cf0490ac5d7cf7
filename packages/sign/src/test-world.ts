// SPDX-License-Identifier: Apache-2.0
// For tests: a context whose fetch reaches a local sigstore, and whose identity tokens come from an issuer that this sigstore trusts.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Context, JsonObject, RunEvent } from '@pratique/core';
import { createNodeContext } from '@pratique/host';
import { createSigstore, type Handler, type Sigstore } from '@pratique/lab';

const issuer = 'https://token.test';

/** Claims of a push to main in contoso/web, run 77, attempt 1. */
export const pushClaims: JsonObject = {
  iss: issuer, aud: 'sigstore', sub: 'repo:contoso/web:ref:refs/heads/main', event_name: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main', workflow: 'release',
  repository: 'contoso/web', repository_id: 4711, repository_owner: 'contoso', repository_owner_id: 815, repository_visibility: 'private', runner_environment: 'github-hosted',
  job_workflow_ref: 'contoso/web/.github/workflows/release.yml@refs/heads/main', job_workflow_sha: 'a'.repeat(40),
  workflow_ref: 'contoso/web/.github/workflows/release.yml@refs/heads/main', workflow_sha: 'a'.repeat(40), run_id: '77', run_attempt: '1',
};

/** Identity in the certificates of `pushClaims`. */
export const pushIdentity = 'https://github.com/contoso/web/.github/workflows/release.yml@refs/heads/main';

/** A request that was made, for counting. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
}

export interface TestWorld extends AsyncDisposable {
  readonly ctx: Context;
  readonly sigstore: Sigstore;
  readonly seen: readonly SeenRequest[];
  readonly lines: readonly string[];
  /** Signing config as JSON. */
  config(rekorVersion: 1 | 2): string;
  readonly trustedRoot: string;
}

export interface TestWorldOptions {
  /** Over `pushClaims`, read for each token. */
  readonly claims?: () => JsonObject;
  /** Asked before the sigstore; `undefined` lets the request pass. */
  readonly intercept?: (request: Request) => Promise<Response | undefined>;
  /** More hosts by name. */
  readonly hosts?: Readonly<Record<string, Handler>>;
  readonly now?: () => Date;
}

/** Starts the world. Waiting takes no time in it. */
export async function createTestWorld(options: TestWorldOptions = {}): Promise<TestWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'sign-world-'));
  const seen: SeenRequest[] = [];
  const lines: string[] = [];
  const tokens = createIssuer();
  const now = options.now ?? (() => new Date());
  const route: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    seen.push({ method: request.method, url });
    const handler = url.host === 'token.test' ? tokens.handle : (options.hosts?.[url.host] ?? sigstore.handle);
    return (await options.intercept?.(request.clone())) ?? handler(request);
  };
  const sigstore = await createSigstore({ folder: join(folder, 'sigstore'), issuers: [{ url: issuer, type: 'github-workflow' }], fetch: route, now });
  const ctx = await createNodeContext({
    workspace: folder, env: {}, fetch: route, print: (line) => lines.push(line), clock: instantClock(now), event: pushEvent,
    identity: async () => tokens.mint({ ...pushClaims, ...options.claims?.() }, now()),
  });
  return {
    ctx, sigstore, seen, lines,
    config: (version) => JSON.stringify(sigstore.signingConfig('https://sigstore.test', version)),
    trustedRoot: JSON.stringify(sigstore.trustedRoot),
    async [Symbol.asyncDispose]() {
      await ctx.close();
      sigstore.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const pushEvent: RunEvent = {
  host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/web', id: '4711', owner: 'contoso', name: 'web' }, commit: 'a'.repeat(40), ref: 'refs/heads/main',
  run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 }, actor: 'ann',
};

function instantClock(now: () => Date): Clock {
  let slept = 0;
  return {
    now: () => new Date(now().getTime() + slept * 1000),
    sleep: async (seconds, signal) => {
      signal?.throwIfAborted();
      slept += seconds;
    },
  };
}

function createIssuer(): { handle: Handler; mint: (claims: JsonObject, now: Date) => string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    handle: async (request) => Response.json(request.url.endsWith('/jwks') ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks` }),
    mint: (claims, now) => {
      const seconds = Math.floor(now.getTime() / 1000);
      const signed = `${encode({ typ: 'JWT', alg: 'RS256', kid: 'k1' })}.${encode({ ...claims, iat: seconds, nbf: seconds, exp: seconds + 300 })}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
    },
  };
}
