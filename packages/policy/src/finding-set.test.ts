// SPDX-License-Identifier: Apache-2.0
// What counts as one finding, which words of several scanners win, and in what order findings are told.
import type { Digest, Finding, Severity } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { isSameDebt, ratingOf, uniteFindings, vulnerabilityOf } from './finding-set.ts';
import { parsePolicy } from './policy-file.ts';
import { amd64, arm64, critical, digest, medium, scanOf } from './sample.ts';

const policy = parsePolicy('unrated-as: medium');
const unite = (...findings: Finding[]): Finding[] => uniteFindings(policy, [{ scan: scanOf(amd64, { findings }) }]).map(({ finding }) => finding);

test.each<readonly [string, Finding, string]>([
  ['its CVE', critical, 'CVE-2026-0001'],
  ['the CVE among its aliases', { ...critical, id: 'GHSA-1', aliases: ['GHSA-0', 'CVE-2026-0001'] }, 'CVE-2026-0001'],
  ['the first CVE by name', { ...critical, id: 'CVE-2026-0003', aliases: ['CVE-2026-0001', 'CVE-2026-0002'] }, 'CVE-2026-0001'],
  ['its own id where it has no CVE', { ...critical, id: 'GHSA-1', aliases: ['ALAS-1'] }, 'GHSA-1'],
  ['its own id where it has no aliases', { ...critical, id: 'GHSA-1' }, 'GHSA-1'],
])('a vulnerability is called by %s', (_, finding, name) => {
  expect(vulnerabilityOf(finding)).toBe(name);
});

test.each<readonly [Severity, Severity]>([['unknown', 'medium'], ['low', 'low']])('%s counts as %s', (severity, rating) => {
  expect(ratingOf({ ...critical, severity }, policy)).toBe(rating);
});

test.each<readonly [string, Partial<Finding>, boolean]>([
  ['in another version', { installed: '9' }, true], ['in another package', { package: 'zlib' }, false], ['of another name', { id: 'CVE-2026-0009' }, false],
  ['of another name with the same CVE', { id: 'GHSA-1', aliases: ['CVE-2026-0001'] }, true],
])('a finding %s is the same debt: %s', (_, other, same) => {
  expect(isSameDebt(critical, { ...critical, ...other })).toBe(same);
});

describe('findings are one', () => {
  const library: Finding = { ...critical, class: 'language', path: '/app/a.jar' };
  const pairs: readonly (readonly [string, Finding, Finding, number])[] = [
    ['where they are equal', critical, critical, 1],
    ['where a distribution package lies in two places', { ...critical, path: '/a' }, { ...critical, path: '/b' }, 1],
    ['where one scanner knows the alias', critical, { ...critical, id: 'GHSA-1', aliases: ['CVE-2026-0001'] }, 1],
    ['not in another version', critical, { ...critical, installed: '9' }, 2],
    ['not in another package', critical, { ...critical, package: 'zlib' }, 2],
    ['not where a library stands in two places', library, { ...library, path: '/app/b.jar' }, 2],
    ['not where a library stands somewhere, and nobody says where', library, { ...critical, class: 'language' }, 2],
  ];
  test.each(pairs)('%s', (_, one, other, number) => {
    expect(unite(one, other).length).toBe(number);
  });
  test('where nobody says where a library and a distribution package lie', () => {
    const { path: _, ...placeless } = library;
    expect(unite(placeless, critical).length).toBe(1);
  });
});

test('a united finding has the worst rating, the fix that anybody knows, and every other name in order', () => {
  const { fixed: _, ...unfixed } = critical;
  expect(unite({ ...unfixed, severity: 'low', aliases: ['GHSA-2', 'GHSA-1'] }, unfixed, { ...critical, severity: 'unknown', id: 'GHSA-3', aliases: ['CVE-2026-0001'] })).toEqual([
    { ...unfixed, fixed: '3.0.12', aliases: ['GHSA-1', 'GHSA-2', 'GHSA-3'] },
  ]);
});

test('of two that are equally bad, the one with a fix is told', () => {
  const { fixed: _, ...unfixed } = critical;
  expect(unite({ ...unfixed, title: 'a' }, { ...critical, title: 'b' })).toMatchObject([{ title: 'b', fixed: '3.0.12' }]);
  expect(unite({ ...critical, title: 'b' }, { ...unfixed, title: 'a' })).toMatchObject([{ title: 'b', fixed: '3.0.12' }]);
});

test('of two that are equal but for their words, the same one is told in either order', () => {
  const [one, other] = [{ ...critical, title: 'b', fixed: '3.0.13' }, { ...critical, title: 'a' }];
  expect(unite(one, other)).toEqual(unite(other, one));
});

test('a finding alone gets no member that it had not', () => {
  expect(unite(medium)).toStrictEqual([medium]);
});

test('the worst is told first, then what can be mended, then by name, whatever the order of the scans', () => {
  const find = (id: string, severity: Severity, fixed?: string): Finding => ({ ...medium, id, severity, ...(fixed === undefined ? {} : { fixed }) });
  const findings = [find('CVE-5', 'low'), find('CVE-4', 'unknown'), find('CVE-9', 'negligible', '1'), find('CVE-3', 'medium', '2'), find('CVE-2', 'high'), find('CVE-1', 'critical'), find('CVE-0', 'medium')];
  const order = ['CVE-1', 'CVE-2', 'CVE-3', 'CVE-0', 'CVE-4', 'CVE-5', 'CVE-9'];
  expect(unite(...findings).map(({ id }) => id)).toEqual(order);
  expect(unite(...findings.reverse()).map(({ id }) => id)).toEqual(order);
});

test('it is told once where and by whom it was seen, in order', () => {
  const seen = (platform: typeof amd64, evidence?: Digest) => ({ scan: scanOf(platform, { findings: [medium] }), ...(evidence === undefined ? {} : { evidence }) });
  expect(uniteFindings(policy, [seen(arm64, digest('02')), seen(amd64, digest('01')), seen(arm64, digest('02')), seen(amd64)])).toEqual([
    { finding: medium, platforms: ['linux/amd64', 'linux/arm64'], evidence: [digest('01'), digest('02')] },
  ]);
});
