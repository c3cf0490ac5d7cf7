// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure, type JsonObject } from '@pratique/core';
import { parseReport } from './report.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/reports/${name}.json`, import.meta.url));
const trivy = read('trivy-arm64');
const grype = read('grype-arm64');
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const change = (report: Uint8Array, path: readonly (string | number)[], value: unknown): Uint8Array => {
  const document = JSON.parse(Buffer.from(report).toString()) as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string | number, unknown>, document);
  parent[path.at(-1) ?? ''] = value;
  return bytesOf(document);
};
const codeOf = (report: Uint8Array): string | undefined => {
  try {
    parseReport(report);
    return undefined;
  } catch (thrown) {
    return thrown instanceof Failure ? thrown.code : `not a Failure: ${String(thrown)}`;
  }
};

describe('a trivy report', () => {
  test('says what it is about', () => {
    const { findings: _, ...rest } = parseReport(trivy);
    expect(rest).toEqual({
      scanner: 'trivy', scannerVersion: '0.72.0', os: 'debian 12.12', endOfLife: false, packageCount: 3, osPackageCount: 1, createdAt: '2026-11-21T10:18:54.61379379Z',
      configDigest: 'sha256:4a0a8b24552ea6d3070d984ee907c98c13b5faf111bc1c983905ec86f626e62f', diffIds: ['sha256:739bc2cb926bbda5f41b16f24434dd0598e6413f079e171937ac90a20cfbca0d'],
    });
  });

  test('becomes findings, worst first, what nobody rated before medium', () => {
    const { findings } = parseReport(trivy);
    expect(findings.map(({ id, severity, fixed, class: kind }) => [id, severity, fixed, kind])).toEqual([
      ['CVE-2021-44906', 'critical', '1.2.6', 'language'],
      ['CVE-2021-23337', 'high', '4.17.21', 'language'],
      ['CVE-2023-42366', 'unknown', undefined, 'os'],
      ['CVE-2020-28500', 'medium', '4.17.21', 'language'],
      ['CVE-2022-28391', 'low', undefined, 'os'],
    ]);
    expect(findings[1]).toEqual({
      id: 'CVE-2021-23337', aliases: ['GHSA-35jh-r3h4-6jhm'], package: 'lodash', installed: '4.17.20', fixed: '4.17.21', severity: 'high', class: 'language',
      purl: 'pkg:npm/lodash@4.17.20', path: 'app/node_modules/lodash/package.json', title: 'nodejs-lodash: command injection via template',
      url: 'https://avd.aquasec.com/nvd/cve-2021-23337', published: '2021-02-15T13:15:12.56Z',
    });
  });

  test('keeps hostile text harmless and short', () => {
    const title = `\u001b[31mred\u0000\u202e\n::error::${'x'.repeat(5000)}`;
    const finding = parseReport(change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'Title'], title)).findings.find(({ id }) => id === 'CVE-2021-23337');
    expect(finding?.title?.startsWith('red ::error::xxx')).toBe(true);
    expect(finding?.title).toHaveLength(1024);
  });

  test.each<[string, Uint8Array]>([
    ['another schema', change(trivy, ['SchemaVersion'], 3)],
    ['a file system scan', change(trivy, ['ArtifactType'], 'filesystem')],
    ['no image id', change(trivy, ['Metadata', 'ImageID'], undefined)],
    ['an image id that is no digest', change(trivy, ['Metadata', 'ImageID'], 'sha256:abc')],
    ['results that are no list', change(trivy, ['Results'], {})],
    ['a finding without id', change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'VulnerabilityID'], '')],
    ['a finding without package', change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'PkgName'], null)],
    ['a severity that is no text', change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'Severity'], 4)],
    ['a date that is none', change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'PublishedDate'], 'last spring')],
    ['no JSON', new TextEncoder().encode('trivy: panic')],
    ['nothing', new Uint8Array()],
    ['a list', bytesOf([])],
  ])('with %s is refused', (_, report) => {
    expect(codeOf(report)).toBe('SCAN_REPORT_INVALID');
  });

  test('rates a severity word that it does not know as unknown', () => {
    const findings = parseReport(change(trivy, ['Results', 1, 'Vulnerabilities', 0, 'Severity'], 'IMPORTANT')).findings;
    expect(findings.find(({ id }) => id === 'CVE-2021-23337')?.severity).toBe('unknown');
  });
});

