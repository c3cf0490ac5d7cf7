// SPDX-License-Identifier: Apache-2.0
// GitHub's REST API by @actions/github, loaded at the first call; its refusals become failures that name the missing permission.
import { Failure, retry, type Clock, type GitHubApi, type GitHubReply } from '@pratique/core';
import type { Environment } from './environment.ts';

export interface GitHubApiOptions {
  readonly env: Environment;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Octokit = ReturnType<typeof import('@actions/github')['getOctokit']>;

/** The GitHub port. Calls that fail with 5xx, 429 or a rate limit are repeated within the budget of `retry`. */
export function createGitHubApi(options: GitHubApiOptions): GitHubApi {
  let client: Promise<Octokit> | undefined;
  return {
    request(route, parameters, accept = []) {
      client ??= connect(options);
      const opened = client;
      return retry(async () => send(await opened, { route, parameters, accept, signal: options.signal }), { clock: options.clock, signal: options.signal, attempts: 4, budgetSeconds: 90 });
    },
  };
}

async function connect(options: GitHubApiOptions): Promise<Octokit> {
  if (!options.token) {
    throw new Failure({ code: 'GITHUB_FORBIDDEN', message: 'there is no token for GitHub', hint: 'Leave the input github-token at its default, or set GITHUB_TOKEN in a terminal (for example to the output of "gh auth token").' });
  }
  const { getOctokit } = await import('@actions/github');
  const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  return getOctokit(options.token, { baseUrl: options.env['GITHUB_API_URL'] || 'https://api.github.com', userAgent: 'pratique', request: { fetch: options.fetch }, log: quiet });
}

// Octokit would print each deprecation and failed call by itself; what matters is in the failure.
function ignore(): void {
  return;
}

interface Call {
  readonly route: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly accept: readonly number[];
  readonly signal: AbortSignal;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data?: unknown;
}

async function send(client: Octokit, call: Call): Promise<GitHubReply> {
  try {
    const answer = await client.request(call.route, { ...call.parameters, request: { signal: AbortSignal.any([call.signal, AbortSignal.timeout(30_000)]) } });
    return toReply(answer);
  } catch (thrown) {
    call.signal.throwIfAborted();
    const answer = thrown instanceof Error && 'response' in thrown ? (thrown.response as Answer | undefined) : undefined;
    if (answer === undefined) throw new Failure({ code: 'GITHUB_UNAVAILABLE', message: `GitHub did not answer ${call.route}`, cause: thrown });
    if (call.accept.includes(answer.status)) return toReply(answer);
    throw toFailure(call, answer, thrown);
  }
}

function toReply(answer: Answer): GitHubReply {
  const headers = Object.entries(answer.headers).filter((entry) => entry[1] !== undefined).map(([name, value]) => [name, String(value)]);
  return { status: answer.status, data: answer.data, headers: Object.fromEntries(headers) as Record<string, string> };
}

/** What GitHub's answer means (docs.github.com, "Troubleshooting the REST API" and "Rate limits"). */
function toFailure(call: Call, answer: Answer, cause: unknown): Failure {
  const said = typeof answer.data === 'object' && answer.data !== null && 'message' in answer.data ? String(answer.data.message) : '';
  const facts = { route: call.route, status: answer.status, said };
  const limited = answer.status === 429 || (answer.status === 403 && (answer.headers['retry-after'] !== undefined || String(answer.headers['x-ratelimit-remaining']) === '0' || /rate limit/i.test(said)));
  if (limited || answer.status >= 500) {
    const wait = Number(answer.headers['retry-after']);
    return new Failure({ code: 'GITHUB_UNAVAILABLE', message: `GitHub answered ${answer.status} to ${call.route}${said ? `: ${said}` : ''}`, facts: Number.isFinite(wait) ? { ...facts, retryAfterSeconds: wait } : facts, cause });
  }
  if (answer.status === 401 || answer.status === 403) {
    return new Failure({ code: 'GITHUB_FORBIDDEN', message: `GitHub refused ${call.route} with ${answer.status}${said ? `: ${said}` : ''}`, hint: permissionHint(call.route, answer), facts, cause });
  }
  if (answer.status === 404) {
    return new Failure({ code: 'GITHUB_NOT_FOUND', message: `GitHub knows nothing at ${call.route} for ${describe(call.parameters)}`, hint: `Check the name. A token without the permission gets the same answer. ${permissionHint(call.route, answer)}`, facts, cause });
  }
  return new Failure({ code: 'INTERNAL_DEFECT', message: `GitHub answered ${answer.status} to ${call.route}${said ? `: ${said}` : ''}`, facts, cause });
}

const scopes: readonly (readonly [RegExp, string])[] = [
  [/\/contents|\/git\/|\/branches|\/commits|\/rules|^GET \/repos\/\{owner\}\/\{repo\}$/, 'contents'], [/\/pulls/, 'pull-requests'], [/\/issues/, 'issues'],
  [/\/deployments/, 'deployments'], [/\/attestations/, 'attestations'], [/\/code-scanning/, 'security-events'], [/\/actions\//, 'actions'], [/\/check-/, 'checks'],
];

/** Names the permission: GitHub's own header where it sends one (`contents=read; pull_requests=read` lists the ways), else by the route. */
function permissionHint(route: string, answer: Answer): string {
  const header = answer.headers['x-accepted-github-permissions'];
  const wanted = typeof header === 'string' && header !== ''
    ? header.split(/[;,]/).map((one) => one.trim().replaceAll('_', '-').replace('=', ': ')).join(' or ')
    : `${scopes.find(([pattern]) => pattern.test(route))?.[1] ?? 'contents'}: ${route.startsWith('GET ') ? 'read' : 'write'}`;
  return `Give the job "permissions: ${wanted}".`;
}

function describe(parameters: Readonly<Record<string, unknown>>): string {
  return Object.entries(parameters).filter(([, value]) => typeof value !== 'object').map(([key, value]) => `${key}=${String(value)}`).join(', ').slice(0, 200);
}
