// SPDX-License-Identifier: Apache-2.0
// GitHub's REST API, the part that this project calls; each route demands the permission that GitHub's documentation names.
import { jsonReply } from '../reply.ts';
import type { CodeScanning } from './code-scanning.ts';
import { isBetween, listCommits, listTree, readBlob, readTreeEntry, resolveCommit } from './git.ts';
import type { Grant } from './job-tokens.ts';
import { showBranch, showCommit, showEntry, showPull, showRepository, showReview, type View } from './presentation.ts';
import type { LabPullRequest, LabRepository } from './state.ts';

/** Where the API is served and who may read. */
export interface RestOptions extends View {
  /** Path under which the API is served, for example `/api/v3`. */
  readonly prefix: string;
  readonly scanning: CodeScanning;
  grant(token: string): Grant | undefined;
  readonly now: () => Date;
}

interface Call {
  readonly options: RestOptions;
  readonly repository: LabRepository;
  /** Decoded parts of the path that the route's pattern caught. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly accept: string;
  body(): Promise<unknown>;
}

interface Route {
  /** Default GET, which needs `read`; the others need `write`. */
  readonly method?: 'POST';
  readonly pattern: RegExp;
  /** Metadata needs none. */
  readonly scope?: 'contents' | 'pull-requests' | 'security-events';
  answer(call: Call): Promise<Response> | Response;
}

const documentation = 'https://docs.github.com/rest';
const notFound = (): Response => jsonReply(404, { message: 'Not Found', documentation_url: documentation, status: '404' });
const noCommit = (ref: string): Response => jsonReply(404, { message: `No commit found for the ref ${ref}`, documentation_url: documentation, status: '404' });

const routes: readonly Route[] = [
  { pattern: /^$/, answer: ({ options, repository }) => jsonReply(200, showRepository(options, repository)) },
  { pattern: /^branches\/(.+)$/, scope: 'contents', answer: readBranch },
  { pattern: /^contents(?:\/(.*))?$/, scope: 'contents', answer: readContents },
  { pattern: /^commits$/, scope: 'contents', answer: readCommits },
  { pattern: /^commits\/([^/]+)\/pulls$/, scope: 'pull-requests', answer: readPullsOfCommit },
  { pattern: /^commits\/(.+)$/, scope: 'contents', answer: readCommit },
  { pattern: /^pulls\/(\d+)$/, scope: 'pull-requests', answer: (call) => withPull(call, (pull) => jsonReply(200, showPull(call.options, call.repository, pull))) },
  { pattern: /^pulls\/(\d+)\/reviews$/, scope: 'pull-requests', answer: (call) => withPull(call, (pull) => jsonReply(200, paged(call, pull.reviews).map((review) => showReview(call.options, review)))) },
  { method: 'POST', pattern: /^code-scanning\/sarifs$/, scope: 'security-events', answer: uploadSarif },
  { pattern: /^code-scanning\/sarifs\/([^/]+)$/, scope: 'security-events', answer: readProcessing },
  { pattern: /^code-scanning\/alerts$/, scope: 'security-events', answer: (call) => jsonReply(200, paged(call, call.options.scanning.alerts(nameOf(call), call.query.get('ref')))) },
];

/** Answers a request under the prefix, or `undefined`. */
export async function handleRest(request: Request, options: RestOptions): Promise<Response | undefined> {
  const url = new URL(request.url);
  if (!url.pathname.startsWith(`${options.prefix}/`)) return undefined;
  const reply = await route(request, url, options);
  const headers: Readonly<Record<string, string>> = {
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-used': '1',
    'x-ratelimit-resource': 'core',
    'x-ratelimit-reset': String(Math.floor(options.now().getTime() / 1000) + 3600),
    'x-github-request-id': crypto.randomUUID(),
    'x-github-api-version-selected': '2022-11-28',
  };
  for (const [name, value] of Object.entries(headers)) reply.headers.set(name, value);
  return reply;
}

