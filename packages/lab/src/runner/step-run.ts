// SPDX-License-Identifier: Apache-2.0
// Runs one step of a job: a script, a JavaScript action from its committed dist, or one of the built-in stand-ins.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Failure, isJsonObject } from '@pratique/core';
import { load } from 'js-yaml';
import { builtinActions } from './builtin-actions.ts';
import { asText, evaluateCondition, expand, type ExpressionContexts, type Status } from './expressions.ts';
import { createCommandFiles, LineCommands, readCommandFiles, type CommandFileContent } from './file-commands.ts';
import { runProcess } from './process.ts';
import type { Conclusion, StepRecord, WorkflowRunOptions } from './run.ts';
import type { WorkflowStep } from './workflow-file.ts';

/** What the steps of one job share. */
export interface JobMachine {
  readonly options: WorkflowRunOptions;
  readonly job: string;
  readonly workspace: string;
  readonly temp: string;
  readonly artifacts: string;
  readonly githubToken: string;
  /** GITHUB_*, RUNNER_*, tokens, and what earlier steps exported. */
  readonly env: Record<string, string>;
  readonly masks: Set<string>;
  /** Contexts without `env`, which grows step by step. */
  readonly contexts: ExpressionContexts;
  /** `env:` of workflow and job, expanded. */
  readonly declaredEnv: Readonly<Record<string, string>>;
}

const empty: CommandFileContent = { outputs: {}, env: {}, path: [], summary: '' };

/** Runs the step unless its `if` says no. Exported variables and paths are added to the machine. */
export async function runStep(step: WorkflowStep, index: number, machine: JobMachine & { readonly status: Status }): Promise<StepRecord> {
  const started = performance.now();
  const env = { ...machine.env, ...machine.declaredEnv };
  const contexts = { ...machine.contexts, env };
  const name = asText(await expand(step.name ?? step.uses ?? `Run ${(step.run ?? '').split('\n')[0] ?? ''}`, contexts));
  const base = { ...(step.id === undefined ? {} : { id: step.id }), name };
  if (!(await evaluateCondition(step.if, contexts, machine.status))) {
    return { ...base, outcome: 'skipped', conclusion: 'skipped', outputs: {}, summary: '', annotations: [], log: [], seconds: 0 };
  }
  machine.options.onEvent?.({ kind: 'step-started', job: machine.job, step: name });
  const log: string[] = [];
  const commands = new LineCommands(machine.masks);
  const onLine = (line: string): void => {
    const text = commands.read(line);
    if (text === undefined) return;
    log.push(text);
    machine.options.onEvent?.({ kind: 'line', job: machine.job, step: name, text });
  };
  const result = await execute({ step, index, machine, env, contexts, onLine });
  Object.assign(machine.env, result.written.env);
  if (result.written.path.length > 0) machine.env['PATH'] = [...result.written.path.toReversed(), machine.env['PATH'] ?? ''].join(':');
  const outcome: Conclusion = machine.options.signal?.aborted ? 'cancelled' : result.exitCode === 0 ? 'success' : 'failure';
  const forgiven = outcome === 'failure' && asText(await expand(step['continue-on-error'] ?? false, contexts)) === 'true';
  return {
    ...base, outcome, conclusion: forgiven ? 'success' : outcome, exitCode: result.exitCode, outputs: result.written.outputs,
    summary: commands.mask(result.written.summary), annotations: commands.annotations, log, seconds: (performance.now() - started) / 1000,
  };
}

interface Execution {
  readonly step: WorkflowStep;
  readonly index: number;
  readonly machine: JobMachine;
  readonly env: Readonly<Record<string, string>>;
  readonly contexts: ExpressionContexts;
  readonly onLine: (line: string) => void;
}

