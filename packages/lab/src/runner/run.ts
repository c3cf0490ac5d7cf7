// SPDX-License-Identifier: Apache-2.0
// The shapes of one workflow run: what it needs, what it tells while it goes, what is known at the end.
import type { Annotation } from './file-commands.ts';

/** What a job's tokens are made from. */
export interface JobRequest {
  readonly repository: string;
  readonly ref: string;
  readonly sha: string;
  readonly event: string;
  /** `.github/workflows/release.yml` of the run. */
  readonly workflowFile: string;
  readonly workflowName: string;
  /** File that holds the job: differs from `workflowFile` in a called workflow, and is what the certificate names. */
  readonly jobWorkflowFile: string;
  readonly job: string;
  readonly environment?: string;
  readonly runId: string;
  readonly runAttempt: number;
  readonly actor: string;
  /** Scope -> access; what is absent is `none`. */
  readonly permissions: Readonly<Record<string, string>>;
}

/** Tokens of one job. The OIDC request URL is there only with `id-token: write`. */
export interface JobTokens {
  readonly githubToken: string;
  readonly requestUrl?: string;
  readonly requestToken?: string;
}

export interface WorkflowRunOptions {
  /** Bare git repository that is checked out. */
  readonly repositoryPath: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly ref: string;
  readonly sha: string;
  readonly event: { readonly name: string; readonly payload: unknown };
  /** Path of the workflow in the repository at `sha`. */
  readonly workflowFile: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly actor: string;
  readonly runId: string;
  readonly runAttempt?: number;
  /** `owner/name` of an action repository -> folder that holds it. */
  readonly actions: Readonly<Record<string, string>>;
  readonly apiUrl: string;
  readonly serverUrl: string;
  /** How stand-ins for public actions reach the API. Default: the global one. */
  readonly fetch?: typeof fetch;
  readonly issueJob: (job: JobRequest) => Promise<JobTokens>;
  /** Folder for workspaces, temporary files and artifacts of this run; must be empty or absent. */
  readonly folder: string;
  /** Environment of the machine (PATH, HOME, CA certificates). Nothing else is inherited. */
  readonly machine: Readonly<Record<string, string>>;
  readonly onEvent?: (event: RunnerEvent) => void;
  /** Awaited before a job starts: a place to bring what its machine needs. */
  readonly beforeJob?: (job: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

export type RunnerEvent =
  | { readonly kind: 'job-started'; readonly job: string }
  | { readonly kind: 'job-ended'; readonly job: string; readonly conclusion: Conclusion; readonly seconds: number }
  | { readonly kind: 'step-started'; readonly job: string; readonly step: string }
  | { readonly kind: 'line'; readonly job: string; readonly step: string; readonly text: string }
  | { readonly kind: 'step-ended'; readonly job: string; readonly step: StepRecord };

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped';

export interface StepRecord {
  readonly id?: string;
  readonly name: string;
  readonly outcome: Conclusion;
  readonly conclusion: Conclusion;
  readonly exitCode?: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  readonly log: readonly string[];
  readonly seconds: number;
}

export interface JobRecord {
  readonly id: string;
  readonly conclusion: Conclusion;
  readonly outputs: Readonly<Record<string, string>>;
  readonly steps: readonly StepRecord[];
  /** Jobs of a called workflow. */
  readonly jobs?: readonly JobRecord[];
}

export interface WorkflowRecord {
  readonly conclusion: Conclusion;
  readonly jobs: readonly JobRecord[];
}