async function route(request: Request, url: URL, options: RestOptions): Promise<Response> {
  const token = /^(?:token|bearer) (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  const grant = token === undefined ? undefined : options.grant(token);
  if (token !== undefined && grant === undefined) return jsonReply(401, { message: 'Bad credentials', documentation_url: documentation, status: '401' });
  const path = url.pathname.slice(options.prefix.length + 1);
  if (path === 'rate_limit') return jsonReply(200, { resources: { core: { limit: 5000, used: 1, remaining: 4999 } }, rate: { limit: 5000, used: 1, remaining: 4999 } });
  const [, owner, name, rest = ''] = /^repos\/([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
  const repository = options.state.repository(`${owner ?? ''}/${name ?? ''}`);
  if (repository === undefined || !mayKnow(repository, grant)) return notFound();
  const found = routes.find((each) => each.pattern.test(rest) && request.method === (each.method ?? 'GET'));
  if (found === undefined) return notFound();
  const access = found.method === undefined ? 'read' : 'write';
  if (!mayUse(repository, grant, { scope: found.scope, access })) return forbidden(found.scope ?? 'metadata', access);
  return found.answer({ options, repository, parts: (found.pattern.exec(rest) ?? []).slice(1).map((part) => decodeURIComponent(part ?? '')), query: url.searchParams, accept: request.headers.get('accept') ?? '', body: () => request.json() });
}

const isOwn = (repository: LabRepository, grant: Grant | undefined): boolean => grant?.repository.toLowerCase() === `${repository.owner}/${repository.name}`.toLowerCase();

/** A private repository does not exist for others. */
function mayKnow(repository: LabRepository, grant: Grant | undefined): boolean {
  return repository.visibility === 'public' || isOwn(repository, grant);
}

// The token of a job is refused for its own repository when the scope is `none`, even if the repository is public.
function mayUse(repository: LabRepository, grant: Grant | undefined, { scope, access }: { readonly scope: string | undefined; readonly access: 'read' | 'write' }): boolean {
  if (scope === undefined || (access === 'read' && !isOwn(repository, grant))) return true;
  return isOwn(repository, grant) && [access, 'write'].includes(grant?.permissions[scope] ?? 'none');
}

function forbidden(scope: string, access: string): Response {
  const body = { message: 'Resource not accessible by integration', documentation_url: documentation, status: '403' };
  return jsonReply(403, body, { 'x-accepted-github-permissions': `${scope.replace('-', '_')}=${access}` });
}

const nameOf = ({ repository }: Call): string => `${repository.owner}/${repository.name}`;

async function uploadSarif(call: Call): Promise<Response> {
  const { status, body } = call.options.scanning.upload(nameOf(call), await call.body());
  return jsonReply(status, body);
}

function readProcessing(call: Call): Response {
  const found = call.options.scanning.processing(nameOf(call), call.parts[0] ?? '');
  return found === undefined ? notFound() : jsonReply(200, found);
}

async function readBranch({ options, repository, parts: [name = ''] }: Call): Promise<Response> {
  const sha = await resolveCommit(repository.path, `refs/heads/${name}`);
  if (sha === undefined) return jsonReply(404, { message: 'Branch not found', documentation_url: documentation, status: '404' });
  return jsonReply(200, showBranch(options, repository, { name, sha }));
}

async function readContents(call: Call): Promise<Response> {
  const { options, repository, query } = call;
  const path = (call.parts[0] ?? '').replace(/^\/+|\/+$/g, '');
  const ref = query.get('ref') ?? repository.defaultBranch;
  const commit = await resolveCommit(repository.path, ref);
  if (commit === undefined) return noCommit(ref);
  const entry = await readTreeEntry(repository.path, commit, path);
  if (entry === undefined) return notFound();
  if (entry.type === 'tree') {
    const members = await listTree(repository.path, entry.sha);
    return jsonReply(200, members.map((each) => showEntry(options, repository, { ...each, ref, fullPath: path === '' ? each.path : `${path}/${each.path}` })));
  }
  const content = await readBlob(repository.path, entry.sha);
  if (content === undefined) return notFound();
  if (call.accept.includes('raw')) return new Response(new Uint8Array(content), { headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' } });
  const encoded = content.toString('base64').replace(/(.{60})/g, '$1\n');
  return jsonReply(200, { ...showEntry(options, repository, { ...entry, ref, fullPath: path }), encoding: 'base64', content: encoded });
}

function pageOf(query: URLSearchParams): { limit: number; skip: number } {
  const limit = Math.min(100, Math.max(1, Number(query.get('per_page') ?? 30) || 30));
  return { limit, skip: (Math.max(1, Number(query.get('page') ?? 1) || 1) - 1) * limit };
}

function paged<T>(call: Call, items: readonly T[]): readonly T[] {
  const { limit, skip } = pageOf(call.query);
  return items.slice(skip, skip + limit);
}

async function readCommits({ options, repository, query }: Call): Promise<Response> {
  const ref = query.get('sha') ?? repository.defaultBranch;
  const commit = await resolveCommit(repository.path, ref);
  if (commit === undefined) return noCommit(ref);
  const file = query.get('path');
  const commits = await listCommits(repository.path, commit, { ...pageOf(query), ...(file === null ? {} : { file }) });
  return jsonReply(200, commits.map((each) => showCommit(options, repository, each)));
}

async function readCommit({ options, repository, parts: [ref = ''] }: Call): Promise<Response> {
  const sha = await resolveCommit(repository.path, ref);
  const [commit] = sha === undefined ? [] : await listCommits(repository.path, sha, { limit: 1 });
  return commit === undefined ? jsonReply(422, { message: `No commit found for SHA: ${ref}`, documentation_url: documentation, status: '422' }) : jsonReply(200, showCommit(options, repository, commit));
}

async function readPullsOfCommit(call: Call): Promise<Response> {
  const { options, repository, parts: [ref = ''] } = call;
  const sha = await resolveCommit(repository.path, ref);
  if (sha === undefined) return jsonReply(422, { message: `No commit found for SHA: ${ref}`, documentation_url: documentation, status: '422' });
  const found: LabPullRequest[] = [];
  for (const pull of options.state.pulls(`${repository.owner}/${repository.name}`)) {
    const isIn = pull.mergeCommit === sha || pull.head.sha === sha || (await isBetween(repository.path, sha, { base: pull.base.sha, head: pull.head.sha }));
    if (isIn) found.push(pull);
  }
  return jsonReply(200, paged(call, found).map((pull) => showPull(options, repository, pull)));
}

function withPull(call: Call, answer: (pull: LabPullRequest) => Response): Response {
  const pull = call.options.state.pull(`${call.repository.owner}/${call.repository.name}`, Number(call.parts[0]));
  return pull === undefined ? notFound() : answer(pull);
}
