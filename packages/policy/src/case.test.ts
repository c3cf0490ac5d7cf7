// SPDX-License-Identifier: Apache-2.0
// Who may say what, which statement is the newest, and what a policy asks for.
import { predicateTypes, type TrustRole, type VerifiedStatement } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { credible, mayState, newest, reason, requires, whyNothing } from './case.ts';
import { parsePolicy, type EvidenceKind } from './policy-file.ts';
import { trustRoles } from './trust-file.ts';
import { digest, given, hoursAgo, image, judge, statement } from './sample.ts';

const { signature, provenance, tests, scan, vulnerabilities, cyclonedx, spdx, verdict } = predicateTypes;

test.each<readonly [string, readonly TrustRole[]]>([
  [signature, ['build']], [provenance, ['build']], [tests, ['build']], [scan, ['scan']], [vulnerabilities, ['scan']], [cyclonedx, ['build', 'scan']], [spdx, ['build', 'scan']], [verdict, ['gate']],
  ['https://example.com/other', []], ['constructor', []],
])('%s may be stated by %j alone', (type, roles) => {
  expect(trustRoles.filter((role) => mayState(type, [role]))).toEqual(roles);
  expect(mayState(type, trustRoles)).toBe(roles.length > 0);
  expect(mayState(type, [])).toBe(false);
});

describe('what counts on a subject', () => {
  const at = (...statements: VerifiedStatement[]) => given({ evidence: { statements } });
  const mine = statement(image.digest, signature, {});
  test.each<readonly [string, VerifiedStatement, boolean]>([
    ['by its role', mine, true],
    ['on another subject', { ...mine, subject: digest('99') }, false],
    ['of another type', { ...mine, predicateType: tests }, false],
    ['by another role', { ...mine, signer: judge }, false],
    ['by another role that once held it', { ...mine, signer: judge, roles: ['build'] }, false],
  ])('a statement %s: %s', (_, one, counts) => {
    expect(credible(at(one), image.digest, [signature]).length === 1).toBe(counts);
  });
  test('nothing seen is not explained', () => {
    expect(whyNothing(at(), image.digest, [signature])).toBe('');
  });
});

test('the newest are all that share the latest time', () => {
  const [old, one, other] = [3, 1, 1].map((hours) => statement(image.digest, tests, {}, { trustedTime: hoursAgo(hours) })) as [VerifiedStatement, VerifiedStatement, VerifiedStatement];
  expect(newest([one, old, other])).toEqual([one, other]);
  expect(newest([])).toEqual([]);
});

test.each<readonly [string, EvidenceKind, boolean]>([
  ['evidence: {require: [tests]}', 'tests', true],
  ['evidence: {require: [tests]}', 'signature', false],
  ['evidence: {require: []}', 'scan', true],
  ['evidence: {require: []}\nfindings: []', 'scan', false],
  ['evidence: {require: []}\nfindings: [{name: a, severity: [low], effect: warn}]', 'scan', false],
  ['evidence: {require: [scan]}\nfindings: []', 'scan', true],
])('%j requires %s: %s', (text, kind, wanted) => {
  expect(requires(parsePolicy(text), kind)).toBe(wanted);
});

test('a reason denies, is mended as its code says, and stands where the policy has its rule', () => {
  const at = { file: 'policy.yaml', line: 3, column: 9 };
  const base = { code: 'GATE_SCAN_EMPTY', rule: 'r', subject: 's', message: 'm', at } as const;
  expect(reason(base)).toEqual({ effect: 'deny', code: 'GATE_SCAN_EMPTY', rule: 'r', subject: 's', message: 'm', mend: expect.stringMatching(/./), policy: { file: 'policy.yaml', line: 3 } });
  expect(reason({ ...base, effect: 'warn', mend: 'so' })).toMatchObject({ effect: 'warn', mend: 'so' });
});
