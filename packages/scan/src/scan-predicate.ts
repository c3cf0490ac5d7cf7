// SPDX-License-Identifier: Apache-2.0
// Our predicate scan/v1 out of a record and a raw report, every binding checked anew.
import { digestOf, Failure, formatPlatform, type ImagePlatform, type ScanPredicate } from '@pratique/core';
import { requireBinding, requirePackages } from './binding.ts';
import { parseReport } from './report.ts';
import type { ScanRun } from './scan-run.ts';

/** What the gate reads. Fails with `SCAN_NOT_BOUND`, `SCAN_NO_PACKAGES`, `SCAN_REPORT_INVALID`. */
export async function toScanPredicate(run: ScanRun, report: Uint8Array, platform: ImagePlatform): Promise<ScanPredicate> {
  const parsed = parseReport(report);
  requireBinding(parsed, platform);
  requirePackages(parsed, platform, packageCountOf(run, parsed.packageCount));
  const problem = recordProblem(run, platform) ?? (parsed.scanner === run.scanner.name ? undefined : `it names ${run.scanner.name}, the report is of ${parsed.scanner}`)
    ?? (parsed.database === undefined || Date.parse(parsed.database.updatedAt) === Date.parse(run.database.updatedAt) ? undefined : 'it dates the database otherwise than the report does');
  if (problem !== undefined) throw new Failure({ code: 'SCAN_NOT_BOUND', message: `the record of the scan of ${formatPlatform(platform.platform)} does not fit: ${problem}` });
  return {
    platform: run.platform,
    configDigest: platform.configDigest,
    diffIds: platform.diffIds,
    packageCount: packageCountOf(run, parsed.packageCount),
    ...(parsed.os === undefined ? {} : { os: parsed.os }),
    scanner: run.scanner,
    database: run.database,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    report: await digestOf(report),
    isolation: run.isolation,
    findings: parsed.findings,
  };
}

// A list of packages in the report itself is worth more than a number beside it.
const packageCountOf = (run: ScanRun, reported: number): number => (run.scanner.name === 'trivy' ? reported : run.packageCount ?? reported);

function recordProblem(run: ScanRun, platform: ImagePlatform): string | undefined {
  if (run.platform !== formatPlatform(platform.platform)) return `it is about ${run.platform}`;
  if (run.digest !== platform.digest) return `it is about the manifest ${run.digest}`;
  if (run.configDigest !== platform.configDigest) return `it is about the image config ${run.configDigest}`;
  if (run.diffIds.join() !== platform.diffIds.join()) return 'it names other layers';
  if (Date.parse(run.finishedAt) < Date.parse(run.startedAt)) return 'it ended before it began';
  return undefined;
}
