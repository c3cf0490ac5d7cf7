// SPDX-License-Identifier: Apache-2.0
// How an end that is not success is told: the same parts for every host.
import { causeChain, exitStatus, failureCodes, redact, type Failure, type FailureCode } from '@pratique/core';
import { fence, prose, type StepResult } from '@pratique/step';

/** What a host prints when a step refused or failed. */
export interface Ending {
  readonly code: FailureCode;
  readonly exitStatus: number;
  readonly message: string;
  readonly hint: string | undefined;
  /** Facts and causes, line by line; empty for a refusal. */
  readonly details: readonly string[];
}

type Result = StepResult<Readonly<Record<string, string>>>;

/** The end of a run that gave a result; `undefined` when it went well. */
export function endingOf({ refusal, failure }: Result): Ending | undefined {
  if (failure !== undefined) return endingOfFailure(failure);
  return refusal === undefined ? undefined : endingOfRefusal(refusal);
}

/** The answer was no. */
function endingOfRefusal(refusal: NonNullable<Result['refusal']>): Ending {
  return { code: refusal.code, exitStatus: exitStatus.refused, message: redact(refusal.message), hint: refusal.hint === undefined ? undefined : redact(refusal.hint), details: [] };
}

/** The end of a run that could not decide. Without a hint of its own, the failure gets the one of its code. */
export function endingOfFailure(failure: Failure): Ending {
  const causes = causeChain(failure.cause).map((line) => `because ${line}`);
  const stack = failure.kind === 'defect' && failure.cause instanceof Error ? redact(failure.cause.stack ?? '').split('\n').slice(1, 8).map((line) => line.trim()) : [];
  return { code: failure.code, exitStatus: failure.exitStatus, message: failure.message, hint: failure.hint ?? failureCodes[failure.code].mend, details: [...factLines(failure), ...causes, ...stack] };
}

/** What the message does not say already. */
function factLines({ facts, message }: Failure): string[] {
  const told = (name: string, value: unknown): boolean => name === 'problems' || (typeof value === 'string' && message.includes(value));
  return Object.entries(facts).filter(([name, value]) => !told(name, value)).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}

/** Where the code is explained, as a link on GitHub, else as a path in the repository. */
export function explanationOf(code: FailureCode, site?: string): string {
  return `${site === undefined ? '' : `${site}/`}docs/errors.md#${code.toLowerCase()}`;
}

const mostLines = 40;

/** The end as a Markdown section for a summary. What follows the first line of a hint is a command, to be copied. */
export function endingMarkdown(title: string, ending: Ending, site?: string): string {
  const message = ending.message.split('\n');
  const [todo = '', ...command] = (ending.hint ?? '').split('\n');
  return [
    `## ❌ ${prose(title)}: ${ending.code}`, '', ...message.slice(0, mostLines).map((line) => `${prose(line)}  `), ...(message.length > mostLines ? [`and ${message.length - mostLines} more lines, in the log`] : []),
    ...(todo === '' ? [] : ['', `**What to do:** ${prose(todo)}`]), '', ...(command.length === 0 ? [] : fence(command, 'sh')),
    `[${ending.code}](${explanationOf(ending.code, site)})`, '',
  ].join('\n');
}
