// SPDX-License-Identifier: Apache-2.0
import { Failure, type FailureCode } from '@pratique/core';
import type { EvidenceManifest } from '@pratique/scan';
import { describe, expect, test } from 'vitest';
import { requireOneSource } from './checks.ts';
import { predicateNames, readPredicateNames } from './predicate-names.ts';
import { renderMarkdown, summaryElements } from '../../../test/fixtures/rendered-markdown.ts';
import { summarize } from './summary.ts';

const commit = 'a'.repeat(40);
const annotations = { 'org.opencontainers.image.revision': commit, 'org.opencontainers.image.version': '1.2.0' };
const claims = { sha: commit, run_id: '77' };
const evidence: EvidenceManifest = {
  image: `sha256:${'1'.repeat(64)}`,
  build: {
    builder: { id: 'buildah', version: '1.39' }, version: '1.2.0', source: 'https://github.com/contoso/web', revision: commit, created: '2026-11-20T10:00:00Z',
    platforms: [], materials: [], parameters: {}, isolation: 'job', run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 },
  },
  tests: { result: 'passed', stage: 'test', startedAt: '2026-11-20T10:00:00Z', finishedAt: '2026-11-20T10:01:00Z', output: `sha256:${'2'.repeat(64)}`, tail: 'ok' },
  scans: [],
};

function codeOf(work: () => void): FailureCode | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}

describe('requireOneSource', () => {
  const { build, tests } = evidence;
  const failedTests = { ...evidence, ...(tests && { tests: { ...tests, result: 'failed' as const } }) };
  const { tests: _, ...untested } = evidence;
  const cases: readonly (readonly [string, { annotations?: Record<string, string>; evidence?: EvidenceManifest; claims?: Record<string, unknown> }, FailureCode | undefined])[] = [
    ['one commit, version and run', {}, undefined],
    ['no test stage', { evidence: untested }, undefined],
    ['failed tests', { evidence: failedTests }, 'BUILD_TESTS_FAILED'],
    ['a token of another commit', { claims: { ...claims, sha: 'b'.repeat(40) } }, 'SIGN_SOURCE_MISMATCH'],
    ['a token without commit', { claims: { run_id: '77' } }, 'SIGN_SOURCE_MISMATCH'],
    ['an image of another commit', { annotations: { ...annotations, 'org.opencontainers.image.revision': 'b'.repeat(40) } }, 'SIGN_SOURCE_MISMATCH'],
    ['an image that names no commit', { annotations: { 'org.opencontainers.image.version': '1.2.0' } }, 'SIGN_SOURCE_MISMATCH'],
    ['evidence of another commit', { evidence: { ...evidence, build: { ...build, revision: 'b'.repeat(40) } } }, 'SIGN_SOURCE_MISMATCH'],
    ['evidence of another version', { evidence: { ...evidence, build: { ...build, version: '1.3.0' } } }, 'SIGN_SOURCE_MISMATCH'],
    ['an image without the version of the evidence', { annotations: { 'org.opencontainers.image.revision': commit } }, 'SIGN_SOURCE_MISMATCH'],
    ['evidence of another run', { evidence: { ...evidence, build: { ...build, run: { ...build.run, id: '78' } } } }, 'SIGN_SOURCE_MISMATCH'],
  ];
  test.each(cases)('%s', (_name, given, code) => {
    expect(codeOf(() => requireOneSource(given.annotations ?? annotations, given.evidence ?? evidence, given.claims ?? claims))).toBe(code);
  });

  test('without evidence only the commit must agree', () => {
    expect(codeOf(() => requireOneSource(annotations, undefined, claims))).toBeUndefined();
    expect(codeOf(() => requireOneSource(annotations, undefined, { sha: 'b'.repeat(40) }))).toBe('SIGN_SOURCE_MISMATCH');
  });
});

describe('readPredicateNames', () => {
  test('absent means all', () => {
    expect([...readPredicateNames(undefined)]).toEqual([...predicateNames]);
  });

  test('a subset is taken', () => {
    expect([...readPredicateNames(['spdx', 'signature'])]).toEqual(['signature', 'spdx']);
  });

  test('a misspelt word is refused with the nearest one', () => {
    expect(() => readPredicateNames(['signatur'])).toThrowError(expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining('did you mean signature?') }));
  });
});

test('hostile text in the summary stays in its cell', () => {
  const image = { registry: 'localhost:5000', repository: 'web', digest: evidence.image };
  const signer = { kind: 'keyless', issuer: 'https://token.test', identity: 'x|<img src=x>\n# pwned', extensions: {} } as const;
  const summary = summarize({ image, signer, ownRoot: false, attested: [{ subject: image.digest, predicateType: 'https://x/|y\n|z', attestation: `sha256:${'3'.repeat(64)}`, reused: true, logIndex: '5' }] });
  expect(renderMarkdown(summary).elements.filter((name) => !summaryElements.has(name))).toEqual([]);
  expect(renderMarkdown(summary).addresses).toEqual([]);
  expect(summary).toContain("--certificate-identity 'x|<img src=x> # pwned'");
  expect(summary).toContain('1 of them from an earlier attempt');
});
