// SPDX-License-Identifier: Apache-2.0
// What people are shown is what the gate judges: the same scans, the same findings, the same reasons.
import type { Finding, FailureCode } from '@pratique/core';
import { expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { surveyFindings } from './finding-survey.ts';
import { amd64, arm64, critical, digest, given, hoursAgo, judge, medium, signedScan, type Change } from './sample.ts';

const seen = (change: Change): readonly (readonly [string, readonly string[], readonly FailureCode[]])[] =>
  surveyFindings(given(change)).findings.map(({ finding, platforms, reasons }) => [finding.id, platforms, reasons.map(({ code }) => code)]);
const scans = (findings: readonly Finding[]): NonNullable<Change['parts']> => ({ scanAmd64: () => [signedScan(amd64, { findings })], scanArm64: () => [signedScan(arm64, { findings: [medium] })] });
const exception = `exceptions: [{id: ${critical.id}, purl: 'pkg:deb/debian/openssl@3.0.11', owner: ann, reason: not reachable, added: 2026-11-20, expires: 2026-12-01, approver: bob}]`;
const both = ['linux/amd64', 'linux/arm64'];

test.each<readonly [string, Change, ReturnType<typeof seen>]>([
  ['worst first, with the platforms that have it; no rule speaks of the second', { parts: scans([medium, critical]) }, [[critical.id, ['linux/amd64'], ['GATE_FINDING_DENIED']], [medium.id, both, []]]],
  ['two scanners agree on one finding', { more: [signedScan(arm64, { scanner: { name: 'grype', version: '1' }, findings: [medium] })] }, [[medium.id, both, []]]],
  ['a valid exception applies', { parts: scans([critical]), exceptions: exception }, [[critical.id, ['linux/amd64'], ['GATE_FINDING_EXCEPTED']], [medium.id, ['linux/arm64'], []]]],
  ['an exception that nobody approved', { parts: scans([critical]), exceptions: exception, options: { approvals: () => 'unproven' } }, [[critical.id, ['linux/amd64'], ['GATE_FINDING_DENIED', 'POLICY_EXCEPTION_INVALID']], [medium.id, ['linux/arm64'], []]]],
  ['a scan by somebody without the role tells nothing', { more: [signedScan(amd64, { findings: [critical] }, { signer: judge, trustedTime: hoursAgo(0) })] }, [[medium.id, both, []]]],
  ['the newer scan of a scanner counts', { more: [signedScan(amd64, { findings: [critical] }, { trustedTime: hoursAgo(3) })] }, [[medium.id, both, []]]],
])('%s', (_, change, expected) => {
  expect(seen(change)).toEqual(expected);
  const judged = evaluate(given(change)).reasons.filter(({ finding }) => finding !== undefined).map(({ code }) => code);
  expect(expected.flatMap(([, , codes]) => codes.filter((code) => code.startsWith('GATE_FINDING')))).toEqual(judged);
});

test('without a believed scan there are no scans, which is not the same as no findings', () => {
  expect(surveyFindings(given({ trust: 'version: 1' }))).toEqual({ scans: [], findings: [] });
  expect(surveyFindings(given({ evidence: { platforms: [{ ...amd64, digest: digest('ee') }] } })).scans).toEqual([]);
});
