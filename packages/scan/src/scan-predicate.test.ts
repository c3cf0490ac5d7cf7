// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Digest, ImagePlatform } from '@pratique/core';
import { toScanPredicate } from './scan-predicate.ts';
import type { ScanRun } from './scan-run.ts';
import { toVulnerabilityPredicate } from './vulnerability-predicate.ts';

const read = (name: string): Buffer => readFileSync(new URL(`../../../test/fixtures/reports/${name}.json`, import.meta.url));
const trivy = read('trivy-arm64');
const grype = read('grype-arm64');
const other: Digest = `sha256:${'0'.repeat(64)}`;
const platform: ImagePlatform = {
  platform: { os: 'linux', architecture: 'arm64' }, digest: `sha256:${'a'.repeat(64)}`,
  configDigest: 'sha256:4a0a8b24552ea6d3070d984ee907c98c13b5faf111bc1c983905ec86f626e62f',
  diffIds: ['sha256:739bc2cb926bbda5f41b16f24434dd0598e6413f079e171937ac90a20cfbca0d'],
};
const grypePlatform: ImagePlatform = {
  ...platform, configDigest: 'sha256:b8d55a95a8a387369ac05a2b5e14a6ce13d7b31a8129b58223c6725e31fb5c10',
  diffIds: ['sha256:b599794d3aadbb72d7dcdbb76a7c904714e9ba57a9e60f431873c55bbf38a195'],
};
const run: ScanRun = {
  platform: 'linux/arm64', digest: platform.digest, configDigest: platform.configDigest, diffIds: platform.diffIds,
  scanner: { name: 'trivy', version: '0.72.0' }, database: { digest: other, version: '2', updatedAt: '2026-11-21T10:00:00Z' },
  startedAt: '2026-11-21T10:18:54Z', finishedAt: '2026-11-21T10:18:55Z', isolation: 'none',
};
const grypeRun: ScanRun = {
  ...run, configDigest: grypePlatform.configDigest, diffIds: grypePlatform.diffIds, scanner: { name: 'grype', version: '0.110.0' }, database: { version: 'v6.1.4', updatedAt: '2026-11-20T06:31:12Z' }, packageCount: 3,
};
const without = (report: Buffer, ...names: string[]): Buffer => Buffer.from(JSON.stringify(JSON.parse(report.toString()), (key, value: unknown) => (names.includes(key) ? undefined : value)));

describe('scan/v1', () => {
  test('holds what the gate reads', async () => {
    const predicate = await toScanPredicate(run, trivy, platform);
    expect(predicate).toMatchObject({ platform: 'linux/arm64', packageCount: 3, os: 'debian 12.12', scanner: run.scanner, database: run.database, isolation: 'none' });
    expect(predicate.findings).toHaveLength(5);
    expect(predicate.report).toMatch(/^sha256:/);
  });

  test('takes the number of packages of a grype report from our inventory', async () => {
    expect(await toScanPredicate(grypeRun, grype, grypePlatform)).toMatchObject({ packageCount: 3, os: 'debian 12' });
  });

  test.each<[string, string, ScanRun, Buffer, ImagePlatform]>([
    ['a report about another config', 'SCAN_NOT_BOUND', run, trivy, { ...platform, configDigest: other }],
    ['a report about other layers', 'SCAN_NOT_BOUND', run, trivy, { ...platform, diffIds: [other] }],
    ['a grype report about other layers', 'SCAN_NOT_BOUND', grypeRun, grype, { ...grypePlatform, diffIds: [other] }],
    ['a record about another manifest', 'SCAN_NOT_BOUND', run, trivy, { ...platform, digest: other }],
    ['a record about another platform', 'SCAN_NOT_BOUND', { ...run, platform: 'linux/amd64' }, trivy, platform],
    ['a record of another scanner', 'SCAN_NOT_BOUND', { ...run, scanner: grypeRun.scanner }, trivy, platform],
    ['a record with another database date', 'SCAN_NOT_BOUND', { ...grypeRun, database: { updatedAt: '2026-11-21T00:00:00Z' } }, grype, grypePlatform],
    ['a record that ends before it begins', 'SCAN_NOT_BOUND', { ...run, finishedAt: '2026-11-20T00:00:00Z' }, trivy, platform],
    ['a report without results', 'SCAN_NO_PACKAGES', run, without(trivy, 'Results'), platform],
    ['a report without packages', 'SCAN_NO_PACKAGES', { ...run, packageCount: 9 }, without(trivy, 'Packages'), platform],
    ['a report without results or distribution', 'SCAN_NO_PACKAGES', run, without(trivy, 'Results', 'OS'), platform],
    ['a grype report without inventory', 'SCAN_NO_PACKAGES', { ...grypeRun, packageCount: 0 }, grype, grypePlatform],
  ])('%s: %s', async (_, code, record, report, image) => {
    await expect(toScanPredicate(record, report, image)).rejects.toMatchObject({ code });
  });

  test('a distribution whose packages were not found proves nothing, though npm packages were', async () => {
    const report = JSON.parse(trivy.toString()) as { Results: { Class: string }[] };
    const bare = Buffer.from(JSON.stringify({ ...report, Results: report.Results.filter((result) => result.Class !== 'os-pkgs') }));
    await expect(toScanPredicate(run, bare, platform)).rejects.toMatchObject({ code: 'SCAN_NO_PACKAGES' });
  });
});

test('vulns/v0.2 has the exact shape of the specification', async () => {
  const predicate = toVulnerabilityPredicate(await toScanPredicate(run, trivy, platform));
  expect({ ...predicate, scanner: { ...predicate.scanner, result: predicate.scanner.result.slice(0, 1) } }).toEqual({
    scanner: {
      uri: 'pkg:github/aquasecurity/trivy@0.72.0', version: '0.72.0',
      db: { uri: `pkg:oci/trivy-db@sha256%3A${'0'.repeat(64)}`, version: '2', lastUpdate: '2026-11-21T10:00:00Z' },
      result: [{
        id: 'CVE-2021-44906', severity: [{ method: 'trivy', score: 'critical' }],
        annotations: [{ package: 'minimist', installed: '1.2.5', fixed: '1.2.6', purl: 'pkg:npm/minimist@1.2.5', path: 'app/node_modules/minimist/package.json' }],
      }],
    },
    metadata: { scanStartedOn: '2026-11-21T10:18:54Z', scanFinishedOn: '2026-11-21T10:18:55Z' },
  });
});
