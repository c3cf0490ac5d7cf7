// SPDX-License-Identifier: Apache-2.0
// Runs a step as a GitHub action.
import process from 'node:process';
import { addSecret, asFailure } from '@pratique/core';
import { githubTokenInput, parseInputs, type Step } from '@pratique/step';
import { runCancellable } from './cancellation.ts';
import { createNodeContext } from './context.ts';
import { endingMarkdown, endingOf, endingOfFailure } from './ending.ts';
import { documentationSite, readGivenInputs, requestIdentity, writeOutputs, writeSummary } from './github-files.ts';
import { createGitHubLog, printEnding } from './github-log.ts';
import { issueCommand } from './workflow-command.ts';

/**
 * Runs `step` with the inputs of the environment: outputs and summary are written first, then the end is printed, then the exit
 * status is set (0, or that of the failure's kind: defect 1, usage 2, refused 3, unavailable 4).
 */
export async function runOnGitHub(step: Step): Promise<void> {
  const env = process.env;
  const site = documentationSite(env);
  try {
    const given = readGivenInputs(env, step.inputs);
    const ending = endingOf(await runCancellable((signal) => runStep(step, given, signal)));
    if (ending === undefined) return leave(0);
    await printEnding(ending, site);
    leave(ending.exitStatus);
  } catch (thrown) {
    const ending = endingOfFailure(asFailure(thrown));
    await writeSummary(env, endingMarkdown(step.name, ending, site));
    await printEnding(ending, site);
    leave(ending.exitStatus);
  }
}

async function runStep(step: Step, given: Readonly<Record<string, string>>, signal: AbortSignal) {
  const env = process.env;
  const { [githubTokenInput]: givenToken, ...own } = given;
  const inputs = parseInputs(step.inputs, own);
  // The token comes as an input, since GitHub puts none into the environment of an action.
  const token = givenToken || env['GITHUB_TOKEN'];
  if (token) hide(token);
  await using ctx = await createNodeContext({
    workspace: env['GITHUB_WORKSPACE'] ?? process.cwd(), env, signal, token, log: createGitHubLog(), mask: hide, identity: (audience) => requestIdentity(env, audience),
  });
  const result = await step.run(inputs, ctx);
  writeOutputs(env, step, result);
  await writeSummary(env, result.summary);
  return result;
}

/** Hides a secret line by line: the runner's mask does not match across lines. */
function hide(secret: string): void {
  addSecret(secret);
  for (const line of secret.split(/\r?\n/)) if (line.trim() !== '') issueCommand('add-mask', line);
}

/** Sets the exit status and ends. A library that still holds a socket gets two seconds, then the process ends anyway. */
function leave(status: number): void {
  process.exitCode = status;
  setTimeout(() => process.exit(status), 2000).unref();
}
