// SPDX-License-Identifier: Apache-2.0
// The one error type: what failed on which object, how to mend it, and the exit status that follows.
import type { FailureCodeEntry, FailureKind } from './codes/entry.ts';
import { failureCodes } from './codes/index.ts';
import { redact, redactJson } from './redact.ts';

export { failureCodes, type FailureCodeEntry, type FailureKind };

/** Every code there is; docs/errors.md is generated from the same table. */
export type FailureCode = keyof typeof failureCodes;

/** JSON-safe details. They go through the redactor before they are kept. */
export type Facts = Readonly<Record<string, unknown>>;

/** Exit status by kind. 0 is success. */
export const exitStatus: Readonly<Record<FailureKind, number>> = { defect: 1, usage: 2, refused: 3, unavailable: 4 };

export interface FailureOptions {
  readonly code: FailureCode;
  /** What failed, on which object. */
  readonly message: string;
  /** What to do now, with the exact command where there is one. */
  readonly hint?: string;
  readonly facts?: Facts;
  readonly cause?: unknown;
}

/** A step could not do what was asked. Refusals of the gate are verdicts, not failures, until a host turns them into an exit status. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly hint: string | undefined;
  readonly facts: Facts;

  constructor(options: FailureOptions) {
    super(redact(options.message), options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = options.code;
    this.hint = options.hint === undefined ? undefined : redact(options.hint);
    this.facts = redactJson(options.facts ?? {}) as Facts;
  }

  get kind(): FailureKind {
    return failureCodes[this.code].kind;
  }

  get exitStatus(): number {
    return exitStatus[this.kind];
  }
}

/** Turns whatever was thrown into a `Failure`; what nobody expected becomes `INTERNAL_DEFECT`. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure({ code: 'INTERNAL_DEFECT', message, cause: thrown });
}

/** The messages of an error and all its causes, outermost first, redacted; at most 20. */
export function causeChain(thrown: unknown): string[] {
  const chain: string[] = [];
  for (let error = thrown; error !== undefined && error !== null && chain.length < 20; ) {
    if (!(error instanceof Error)) {
      chain.push(redact(String(error)));
      break;
    }
    chain.push(redact(error instanceof Failure ? `${error.code}: ${error.message}` : `${error.name}: ${error.message}`));
    error = error.cause;
  }
  return chain;
}
