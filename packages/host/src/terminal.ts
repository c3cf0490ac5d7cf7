// SPDX-License-Identifier: Apache-2.0
// Runs a step in a terminal, for people and, with json, for programs.
import process from 'node:process';
import { asFailure } from '@pratique/core';
import { githubTokenInput, parseInputs, type Step, type StepResult } from '@pratique/step';
import { runCancellable } from './cancellation.ts';
import { createNodeContext, type NodeContextOptions } from './context.ts';
import { endingOf, endingOfFailure, explanationOf, type Ending } from './ending.ts';
import { cleanLines, createTextLog } from './log.ts';
import { summaryText } from './summary-text.ts';

/** How a terminal run is shown. Progress always goes to standard error. */
export interface TerminalOptions extends Omit<NodeContextOptions, 'print' | 'log' | 'signal'> {
  /** Standard output gets one JSON object `{ outputs, refusal, failure }` and nothing else. */
  readonly json?: boolean;
  /** Default: standard output. */
  readonly out?: (text: string) => void;
  /** Default: standard error. */
  readonly err?: (text: string) => void;
}

type Result = StepResult<Readonly<Record<string, string>>>;

/** Runs `step` with inputs by name and returns the exit status (0; defect 1, usage 2, refused 3, unavailable 4). */
export async function runInTerminal(step: Step, given: Readonly<Record<string, string | undefined>>, options: TerminalOptions = {}): Promise<number> {
  const out = options.out ?? ((text) => process.stdout.write(text));
  const err = options.err ?? ((text) => process.stderr.write(text));
  const colour = usesColour(options.env ?? process.env);
  let result: Result | undefined;
  let ending: Ending | undefined;
  try {
    result = await runCancellable((signal) => runStep(step, given, { ...options, signal, log: createTextLog((line) => err(`${line}\n`), colour) }));
    ending = endingOf(result);
  } catch (thrown) {
    ending = endingOfFailure(asFailure(thrown));
  }
  if (options.json === true) out(`${toJson(result, ending)}\n`);
  else if (result !== undefined) out(toText(result));
  if (ending !== undefined) err(formatEnding(options.json === true ? ending : afterSummary(ending, result), colour));
  return ending?.exitStatus ?? 0;
}

async function runStep(step: Step, given: Readonly<Record<string, string | undefined>>, options: NodeContextOptions): Promise<Result> {
  const { [githubTokenInput]: givenToken, ...own } = given;
  const inputs = parseInputs(step.inputs, own);
  await using ctx = await createNodeContext({ ...options, token: givenToken ?? options.token ?? (options.env ?? process.env)['GITHUB_TOKEN'] });
  return await step.run(inputs, ctx);
}

/** The summary of a refusal has listed its reasons already. */
function afterSummary(ending: Ending, result: Result | undefined): Ending {
  return result?.refusal === undefined ? ending : { ...ending, message: ending.message.split('\n', 1)[0]?.replace(/:$/, '') ?? '' };
}

function toJson(result: Result | undefined, ending: Ending | undefined): string {
  const told = ending === undefined ? undefined : { code: ending.code, message: ending.message, hint: ending.hint, details: ending.details };
  const refused = result?.refusal !== undefined;
  return JSON.stringify({ outputs: result?.outputs ?? {}, refusal: refused ? told : undefined, failure: refused ? undefined : told }, undefined, 2);
}

function toText(result: Result): string {
  const outputs = Object.entries(result.outputs).filter(([, value]) => value).map(([name, value]) => `${name}=${value}`);
  return `${[...cleanLines(summaryText(result.summary)), '', ...outputs].join('\n')}\n`;
}

/** The end as text: code and message, details indented, what to do, where it is explained. */
export function formatEnding(ending: Ending, colour: boolean): string {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const details = ending.details.flatMap(cleanLines).map((line) => paint(2, `    ${line}`));
  const lines = [`${paint(31, ending.code)}: ${cleanLines(ending.message).join('\n')}`, ...details, ...(ending.hint ? [`${paint(36, 'what to do')}: ${cleanLines(ending.hint).join('\n')}`] : []), paint(2, `see ${explanationOf(ending.code)}`)];
  return `${lines.join('\n')}\n`;
}

/** no-color.org: any value of NO_COLOR switches colours off; otherwise they are for terminals. */
function usesColour(env: Readonly<Record<string, string | undefined>>): boolean {
  return !env['NO_COLOR'] && process.stderr.isTTY;
}
