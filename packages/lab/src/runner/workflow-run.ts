// SPDX-License-Identifier: Apache-2.0
// Runs a workflow of a repository as GitHub would: jobs by their needs, called workflows with the caller's permissions as ceiling.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Failure, isJsonObject, type JsonObject } from '@pratique/core';
import { asText, expand } from './expressions.ts';
import { effectivePermissions, jobWanted, outerContexts, runJob, type JobPlace } from './job-run.ts';
import type { Conclusion, JobRecord, WorkflowRecord, WorkflowRunOptions } from './run.ts';
import { needsOf, orderJobs, parseWorkflowFile, type Workflow, type WorkflowJob } from './workflow-file.ts';

const run = promisify(execFile);

/**
 * Executes a workflow file of the repository at the given commit, one job after the other, each in a workspace of its own.
 * Fails with `LAB_WORKFLOW_INVALID`; a job that fails is a conclusion, not a failure.
 */
export async function runWorkflow(options: WorkflowRunOptions): Promise<WorkflowRecord> {
  await mkdir(join(options.folder, 'artifacts'), { recursive: true });
  const workflow = await readWorkflow(options, options.workflowFile);
  const jobs = await runJobs({ options, workflow, workflowFile: options.workflowFile, inputs: inputsByHand(workflow, options.event), secrets: options.secrets ?? {}, needs: {}, path: '' });
  return { conclusion: conclude(jobs), jobs };
}

async function readWorkflow(options: WorkflowRunOptions, file: string): Promise<Workflow> {
  const { stdout } = await run('git', ['--git-dir', options.repositoryPath, 'show', `${options.sha}:${file}`], { maxBuffer: 4 << 20 }).catch((cause: unknown) => {
    throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${options.repository} has no ${file} at ${options.sha}`, cause });
  });
  return parseWorkflowFile(stdout, file);
}

async function runJobs(outer: JobPlace): Promise<JobRecord[]> {
  const records = new Map<string, JobRecord>();
  for (const id of orderJobs(outer.workflow.jobs)) {
    const job = outer.workflow.jobs[id] as WorkflowJob;
    const needs = Object.fromEntries(needsOf(job).map((need) => [need, { result: records.get(need)?.conclusion ?? 'skipped', outputs: records.get(need)?.outputs ?? {} }]));
    const place = { ...outer, needs, path: outer.path === '' ? id : `${outer.path}/${id}` };
    records.set(id, (await jobWanted(job, place)) ? await runTimed(job, place) : { id: place.path, conclusion: 'skipped', outputs: {}, steps: [] });
  }
  return [...records.values()];
}

async function runTimed(job: WorkflowJob, place: JobPlace): Promise<JobRecord> {
  await place.options.beforeJob?.(place.path);
  const started = performance.now();
  place.options.onEvent?.({ kind: 'job-started', job: place.path });
  const record = job.uses === undefined ? await runJob(job, place) : await callWorkflow(job, place);
  place.options.onEvent?.({ kind: 'job-ended', job: place.path, conclusion: record.conclusion, seconds: (performance.now() - started) / 1000 });
  return record;
}

async function callWorkflow(job: WorkflowJob, place: JobPlace): Promise<JobRecord> {
  const { options } = place;
  if (!job.uses?.startsWith('./')) throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${job.uses ?? ''} cannot be fetched here`, hint: 'Call a workflow of the same repository: ./.github/workflows/NAME.yml.' });
  const workflowFile = job.uses.slice(2);
  const workflow = await readWorkflow(options, workflowFile);
  const call = trigger(workflow, 'workflow_call');
  const contexts = outerContexts(place);
  const given = (await expand(job.with ?? {}, contexts)) as Record<string, unknown>;
  const secrets = job.secrets === 'inherit' ? place.secrets : ((await expand(job.secrets ?? {}, contexts)) as Record<string, string>);
  const jobs = await runJobs({ ...place, workflow, workflowFile, inputs: callInputs(call, given), secrets, needs: {}, ceiling: effectivePermissions(job, place) });
  const known = Object.fromEntries(jobs.map((one) => [one.id.slice(place.path.length + 1), { outputs: one.outputs, result: one.conclusion }]));
  const declared = isJsonObject(call['outputs']) ? call['outputs'] : {};
  const outputs = await Promise.all(Object.entries(declared).map(async ([name, output]) => [name, asText(await expand(isJsonObject(output) ? output['value'] : '', { ...contexts, jobs: known }))] as const));
  return { id: place.path, conclusion: conclude(jobs), outputs: Object.fromEntries(outputs), steps: [], jobs };
}

function trigger({ on }: Workflow, name: string): JsonObject {
  return isJsonObject(on) && isJsonObject(on[name]) ? on[name] : {};
}

/** Inputs of a run that somebody started by hand: `payload.inputs`, as in the webhook of that event. */
function inputsByHand(workflow: Workflow, { name, payload }: WorkflowRunOptions['event']): Record<string, unknown> {
  if (name !== 'workflow_dispatch') return {};
  return callInputs(trigger(workflow, name), isJsonObject(payload) && isJsonObject(payload['inputs']) ? payload['inputs'] : {});
}

function callInputs(call: Readonly<Record<string, unknown>>, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const declared = isJsonObject(call['inputs']) ? call['inputs'] : {};
  const unknown = Object.keys(given).filter((name) => !(name in declared));
  const missing = Object.entries(declared).filter(([name, input]) => isJsonObject(input) && input['required'] === true && given[name] === undefined).map(([name]) => name);
  if (unknown.length + missing.length > 0) throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `inputs of the workflow: unknown ${unknown.join(', ') || 'none'}, missing ${missing.join(', ') || 'none'}` });
  return Object.fromEntries(Object.entries(declared).map(([name, input]) => [name, given[name] ?? (isJsonObject(input) ? input['default'] : undefined) ?? '']));
}

function conclude(jobs: readonly JobRecord[]): Conclusion {
  if (jobs.some((job) => job.conclusion === 'cancelled')) return 'cancelled';
  return jobs.some((job) => job.conclusion === 'failure') ? 'failure' : 'success';
}