async function execute(execution: Execution): Promise<{ exitCode: number; written: CommandFileContent }> {
  const { step, machine, contexts, onLine } = execution;
  const builtin = step.uses === undefined ? undefined : builtinActions[step.uses.split('@')[0] ?? ''];
  if (builtin) {
    const inputs = await textMap(step.with, contexts);
    try {
      const { options } = machine;
      const job = { repository: options.repository, ref: options.ref, token: machine.githubToken, apiUrl: options.apiUrl };
      const outputs = await builtin(inputs, { workspace: machine.workspace, repository: options.repositoryPath, sha: options.sha, artifacts: machine.artifacts, job, fetch: options.fetch ?? fetch, log: onLine });
      return { exitCode: 0, written: { ...empty, outputs } };
    } catch (error) {
      onLine(`::error::${error instanceof Error ? error.message.replace(/\r?\n/g, '%0A') : String(error)}`);
      return { exitCode: 1, written: empty };
    }
  }
  const files = await createCommandFiles(join(machine.temp, `step-${execution.index}`));
  const own = await textMap(step.env, contexts);
  const program = step.uses === undefined ? await scriptOf(execution) : await actionOf(execution);
  const exitCode = await runProcess({
    ...program, env: { ...execution.env, ...own, ...files, ...program.env }, onLine,
    timeoutSeconds: (step['timeout-minutes'] ?? 30) * 60, signal: machine.options.signal ?? new AbortController().signal,
  });
  return { exitCode, written: await readCommandFiles(files) };
}

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

async function scriptOf({ step, index, machine, contexts }: Execution): Promise<Program> {
  const path = join(machine.temp, `script-${index}.sh`);
  await writeFile(path, asText(await expand(step.run ?? '', contexts)));
  const folder = resolve(machine.workspace, asText(await expand(step['working-directory'] ?? '.', contexts)));
  // https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#jobsjob_idstepsshell
  const args = step.shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail', path] : ['-e', path];
  return { file: step.shell === 'sh' ? 'sh' : 'bash', args, cwd: folder, env: {} };
}

async function actionOf({ step, machine, contexts }: Execution): Promise<Program> {
  const folder = actionFolder(step.uses ?? '', machine);
  const text = await readFile(join(folder, 'action.yml'), 'utf8').catch((cause: unknown) => {
    throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${step.uses} has no action.yml at ${folder}`, cause });
  });
  const manifest: unknown = load(text);
  const runs = isJsonObject(manifest) && isJsonObject(manifest['runs']) ? manifest['runs'] : {};
  if (runs['using'] !== 'node24' || typeof runs['main'] !== 'string') {
    throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${step.uses} is not a node24 action` });
  }
  const declared = isJsonObject(manifest) && isJsonObject(manifest['inputs']) ? manifest['inputs'] : {};
  const defaults = Object.fromEntries(Object.entries(declared).map(([name, input]) => [name, isJsonObject(input) ? input['default'] : undefined]));
  const inputs = await textMap({ ...defaults, ...step.with }, contexts);
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]));
  return { file: process.execPath, args: [join(folder, runs['main'])], cwd: machine.workspace, env: { ...env, GITHUB_ACTION_PATH: folder } };
}

function actionFolder(uses: string, machine: JobMachine): string {
  if (uses.startsWith('./')) return resolve(machine.workspace, uses);
  const [owner = '', name = '', ...path] = (uses.split('@')[0] ?? '').split('/');
  const folder = machine.options.actions[`${owner}/${name}`];
  if (folder !== undefined) return join(folder, ...path);
  throw new Failure({ code: 'LAB_WORKFLOW_INVALID', message: `${uses} cannot be fetched here`, hint: 'The lab runs the actions of this project, checkout, upload-artifact, download-artifact and upload-sarif.' });
}

async function textMap(values: Readonly<Record<string, unknown>> | undefined, contexts: ExpressionContexts): Promise<Record<string, string>> {
  const entries = await Promise.all(Object.entries(values ?? {}).map(async ([key, value]) => [key, asText(await expand(value, contexts))] as const));
  return Object.fromEntries(entries);
}

/** Folders of a job's machine, made. */
export async function prepareFolders(folder: string, repository: string): Promise<{ workspace: string; temp: string; home: string }> {
  const name = repository.split('/')[1] ?? 'repository';
  const folders = { workspace: join(folder, 'work', name, name), temp: join(folder, 'temp'), home: join(folder, 'home') };
  await Promise.all(Object.values(folders).map((path) => mkdir(path, { recursive: true })));
  return folders;
}
