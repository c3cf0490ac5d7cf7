// SPDX-License-Identifier: Apache-2.0
// A signed scan is read whole or not at all.
import { describe, expect, test } from 'vitest';
import { amd64, critical, scanOf } from './sample.ts';
import { readScanPredicate } from './scan-predicate.ts';

const good = scanOf(amd64, { findings: [{ ...critical, aliases: ['GHSA-1'] }] });

describe('a scan', () => {
  test('is read', () => {
    expect(readScanPredicate(JSON.parse(JSON.stringify(good)))).toEqual(good);
  });
  const finding = (change: object): object => ({ ...good, findings: [{ ...critical, ...change }] });
  const digests = (count: number): string[] => Array.from({ length: count }, () => good.report);
  const letters = (count: number): string => 'x'.repeat(count);
  test.each<readonly [string, object]>([
    ['no layer, no package and no finding', { ...good, diffIds: [], packageCount: 0, findings: [] }], ['a thousand layers', { ...good, diffIds: digests(1000) }], ['no system', { ...good, os: undefined }],
    ['the longest texts', { ...finding({ title: letters(20_000), id: letters(20_000) }), os: letters(20_000) }], ['empty words', { ...finding({ title: '', url: '', path: '' }), os: '' }],
    ['no alias', finding({ aliases: [] })], ['a thousand aliases', finding({ aliases: digests(1000) })], ['a package of a language', finding({ class: 'language' })], ['nothing but what must be', { ...good, findings: [{ id: 'CVE-1', package: 'a', installed: '', severity: 'unknown', class: 'os' }] }],
    ['all findings that are taken', { ...good, findings: Array.from({ length: 200_000 }, () => critical) }],
  ])('with %s is read', (_, predicate) => {
    expect(readScanPredicate(predicate)).toBe(predicate);
  });
  test.each(['os', 'platform'])('with endless text as %s is none', (name) => {
    expect(readScanPredicate({ ...good, [name]: letters(20_001) })).toBeUndefined();
  });
  test.each(['fixDate', 'purl', 'path', 'title', 'url', 'published'])('with a %s that is no text is none', (name) => {
    expect(readScanPredicate(finding({ [name]: 3 }))).toBeUndefined();
    expect(readScanPredicate(finding({ [name]: ['x'] }))).toBeUndefined();
  });
  test.each(['updatedAt', 'startedAt', 'finishedAt'])('with %s that is no instant is none', (name) => {
    for (const instant of [3, ['2026-11-21T12:00:00Z'], '2026-11-21', '2026', 'x2026-11-21T12:00:00Z', '2026-13-21T12:00:00Z', '(2026-11-21T12:00:00Z)']) {
      expect(readScanPredicate({ ...good, ...(name === 'updatedAt' ? { database: { updatedAt: instant } } : { [name]: instant }) })).toBeUndefined();
    }
  });
  test.each<readonly [string, unknown]>([
    ['nothing', undefined], ['text', 'scan'], ['a list', [good]],
    ['one finding among others that is none', { ...good, findings: [critical, 'CVE-1'] }], ['a finding that is null', { ...good, findings: [null] }], ['too many findings', { ...good, findings: Array.from({ length: 200_001 }, () => critical) }],
    ['one layer among others that is no digest', { ...good, diffIds: [...digests(1), 'x'] }], ['too many layers', { ...good, diffIds: digests(1001) }], ['layers that are no list', { ...good, diffIds: { length: 0 } }],
    ['aliases that are no list', finding({ aliases: { length: 0 } })], ['an alias among others that is no text', finding({ aliases: ['GHSA-1', 1] })], ['too many aliases', finding({ aliases: digests(1001) })], ['an alias as text', finding({ aliases: 'GHSA-1' })],
    ['a system that is no text', { ...good, os: 3 }], ['no scanner', { ...good, scanner: null }], ['a scanner without version', { ...good, scanner: { name: 'trivy' } }], ['no database', { ...good, database: null }],
    ['a finding without class', finding({ class: undefined })], ['a finding without severity', finding({ severity: undefined })],
    ['no platform', { ...good, platform: '' }], ['a config that is no digest', { ...good, configDigest: 'sha256:00' }],
    ['no layers', { ...good, diffIds: undefined }], ['a layer that is no digest', { ...good, diffIds: ['x'] }],
    ['no count', { ...good, packageCount: '9' }], ['a negative count', { ...good, packageCount: -1 }], ['half a package', { ...good, packageCount: 0.5 }],
    ['a scanner without name', { ...good, scanner: { version: '1' } }], ['a database without date', { ...good, database: {} }], ['a database of no date', { ...good, database: { updatedAt: 'yesterday' } }],
    ['no end', { ...good, finishedAt: undefined }], ['no beginning', { ...good, startedAt: '' }], ['another isolation', { ...good, isolation: 'vm' }],
    ['no report', { ...good, report: undefined }], ['no findings', { ...good, findings: undefined }], ['a finding that is none', { ...good, findings: ['CVE-1'] }],
    ['a finding without id', finding({ id: '' })], ['a finding without package', finding({ package: undefined })], ['a finding without version', finding({ installed: undefined })],
    ['a finding of another severity', finding({ severity: 'none' })], ['a finding of another class', finding({ class: 'secret' })],
    ['a finding whose fix is empty', finding({ fixed: '' })], ['a finding whose fix is a list', finding({ fixed: ['1'] })], ['an alias that is no text', finding({ aliases: [1] })], ['an endless title', finding({ title: 'x'.repeat(20_001) })],
  ])('with %s is none', (_, predicate) => {
    expect(readScanPredicate(predicate)).toBeUndefined();
  });
});
