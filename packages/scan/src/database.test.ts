// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { Failure } from '@pratique/core';
import { readVersionDocument, requireFresh } from './database.ts';
import { databaseArguments, lastLines, reasonOf, scanArguments } from './trivy.ts';

const now = new Date('2026-11-21T12:00:00Z');
const codeOf = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return thrown instanceof Failure ? thrown.code : String(thrown);
  }
};

describe('age of the database', () => {
  test.each<[string, string, number | undefined, string | undefined]>([
    ['just built', '2026-11-21T12:00:00Z', undefined, undefined],
    ['48 hours, the default limit', '2026-11-19T12:00:00Z', undefined, undefined],
    ['a second more', '2026-11-19T11:59:59Z', undefined, 'SCAN_DATABASE_STALE'],
    ['within a limit that was asked for', '2026-11-11T12:00:00Z', 240, undefined],
    ['over a limit that was asked for', '2026-11-21T05:59:00Z', 6, 'SCAN_DATABASE_STALE'],
    ['a clock that is off by minutes', '2026-11-21T12:30:00Z', undefined, undefined],
    ['from the future', '2027-01-01T00:00:00Z', undefined, 'SCAN_DATABASE_STALE'],
  ])('%s', (_, updatedAt, hours, code) => {
    expect(codeOf(() => requireFresh(updatedAt, now, hours))).toBe(code);
  });
});

describe('trivy version --format json', () => {
  test('names the database', () => {
    expect(readVersionDocument({ Version: '0.72.0', VulnerabilityDB: { Version: 2, UpdatedAt: '2026-11-21T10:00:00.5Z' } })).toEqual({ version: '2', updatedAt: '2026-11-21T10:00:00.5Z' });
  });
  test('has no such member without one', () => {
    expect(readVersionDocument({ Version: '0.72.0' })).toBeUndefined();
  });
  test('without a date is refused', () => {
    expect(codeOf(() => readVersionDocument({ VulnerabilityDB: { Version: 2 } }))).toBe('SCAN_DATABASE_UNAVAILABLE');
  });
});

describe('arguments for trivy', () => {
  test('fetch a database by digest', () => {
    expect(databaseArguments('r.example/trivy-db@sha256:0')).toEqual([
      'image', '--download-db-only', '--db-repository', 'r.example/trivy-db@sha256:0', '--cache-dir', 'cache', '--skip-version-check', '--disable-telemetry', '--no-progress',
    ]);
  });
  test('scan one layout offline, with the scan cache in memory', () => {
    expect(scanArguments({ layout: 'linux-arm64', output: 'out.json', vulnerabilities: true, javaDatabase: undefined, timeoutSeconds: 60 })).toEqual([
      'image', '--input', 'linux-arm64', '--format', 'json', '--output', 'out.json', '--list-all-pkgs', '--scanners', 'vuln', '--exit-code', '0', '--timeout', '60s',
      '--cache-dir', 'cache', '--cache-backend', 'memory', '--skip-db-update', '--skip-java-db-update', '--offline-scan', '--skip-version-check', '--disable-telemetry', '--no-progress',
    ]);
  });
  test('name the Java database when there is one, and no scanner for an inventory', () => {
    const args = scanArguments({ layout: 'x', output: 'y', vulnerabilities: false, javaDatabase: 'r/java@sha256:1', timeoutSeconds: 60 });
    expect(args.slice(args.indexOf('--scanners'), args.indexOf('--scanners') + 2)).toEqual(['--scanners', '']);
    expect(args).not.toContain('--skip-java-db-update');
    expect(args[args.indexOf('--java-db-repository') + 1]).toBe('r/java@sha256:1');
  });
});

describe('what trivy says at its end', () => {
  const result = (stderr: string) => ({ exitCode: 1, stdout: '', stderr });
  test.each<[string, string, string]>([
    ['a fatal line', '2026-11-21T10:23:13Z\tINFO\tx\n2026-11-21T10:23:13Z\tFATAL\tFatal error\tunknown flag: --nope', 'unknown flag: --nope'],
    ['a panic', 'panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:', 'panic: runtime error: invalid memory address'],
    ['nothing', '', 'it said nothing'],
  ])('%s', (_, stderr, reason) => {
    expect(reasonOf(lastLines(result(stderr)))).toBe(reason);
  });
  test('ten lines at most, none longer than 500 characters', () => {
    const lines = lastLines(result(Array.from({ length: 30 }, (_, index) => `${index} ${'y'.repeat(900)}`).join('\n')));
    expect([lines.length, lines[0]?.length, lines[0]?.slice(0, 2)]).toEqual([10, 500, '20']);
  });
});
