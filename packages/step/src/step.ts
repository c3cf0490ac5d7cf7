// SPDX-License-Identifier: Apache-2.0
// A step is a value: a contract of inputs and outputs, and `run(inputs, ctx)`.
import { Failure, nearest, type Context, type FailureCode } from '@pratique/core';
import { problemOf, type InputKind } from './kinds.ts';

/** Inputs of a step by name (kebab-case, as in a workflow). */
export type InputContract = Readonly<Record<string, InputKind<unknown>>>;

/** Outputs of a step: name -> description. */
export type OutputContract = Readonly<Record<string, string>>;

/** What the step receives. */
export type InputValues<I extends InputContract> = { readonly [K in keyof I]: I[K] extends InputKind<infer T> ? T : never };

/** What a run gives back, also when it refuses. Hosts write outputs and summary before they set the exit status. */
export interface StepResult<O extends OutputContract> {
  /** An absent output is written as empty string. */
  readonly outputs: { readonly [K in keyof O]?: string };
  /** Markdown for the job summary; hostile text in it is already escaped. */
  readonly summary: string;
  /** Set when the answer is no: the host ends with exit status 3 and prints this. */
  readonly refusal?: { readonly code: FailureCode; readonly message: string; readonly hint?: string };
  /** Set when it failed and still has something to show: the host ends as if it had been thrown. */
  readonly failure?: Failure;
}

/** One permission that a workflow job needs for the step, with the reason. */
export interface StepPermission {
  readonly scope: string;
  readonly access: 'read' | 'write';
  readonly reason: string;
}

export interface Step<I extends InputContract = InputContract, O extends OutputContract = OutputContract> {
  /** Kebab-case; folder of the action and word of the CLI. */
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  readonly icon: string;
  readonly inputs: I;
  readonly outputs: O;
  readonly permissions: readonly StepPermission[];
  run(inputs: InputValues<I>, ctx: Context): Promise<StepResult<O>>;
}

/** Declares a step; everything else (parsing, action.yml, tables, flags, schemas) is derived from the value. */
export function defineStep<const I extends InputContract, const O extends OutputContract>(step: Step<I, O>): Step<I, O> {
  return step;
}

/**
 * Reads all inputs at once. Empty string = absent.
 * Fails with `INPUT_UNKNOWN` (naming the nearest input) or `INPUT_INVALID`; all problems are reported together.
 */
export function parseInputs<I extends InputContract>(contract: I, given: Readonly<Record<string, string | undefined>>): InputValues<I> {
  const unknown = Object.keys(given).filter((name) => given[name] !== undefined && given[name] !== '' && !Object.hasOwn(contract, name));
  const problems = unknown.map((name) => {
    const near = nearest(name, Object.keys(contract));
    return `${name}: there is no such input${near ? `; did you mean ${near}?` : ''}`;
  });
  const values: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(contract)) {
    const text = given[name]?.trim();
    try {
      values[name] = kind.read(text === '' ? undefined : text);
    } catch (thrown) {
      problems.push(`${name}: ${problemOf(thrown)}`);
    }
  }
  if (problems.length === 0) return values as InputValues<I>;
  throw new Failure({
    code: unknown.length > 0 ? 'INPUT_UNKNOWN' : 'INPUT_INVALID',
    message: problems.length === 1 ? `input ${problems[0]}` : `${problems.length} inputs cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    facts: { problems },
  });
}
