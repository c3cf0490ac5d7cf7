// SPDX-License-Identifier: Apache-2.0
// What goes in and out of a GitHub step by variables and files: inputs, outputs, summary, identity.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { EOL } from 'node:os';
import { addSecret, Failure } from '@pratique/core';
import type { InputContract, Step, StepResult } from '@pratique/step';
import type { Environment } from './environment.ts';

/**
 * The inputs that were given, under the names of the contract. GitHub upper-cases names and turns spaces into underscores;
 * one that the contract does not know keeps its lower-cased name, so that it is reported as unknown.
 */
export function readGivenInputs(env: Environment, contract: InputContract): Record<string, string> {
  const names = new Map(Object.keys(contract).map((name) => [name.replaceAll(' ', '_').toUpperCase(), name]));
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('INPUT_') || value === undefined) continue;
    const name = variable.slice('INPUT_'.length);
    given[names.get(name) ?? name.toLowerCase()] = value;
  }
  return given;
}

/**
 * Writes every output that the contract declares; one that the run did not set is empty. All in one write, so that a run that is killed tells all or nothing
 * (@actions/core writes one after the other). The heredoc delimiter is random.
 */
export function writeOutputs(env: Environment, step: Step, result: StepResult<Readonly<Record<string, string>>>): void {
  const { GITHUB_OUTPUT: file } = env;
  const blocks = Object.keys(step.outputs).map((name) => {
    const mark = `ghadelimiter_${randomUUID()}`;
    return `${name}<<${mark}${EOL}${result.outputs[name] ?? ''}${EOL}${mark}${EOL}`;
  });
  if (file) appendFileSync(file, blocks.join(''));
}

// GitHub drops the whole summary of a step over 1 MiB; what is written stays well below.
const summaryBudget = 900 * 1024;

/** Appends Markdown to the job summary, cut at a line when it is over the budget. Without a summary file nothing happens. */
export async function writeSummary(env: Environment, markdown: string): Promise<void> {
  const file = env['GITHUB_STEP_SUMMARY'];
  if (file && markdown !== '') await appendFile(file, `${fitSummary(markdown)}\n`);
}

/** `markdown`, or as many whole lines of it as the budget holds (bytes of UTF-8), and a line that says so. */
export function fitSummary(markdown: string, budget = summaryBudget): string {
  if (Buffer.byteLength(markdown) <= budget) return markdown;
  const note = (lines: number): string => `\n\n**The summary was longer than GitHub shows: ${lines} lines are left out. The outputs and the log of the step hold the rest.**\n`;
  const lines = markdown.split('\n').length;
  const head = Buffer.from(markdown).subarray(0, budget - note(lines).length).toString('utf8');
  const whole = head.slice(0, head.lastIndexOf('\n') + 1);
  return whole + note(lines - whole.split('\n').length);
}

/** An OIDC token of the run. @actions/core masks it in the log and repeats 502 to 504. Fails with `IDENTITY_UNAVAILABLE`. */
export async function requestIdentity(env: Environment, audience: string): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken } = env;
  // The runner hides it in logs, and nobody hides it in summaries and outputs.
  if (requestToken) addSecret(requestToken);
  if (!address || !requestToken) {
    throw new Failure({ code: 'IDENTITY_UNAVAILABLE', message: 'the job may not ask GitHub for an OIDC token', hint: 'Give the job "permissions: id-token: write". Runs for pull requests from forks never get it.' });
  }
  // @actions/core appends "&audience=", which is part of the path when the address has no query.
  if (!address.includes('?')) throw new Failure({ code: 'IDENTITY_UNAVAILABLE', message: 'ACTIONS_ID_TOKEN_REQUEST_URL has no query, so no audience can be asked for', hint: 'Whoever stands in for GitHub must end it with, for example, ?api-version=2.0.' });
  try {
    // Loaded at use and not above: a start that fails at its inputs needs nothing of it (see workflow-command.ts).
    const { getIDToken } = await import('@actions/core');
    return await getIDToken(audience);
  } catch (cause) {
    throw new Failure({ code: 'IDENTITY_UNAVAILABLE', message: `GitHub issued no OIDC token for the audience ${audience}`, hint: 'Run it again; look at githubstatus.com when it stays so.', cause });
  }
}

/** Where docs/errors.md stands for this run: the repository and ref that the workflow names after `uses:`. */
export function documentationSite(env: Environment): string | undefined {
  const { GITHUB_ACTION_REPOSITORY: repository, GITHUB_ACTION_REF: ref, GITHUB_SERVER_URL: server = 'https://github.com' } = env;
  return repository && ref ? `${server}/${repository}/blob/${ref}` : undefined;
}
