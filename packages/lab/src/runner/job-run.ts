// SPDX-License-Identifier: Apache-2.0
// Runs one job on a machine of its own: a fresh workspace, its own tokens, its steps one after the other.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asText, evaluateCondition, expand, type ExpressionContexts } from './expressions.ts';
import { prepareFolders, runStep, type JobMachine } from './step-run.ts';
import type { Conclusion, JobRecord, JobTokens, StepRecord, WorkflowRunOptions } from './run.ts';
import type { Permissions, Workflow, WorkflowJob } from './workflow-file.ts';

/** Where a job stands: the workflow that holds it, its inputs, and what came before. */
export interface JobPlace {
  readonly options: WorkflowRunOptions;
  readonly workflow: Workflow;
  readonly workflowFile: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Most that the calling job grants; absent at the top. */
  readonly ceiling?: Readonly<Record<string, string>>;
  readonly needs: Readonly<Record<string, { readonly result: Conclusion; readonly outputs: Readonly<Record<string, string>> }>>;
  /** Unique within the run: `build`, `gate/judge`. */
  readonly path: string;
}

/** Contexts that exist before a job has a machine. */
export function outerContexts(place: JobPlace, token = ''): ExpressionContexts {
  const { options } = place;
  const [owner = ''] = options.repository.split('/');
  const refType = options.ref.startsWith('refs/tags/') ? 'tag' : 'branch';
  const github = {
    repository: options.repository, repository_owner: owner, sha: options.sha, ref: options.ref, ref_name: options.ref.replace(/^refs\/(?:heads|tags)\//, ''), ref_type: refType,
    event_name: options.event.name, event: options.event.payload, run_id: options.runId, run_number: '1', run_attempt: String(options.runAttempt ?? 1), actor: options.actor,
    workflow: place.workflow.name ?? place.workflowFile, workflow_ref: `${options.repository}/${options.workflowFile}@${options.ref}`, job: place.path, token,
    api_url: options.apiUrl, server_url: options.serverUrl,
  };
  return { github, vars: options.vars, secrets: { ...place.secrets, GITHUB_TOKEN: token }, needs: place.needs, inputs: place.inputs };
}

/** Permissions of a job: its own, else the workflow's; never more than the caller grants. */
export function effectivePermissions(job: WorkflowJob, place: JobPlace): Record<string, string> {
  const wanted = readPermissions(job.permissions ?? place.workflow.permissions ?? { contents: 'read' });
  const { ceiling } = place;
  if (ceiling === undefined) return wanted;
  const rank = (access: string | undefined): number => ['none', 'read', 'write'].indexOf(access ?? 'none');
  return Object.fromEntries(Object.entries(wanted).map(([scope, access]) => [scope, rank(ceiling[scope]) < rank(access) ? (ceiling[scope] ?? 'none') : access]));
}

const scopes = ['actions', 'attestations', 'checks', 'contents', 'deployments', 'id-token', 'issues', 'packages', 'pull-requests', 'security-events', 'statuses'];

function readPermissions(permissions: Permissions): Record<string, string> {
  if (typeof permissions !== 'string') return { ...permissions };
  return Object.fromEntries(scopes.map((scope) => [scope, permissions === 'write-all' ? 'write' : 'read']));
}

/** Runs the steps; ends with outputs and conclusion. */
export async function runJob(job: WorkflowJob, place: JobPlace): Promise<JobRecord> {
  const { options } = place;
  const tokens = await requestTokens(job, place);
  const masks = new Set([tokens.githubToken, ...(tokens.requestToken ? [tokens.requestToken] : []), ...Object.values(place.secrets)].filter(Boolean));
  const folder = join(options.folder, 'jobs', place.path.replaceAll('/', '-'));
  const folders = await prepareFolders(folder, options.repository);
  const eventPath = join(folders.temp, 'event.json');
  await writeFile(eventPath, JSON.stringify(options.event.payload));
  const outer = outerContexts(place, tokens.githubToken);
  const steps: StepRecord[] = [];
  const declaredEnv = await expand({ ...place.workflow.env, ...job.env }, outer) as Record<string, unknown>;
  const machine: JobMachine = {
    options, job: place.path, ...folders, artifacts: join(options.folder, 'artifacts'), githubToken: tokens.githubToken, masks,
    env: machineEnvironment(place, { ...folders, eventPath, tokens }), declaredEnv: Object.fromEntries(Object.entries(declaredEnv).map(([name, value]) => [name, asText(value)])),
    contexts: { ...outer, runner: { os: 'Linux', arch: 'X64', temp: folders.temp }, job: { status: 'success' } },
  };
  for (const [index, step] of (job.steps ?? []).entries()) {
    const known = Object.fromEntries(steps.filter((one) => one.id).map((one) => [one.id, { outputs: one.outputs, outcome: one.outcome, conclusion: one.conclusion }]));
    const status = { failed: steps.some((one) => one.conclusion === 'failure'), cancelled: options.signal?.aborted ?? false };
    const record = await runStep(step, index, { ...machine, contexts: { ...machine.contexts, steps: known }, status });
    steps.push(record);
    if (record.conclusion !== 'skipped') options.onEvent?.({ kind: 'step-ended', job: place.path, step: record });
  }
  const known = Object.fromEntries(steps.filter((one) => one.id).map((one) => [one.id, { outputs: one.outputs }]));
  const outputs = await expand(job.outputs ?? {}, { ...machine.contexts, env: machine.env, steps: known }) as Record<string, unknown>;
  return { id: place.path, conclusion: concludeSteps(steps), outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, asText(value)])), steps };
}

