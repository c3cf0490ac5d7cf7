// SPDX-License-Identifier: Apache-2.0
// How an end that is not success is told: the same parts for every host.
import { causeChain, escapeMarkdown, exitStatus, failureCodes, redact, type Facts, type Failure, type FailureCode } from '@pratique/core';
import type { StepResult } from '@pratique/step';

/** What a host prints when a step refused or failed. */
export interface Ending {
  readonly code: FailureCode;
  readonly exitStatus: number;
  readonly message: string;
  readonly hint: string | undefined;
  /** Facts and causes, line by line; empty for a refusal. */
  readonly details: readonly string[];
}

type Refusal = NonNullable<StepResult<Readonly<Record<string, string>>>['refusal']>;

/** The end of a run that answered no. */
export function endingOfRefusal(refusal: Refusal): Ending {
  return { code: refusal.code, exitStatus: exitStatus.refused, message: redact(refusal.message), hint: refusal.hint === undefined ? undefined : redact(refusal.hint), details: [] };
}

/** The end of a run that could not decide. Without a hint of its own, the failure gets the one of its code. */
export function endingOfFailure(failure: Failure): Ending {
  const causes = causeChain(failure.cause).map((line) => `because ${line}`);
  const stack = failure.kind === 'defect' && failure.cause instanceof Error ? redact(failure.cause.stack ?? '').split('\n').slice(1, 8).map((line) => line.trim()) : [];
  return { code: failure.code, exitStatus: failure.exitStatus, message: failure.message, hint: failure.hint ?? failureCodes[failure.code].mend, details: [...factLines(failure.facts), ...causes, ...stack] };
}

function factLines(facts: Facts): string[] {
  // The message lists the problems already.
  return Object.entries(facts).filter(([name]) => name !== 'problems').map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}

/** Where the code is explained, as a link on GitHub, else as a path in the repository. */
export function explanationOf(code: FailureCode, site?: string): string {
  return `${site === undefined ? '' : `${site}/`}docs/errors.md#${code.toLowerCase()}`;
}

/** The end as a Markdown section for a summary. */
export function endingMarkdown(title: string, ending: Ending, site?: string): string {
  const lines = [`## ${escapeMarkdown(title)}: ${ending.code}`, '', ...ending.message.split('\n').map((line) => `${escapeMarkdown(line)}  `)];
  return [...lines, ...(ending.hint ? ['', `**What to do:** ${escapeMarkdown(ending.hint)}`] : []), '', `[${ending.code}](${explanationOf(ending.code, site)})`, ''].join('\n');
}
