// SPDX-License-Identifier: Apache-2.0
// in-toto test-result v0.1 (https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md).
import type { Digest } from '@pratique/core';
import { digestSet } from './statement.ts';

/** What is known of a test stage. */
export interface TestFacts {
  readonly result: 'passed' | 'failed';
  /** Stage of the Dockerfile. */
  readonly stage: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Digest of the whole output. */
  readonly output: Digest;
  /** URI of the source repository, and its commit. */
  readonly source: string;
  readonly revision: string;
}

/** The predicate. The stage counts as one test; what ran inside is in the output, whose digest is kept. */
export function testResultPredicate(tests: TestFacts): object {
  const passed = tests.result === 'passed';
  return {
    result: passed ? 'PASSED' : 'FAILED',
    configuration: [{ name: `stage ${tests.stage}`, uri: tests.source, digest: { gitCommit: tests.revision } }],
    passedTests: passed ? [tests.stage] : [],
    warnedTests: [],
    failedTests: passed ? [] : [tests.stage],
    output: { digest: digestSet(tests.output) },
    startedAt: tests.startedAt,
    finishedAt: tests.finishedAt,
  };
}