function concludeSteps(steps: readonly StepRecord[]): Conclusion {
  if (steps.some((step) => step.conclusion === 'cancelled')) return 'cancelled';
  return steps.some((step) => step.conclusion === 'failure') ? 'failure' : 'success';
}

async function requestTokens(job: WorkflowJob, place: JobPlace): Promise<JobTokens> {
  const { options } = place;
  const environment = job.environment === undefined ? undefined : asText(await expand(typeof job.environment === 'string' ? job.environment : job.environment.name, outerContexts(place)));
  return options.issueJob({
    repository: options.repository, ref: options.ref, sha: options.sha, event: options.event.name, actor: options.actor,
    workflowFile: options.workflowFile, workflowName: place.workflow.name ?? options.workflowFile, jobWorkflowFile: place.workflowFile, job: place.path,
    ...(environment === undefined ? {} : { environment }), runId: options.runId, runAttempt: options.runAttempt ?? 1, permissions: effectivePermissions(job, place),
  });
}

function machineEnvironment(place: JobPlace, job: { workspace: string; temp: string; home: string; eventPath: string; tokens: JobTokens }): Record<string, string> {
  const { options } = place;
  const { github } = outerContexts(place) as { github: Record<string, unknown> };
  const fromContext = Object.fromEntries(Object.entries(github).filter(([name]) => name !== 'event' && name !== 'token').map(([name, value]) => [`GITHUB_${name.toUpperCase()}`, asText(value)]));
  return {
    HOME: job.home, ...options.machine, ...fromContext,
    CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: job.workspace, GITHUB_EVENT_PATH: job.eventPath, RUNNER_TEMP: job.temp, RUNNER_OS: 'Linux', RUNNER_ARCH: 'X64',
    RUNNER_TOOL_CACHE: join(job.temp, 'tools'), RUNNER_ENVIRONMENT: 'github-hosted',
    ...(job.tokens.requestUrl ? { ACTIONS_ID_TOKEN_REQUEST_URL: job.tokens.requestUrl, ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.tokens.requestToken ?? '' } : {}),
  };
}

/** Whether the job's `if` holds. */
export function jobWanted(job: WorkflowJob, place: JobPlace): Promise<boolean> {
  const failed = Object.values(place.needs).some((need) => need.result !== 'success');
  return evaluateCondition(job.if, outerContexts(place), { failed, cancelled: place.options.signal?.aborted ?? false });
}
