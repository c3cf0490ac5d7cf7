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
  test.each<readonly [string, unknown]>([
    ['nothing', undefined], ['text', 'scan'], ['a list', [good]],
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