describe('a grype report', () => {
  test('says what it is about, and how old its database is', () => {
    const { findings: _, ...rest } = parseReport(grype);
    expect(rest).toEqual({
      scanner: 'grype', scannerVersion: '0.110.0', os: 'debian 12', endOfLife: false, packageCount: 0, osPackageCount: 0, createdAt: '2026-11-21T11:43:21.511003683Z',
      configDigest: 'sha256:b8d55a95a8a387369ac05a2b5e14a6ce13d7b31a8129b58223c6725e31fb5c10', diffIds: ['sha256:b599794d3aadbb72d7dcdbb76a7c904714e9ba57a9e60f431873c55bbf38a195'],
      database: { version: 'v6.1.4', updatedAt: '2026-11-20T06:31:12Z' },
    });
  });

  test("counts what the user's rules ignored", () => {
    expect(parseReport(grype).findings.map(({ id, severity, fixDate, aliases }) => [id, severity, fixDate, aliases])).toEqual([
      ['GHSA-xvch-5gv4-984h', 'critical', '2022-03-18T00:00:00Z', ['CVE-2021-44906']],
      ['GHSA-35jh-r3h4-6jhm', 'high', '2021-05-06T00:00:00Z', ['CVE-2021-23337']],
      ['GHSA-29mw-wpgm-hmr9', 'medium', '2022-01-06T00:00:00Z', ['CVE-2020-28500']],
      ['CVE-2022-28391', 'negligible', undefined, undefined],
    ]);
  });

  test("counts what was ignored for a reason that sounds like grype's own", () => {
    expect(parseReport(change(grype, ['ignoredMatches', 0, 'appliedIgnoreRules', 0, 'reason'], 'DistroPackageFixed')).findings).toHaveLength(4);
  });

  test.each<[string, Uint8Array]>([
    ['a part of the image left out', change(grype, ['descriptor', 'configuration', 'exclude'], ['/app/**'])],
    ['a folder as its source', change(grype, ['source', 'type'], 'directory')],
    ['no source', change(grype, ['source'], null)],
    ['no database', change(grype, ['descriptor', 'db'], null)],
    ['a config that is no JSON', change(grype, ['source', 'target', 'config'], 'AAAA')],
    ['a match without artifact', change(grype, ['matches', 0, 'artifact'], undefined)],
    ['no time', change(grype, ['descriptor', 'timestamp'], '')],
  ])('with %s is refused', (_, report) => {
    expect(codeOf(report)).toBe('SCAN_REPORT_INVALID');
  });
});

describe('whatever comes', () => {
  test('a cut report is never read', () => {
    fc.assert(fc.property(fc.constantFrom(trivy, grype), fc.double({ min: 0, max: 0.999, noNaN: true }), (report, part) => {
      const body = Buffer.from(report.toString().trimEnd());
      expect(codeOf(body.subarray(0, Math.floor(body.length * part)))).toBe('SCAN_REPORT_INVALID');
    }), { numRuns: 300 });
  });

  test('any JSON in any place gives findings or a Failure', () => {
    const places: readonly (readonly (string | number)[])[] = [...pathsOf(JSON.parse(trivy.toString()) as JsonObject)];
    fc.assert(fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
      expect([undefined, 'SCAN_REPORT_INVALID']).toContain(codeOf(change(trivy, path, value)));
    }), { numRuns: 500 });
  });

  test('any object gives a Failure', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom('matches', 'descriptor', 'source', 'Results', 'Metadata', 'SchemaVersion', '__proto__'), fc.jsonValue()), (value) => {
      expect(codeOf(bytesOf(value))).toBe('SCAN_REPORT_INVALID');
    }), { numRuns: 300 });
  });
});

function* pathsOf(value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (value === null || typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) yield* pathsOf(item, [...path, Array.isArray(value) ? Number(key) : key]);
}
