// SPDX-License-Identifier: Apache-2.0
// Which scans of a platform count, to the millisecond.
import { predicateTypes, type VerifiedStatement } from '@pratique/core';
import { expect, test } from 'vitest';
import { amd64, given, hoursAgo, now, signedScan, statement } from './sample.ts';
import { chooseScans, isFresh, isWithin } from './scan-choice.ts';

test.each<readonly [string, number, boolean]>([
  ['now', 0, true], ['an hour ago', 3_600_000, true], ['two hours ago', 7_200_000, true], ['a moment longer ago', 7_200_001, false],
  ['in five minutes', -300_000, true], ['a moment later', -300_001, false], ['a day later', -86_400_000, false],
])('%s lies within two hours: %s', (_, age, within) => {
  expect(isWithin(new Date(now.getTime() - age), 2, now)).toBe(within);
});

test.each<readonly [string, number, number, boolean]>([['both are', 1, 1, true], ['only the signature is', 1, 25, false], ['only the scan is', 25, 1, false]])('a scan is fresh when %s: %s %s', (_, signed, ended, fresh) => {
  const { policy } = given();
  const one = signedScan(amd64, { finishedAt: hoursAgo(ended).toISOString() }, { trustedTime: hoursAgo(signed) });
  expect(isFresh({ statement: one, scan: one.predicate as never }, policy, now)).toBe(fresh);
});

function chosen(...statements: VerifiedStatement[]) {
  const [first] = chooseScans({ ...given({ evidence: { platforms: [amd64], statements } }), approvals: () => 'unproven' });
  const digests = (some: readonly { readonly statement: VerifiedStatement }[] = []) => some.map((one) => statements.indexOf(one.statement));
  return { chosen: digests(first?.chosen), counting: digests(first?.counting), malformed: first?.malformed.map((one) => statements.indexOf(one)) };
}
const by = (name: string, hours: number): VerifiedStatement => signedScan(amd64, { scanner: { name, version: '1' } }, { trustedTime: hoursAgo(hours) });
const broken = (hours: number): VerifiedStatement => statement(amd64.digest, predicateTypes.scan, {}, { trustedTime: hoursAgo(hours) });

test.each<readonly [string, readonly VerifiedStatement[], ReturnType<typeof chosen>]>([
  ['nothing', [], { chosen: [], counting: [], malformed: [] }],
  ['the newest of each scanner', [by('a', 3), by('a', 2), by('b', 4)], { chosen: [1, 2], counting: [1, 2], malformed: [] }],
  ['all of the same time', [by('a', 2), by('a', 2)], { chosen: [0, 1], counting: [0, 1], malformed: [] }],
  ['the fresh ones count', [by('a', 30), by('b', 2)], { chosen: [0, 1], counting: [1], malformed: [] }],
  ['all count where none is fresh', [by('a', 30), by('b', 40)], { chosen: [0, 1], counting: [0, 1], malformed: [] }],
  ['what cannot be read, newer than all', [by('a', 3), broken(2)], { chosen: [0], counting: [0], malformed: [1] }],
  ['what cannot be read, as new as the newest', [by('a', 3), broken(3)], { chosen: [0], counting: [0], malformed: [1] }],
  ['what cannot be read, older than the newest', [by('a', 1), by('b', 4), broken(2)], { chosen: [0, 1], counting: [0, 1], malformed: [] }],
  ['only what cannot be read', [broken(1), broken(2)], { chosen: [], counting: [], malformed: [0, 1] }],
])('of a platform: %s', (_, statements, expected) => {
  expect(chosen(...statements)).toEqual(expected);
});
