// SPDX-License-Identifier: Apache-2.0
// A workflow file as data: validated by GitHub's parser, then read from the YAML, because the parser's own conversion drops `with`.
import { Failure, isJsonObject, type JsonObject } from '@pratique/core';
import { load } from 'js-yaml';
import { workflowLibraries } from './libraries.ts';

export interface WorkflowStep {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: JsonObject;
  readonly env?: JsonObject;
  readonly if?: string | boolean;
  readonly shell?: string;
  readonly 'working-directory'?: string;
  readonly 'continue-on-error'?: boolean | string;
  readonly 'timeout-minutes'?: number;
}

export interface WorkflowJob {
  readonly name?: string;
  readonly needs?: string | readonly string[];
  readonly if?: string | boolean;
  readonly uses?: string;
  readonly with?: JsonObject;
  readonly secrets?: JsonObject | 'inherit';
  readonly permissions?: Permissions;
  readonly environment?: string | { readonly name: string };
  readonly env?: JsonObject;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps?: readonly WorkflowStep[];
}

/** `{}`, `read-all`, `write-all`, or scope -> access. */
export type Permissions = string | Readonly<Record<string, string>>;

export interface Workflow {
  readonly name?: string;
  readonly on: unknown;
  readonly permissions?: Permissions;
  readonly env?: JsonObject;
  readonly jobs: Readonly<Record<string, WorkflowJob>>;
}

// What GitHub knows and this runner does not: refused by name rather than ignored.
const unsupported = ['strategy', 'container', 'services'];

/** Parses and validates. Fails with `LAB_WORKFLOW_INVALID`, one line per problem. */
export async function parseWorkflowFile(content: string, file: string): Promise<Workflow> {
  const { parser } = await workflowLibraries();
  const parsed = parser.parseWorkflow({ name: file, content }, new parser.NoOperationTraceWriter());
  const problems = parsed.context.errors.getErrors().map((error) => error.message);
  const workflow: unknown = problems.length === 0 ? load(content) : undefined;
  if (isJsonObject(workflow) && isJsonObject(workflow['jobs'])) {
    for (const [id, job] of Object.entries(workflow['jobs'])) {
      for (const key of unsupported) if (isJsonObject(job) && key in job) problems.push(`${file}: job ${id} uses ${key}, which the lab's runner does not have`);
    }
    if (problems.length === 0) return workflow as unknown as Workflow;
  }
  throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${file} cannot be run:\n${problems.join('\n') || 'it has no jobs'}`, facts: { file, problems } });
}

/** Job ids in an order in which each comes after what it needs. Fails with `LAB_WORKFLOW_INVALID` on a cycle or an unknown name. */
export function orderJobs(jobs: Workflow['jobs']): string[] {
  const ordered: string[] = [];
  const visit = (id: string, path: readonly string[]): void => {
    if (ordered.includes(id)) return;
    const job = jobs[id];
    if (job === undefined || path.includes(id)) throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `the needs of the jobs do not resolve: ${[...path, id].join(' -> ')}` });
    for (const need of needsOf(job)) visit(need, [...path, id]);
    ordered.push(id);
  };
  for (const id of Object.keys(jobs)) visit(id, []);
  return ordered;
}

/** `needs` as a list. */
export function needsOf(job: WorkflowJob): readonly string[] {
  return typeof job.needs === 'string' ? [job.needs] : (job.needs ?? []);
}
