// SPDX-License-Identifier: Apache-2.0
// What is recorded about a build and its tests: parts of the evidence manifest, believed by nobody until they are checked and signed.
import type { Digest, FailureCode, RunEvent } from '@pratique/core';
import { fieldsOf, type Fields } from './json-fields.ts';
import { readIsolation } from './scan-run.ts';

/** What was built, from what, by what. Times are RFC 3339. */
export interface BuildFacts {
  readonly builder: { readonly id: string; readonly version: string };
  /** Semantic version of the image, where it has one. */
  readonly version?: string;
  /** URI of the source repository. */
  readonly source: string;
  /** Commit. */
  readonly revision: string;
  readonly created: string;
  /** Target stage of the Dockerfile. */
  readonly target?: string;
  readonly platforms: readonly { readonly platform: string; readonly digest: Digest; readonly configDigest: Digest }[];
  /** Base images and other things that went in. */
  readonly materials: readonly { readonly uri: string; readonly digest?: Digest }[];
  /** Names and values of build arguments; never secrets. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly isolation: 'none' | 'job';
  readonly run: RunEvent['run'];
}

/** How the test stage ended. */
export interface TestReport {
  readonly result: 'passed' | 'failed';
  readonly stage: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Digest of the whole output. */
  readonly output: Digest;
  /** The output's last lines. */
  readonly tail: string;
}

/** Reads build facts. Fails with `code`. */
export function readBuildFacts(value: unknown, where: string, code: FailureCode): BuildFacts {
  const fields = fieldsOf(value, where, code);
  const builder = fields.fields('builder');
  const run = fields.fields('run');
  const version = fields.optionalText('version');
  const target = fields.optionalText('target');
  return {
    builder: { id: builder.text('id'), version: builder.text('version') },
    ...(version === undefined ? {} : { version }),
    source: fields.text('source'),
    revision: fields.text('revision'),
    created: fields.time('created'),
    ...(target === undefined ? {} : { target }),
    platforms: fields.list('platforms').map((item) => ({ platform: item.text('platform'), digest: item.digest('digest'), configDigest: item.digest('configDigest') })),
    materials: fields.list('materials').map((item) => ({ uri: item.text('uri'), ...(item.optionalText('digest') === undefined ? {} : { digest: item.digest('digest') }) })),
    parameters: readParameters(value, fields),
    isolation: readIsolation(fields.text('isolation'), () => fields.invalid('isolation', 'none or job')),
    run: { uri: run.text('uri'), id: run.text('id'), attempt: run.count('attempt') ?? 1 },
  };
}

// Build arguments are kept to the letter: provenance must repeat them exactly.
function readParameters(value: unknown, fields: Fields): Record<string, string> {
  fields.optionalFields('parameters');
  const entries = Object.entries((value as { parameters?: Record<string, unknown> | null }).parameters ?? {});
  return Object.fromEntries(entries.map(([name, text]) => {
    if (typeof text !== 'string') throw fields.invalid(`parameters.${name}`, 'text');
    return [name, text];
  }));
}

/** Reads a test report. Fails with `code`. */
export function readTestReport(value: unknown, where: string, code: FailureCode): TestReport {
  const fields = fieldsOf(value, where, code);
  const result = fields.text('result');
  if (result !== 'passed' && result !== 'failed') throw fields.invalid('result', 'passed or failed');
  const { tail } = value as { tail?: unknown };
  if (typeof tail !== 'string') throw fields.invalid('tail', 'text');
  return { result, stage: fields.text('stage'), startedAt: fields.time('startedAt'), finishedAt: fields.time('finishedAt'), output: fields.digest('output'), tail };
}
