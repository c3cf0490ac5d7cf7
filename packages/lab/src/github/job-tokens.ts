// SPDX-License-Identifier: Apache-2.0
// Tokens of workflow jobs: the GITHUB_TOKEN with its permissions, and ID tokens with the claims that GitHub puts in
// (https://docs.github.com/actions/reference/security/oidc).
import { randomBytes, randomUUID } from 'node:crypto';
import { Failure, type JsonObject } from '@pratique/core';
import { signToken, type TokenKey } from '../identity-token.ts';
import type { JobRequest, JobTokens } from '../runner/run.ts';
import type { GitHubState, LabRepository } from './state.ts';

/** What a token may do in one repository: scope to `read` or `write`. */
export interface Grant {
  readonly repository: string;
  readonly permissions: Readonly<Record<string, string>>;
}

/** Who signs tokens, and for which repositories. */
export interface JobTokensOptions {
  readonly state: GitHubState;
  readonly key: TokenKey;
  readonly issuer: string;
  /** Where jobs ask for ID tokens. */
  readonly requestUrl: string;
  /** `immutable`: `repo:OWNER@ID/NAME@ID:…`, the default of repositories made since 2026-07-15. */
  readonly subjectFormat: 'name' | 'immutable';
  readonly now: () => Date;
}

/** Issues tokens and knows them again. */
export interface TokenDesk {
  issueJob(job: JobRequest): Promise<JobTokens>;
  /** A token outside of any job, for a person or a program. */
  issueToken(grant: Grant): string;
  grant(token: string): Grant | undefined;
  /** An ID token for the job that `requestToken` belongs to; `undefined` when there is none. */
  identityToken(requestToken: string, audience: string | undefined): string | undefined;
}

const validSeconds = 300;

/** Tokens live as long as the desk. */
export function openTokenDesk(options: JobTokensOptions): TokenDesk {
  const grants = new Map<string, Grant>();
  const jobs = new Map<string, JobRequest>();
  const issueToken = (grant: Grant): string => {
    const token = `ghs_${randomBytes(27).toString('hex').slice(0, 36)}`;
    grants.set(token, grant);
    return token;
  };
  return {
    issueToken,
    grant: (token) => grants.get(token),
    issueJob(job) {
      repositoryOf(options.state, job.repository);
      const githubToken = issueToken({ repository: job.repository, permissions: job.permissions });
      if (job.permissions['id-token'] !== 'write') return Promise.resolve({ githubToken });
      const requestToken = randomBytes(32).toString('base64url');
      jobs.set(requestToken, job);
      // Clients append &audience=…, so there must be a query already.
      return Promise.resolve({ githubToken, requestUrl: `${options.requestUrl}?job=${encodeURIComponent(`${job.runId}-${job.job}`)}&api-version=2.0`, requestToken });
    },
    identityToken(requestToken, audience) {
      const job = jobs.get(requestToken);
      return job === undefined ? undefined : signToken(options.key, claimsOf(job, audience, options));
    },
  };
}

function repositoryOf(state: GitHubState, name: string): LabRepository {
  const repository = state.repository(name);
  if (repository !== undefined) return repository;
  throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `the lab's GitHub has no repository ${name}` });
}

function claimsOf(job: JobRequest, audience: string | undefined, options: JobTokensOptions): JsonObject {
  const { state } = options;
  const repository = repositoryOf(state, job.repository);
  const now = Math.floor(options.now().getTime() / 1000);
  const pull = state.pull(job.repository, Number(/^refs\/pull\/(\d+)\/merge$/.exec(job.ref)?.[1]));
  return {
    jti: randomUUID(),
    sub: subjectOf(job, repository, options.subjectFormat),
    aud: audience ?? `https://github.com/${repository.owner}`,
    ref: job.ref,
    sha: job.sha,
    repository: job.repository,
    repository_owner: repository.owner,
    repository_owner_id: String(repository.ownerId),
    run_id: job.runId,
    run_number: job.runId,
    run_attempt: String(job.runAttempt),
    repository_visibility: repository.visibility,
    repository_id: String(repository.id),
    actor: job.actor,
    actor_id: String(state.user({ login: job.actor })?.id ?? 1),
    workflow: job.workflowName,
    head_ref: pull?.head.ref ?? '',
    base_ref: pull?.base.ref ?? '',
    event_name: job.event,
    ...(job.environment === undefined ? {} : { environment: job.environment }),
    ref_protected: String(repository.protectedBranches.some((branch) => job.ref === `refs/heads/${branch}`)),
    ref_type: job.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    workflow_ref: `${job.repository}/${job.workflowFile}@${job.ref}`,
    workflow_sha: job.sha,
    job_workflow_ref: `${job.repository}/${job.jobWorkflowFile}@${job.ref}`,
    job_workflow_sha: job.sha,
    runner_environment: 'github-hosted',
    iss: options.issuer,
    nbf: now - 300,
    exp: now + validSeconds,
    iat: now,
  };
}

function subjectOf(job: JobRequest, repository: LabRepository, format: 'name' | 'immutable'): string {
  const prefix = format === 'name' ? `repo:${repository.owner}/${repository.name}` : `repo:${repository.owner}@${repository.ownerId}/${repository.name}@${repository.id}`;
  if (job.environment !== undefined) return `${prefix}:environment:${job.environment}`;
  return job.event.startsWith('pull_request') && job.event !== 'pull_request_target' ? `${prefix}:pull_request` : `${prefix}:ref:${job.ref}`;
}
