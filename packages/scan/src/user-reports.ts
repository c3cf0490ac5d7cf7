// SPDX-License-Identifier: Apache-2.0
// Reports that users made themselves: matched to the platforms of the image by config digest, one for each at least.
import { Failure, formatPlatform, isJsonObject, parseJsonObject, type Context, type Digest, type ImagePlatform } from '@pratique/core';
import type { Layout } from '@pratique/oci';
import { requireBinding, requirePackages } from './binding.ts';
import { readVersionDocument, requireFresh } from './database.ts';
import { platformSlug } from './one-platform-layout.ts';
import type { ParsedReport } from './parsed-report.ts';
import { parseReport, reportLimit } from './report.ts';
import { makeSboms, sbomSubject } from './sbom.ts';
import { runScanner } from './scan-image.ts';
import type { PlatformScan, ScanRun } from './scan-run.ts';
import { openTrivy, type Trivy } from './trivy.ts';
import { readWholeImage } from './whole-image.ts';

/** Where the reports are and what they must be about. */
export interface UserReportOptions {
  readonly ctx: Context;
  readonly layout: Layout;
  readonly image: Digest;
  /** trivy or grype JSON; for trivy also the output of `trivy version --format json`, since its reports do not name their database. */
  readonly paths: readonly string[];
  readonly isolation: 'none' | 'job';
  /** Default 48. */
  readonly maxDatabaseAgeHours?: number;
}

interface UserReport {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly parsed: ParsedReport;
}

type DatabaseFacts = { readonly version?: string; readonly updatedAt: string };

/**
 * Reads users' reports and makes SBOMs with trivy, which needs no database for that. Fails with `INPUT_INVALID`, `SCAN_REPORT_INVALID`,
 * `SCAN_NOT_BOUND` (a strange report, or a platform without one), `SCAN_NO_PACKAGES`, `SCAN_DATABASE_STALE`, and the codes of `scanImage`.
 */
export async function readUserReports(options: UserReportOptions): Promise<readonly PlatformScan[]> {
  const { ctx, layout, image } = options;
  const platforms = await readWholeImage(layout, image);
  const { reports, trivyDatabase } = await readFiles(ctx, options.paths);
  const pairs = pairUp(reports, platforms);
  const trivy = await openTrivy(ctx, 'reports');
  const scans: PlatformScan[] = [];
  for (const { report, platform } of pairs) {
    const database = report.parsed.database ?? trivyDatabase ?? undatedDatabase(report);
    requireFresh(database.updatedAt, ctx.clock.now(), options.maxDatabaseAgeHours);
    scans.push(await complete({ ...options, trivy, database }, report, platform));
  }
  return scans;
}

async function readFiles(ctx: Context, paths: readonly string[]): Promise<{ reports: UserReport[]; trivyDatabase: DatabaseFacts | undefined }> {
  const reports: UserReport[] = [];
  let trivyDatabase: DatabaseFacts | undefined;
  for (const path of paths) {
    const file = await ctx.files.open(path);
    if (file?.kind !== 'file') throw new Failure({ code: 'INPUT_INVALID', message: `there is no report at ${path}`, hint: 'Name the JSON file of each platform.' });
    if (file.size > reportLimit) throw new Failure({ code: 'SCAN_REPORT_INVALID', message: `${path} has ${file.size} bytes; at most ${reportLimit} are read` });
    const bytes = await file.bytes();
    const document = parseJsonObject(bytes, path, 'SCAN_REPORT_INVALID');
    if (isJsonObject(document['VulnerabilityDB']) && !('SchemaVersion' in document)) trivyDatabase = readVersionDocument(document);
    else reports.push({ path, bytes, parsed: parseReport(bytes) });
  }
  return { reports, trivyDatabase };
}

function pairUp(reports: readonly UserReport[], platforms: readonly ImagePlatform[]): { report: UserReport; platform: ImagePlatform }[] {
  const pairs = reports.map((report) => {
    const platform = platforms.find((candidate) => candidate.configDigest === report.parsed.configDigest);
    if (platform === undefined) throw notBound(`${report.path} is about the image config ${report.parsed.configDigest}, which is of no platform of this image`);
    requireBinding(report.parsed, platform);
    return { report, platform };
  });
  const keys = pairs.map(({ report, platform }) => `${formatPlatform(platform.platform)} by ${report.parsed.scanner}`);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new Failure({ code: 'INPUT_INVALID', message: `there are two reports of ${twice}` });
  const without = platforms.filter((platform) => !pairs.some((pair) => pair.platform === platform)).map((platform) => formatPlatform(platform.platform));
  if (without.length > 0) throw notBound(`no report is about ${without.join(', ')}`);
  return pairs;
}

function notBound(message: string): Failure {
  return new Failure({ code: 'SCAN_NOT_BOUND', message, hint: 'Scan each platform of this very image and name all reports.' });
}

function undatedDatabase(report: UserReport): never {
  throw new Failure({
    code: 'SCAN_DATABASE_STALE', message: `${report.path} does not say how old its vulnerability database is`,
    hint: 'Run "trivy version --format json > trivy-version.json" after the scan and name that file among the reports.',
  });
}

async function complete(scan: UserReportOptions & { trivy: Trivy; database: DatabaseFacts }, report: UserReport, platform: ImagePlatform): Promise<PlatformScan> {
  const { ctx, layout, trivy, database } = scan;
  const { parsed } = report;
  // grype names only what is vulnerable. What the image is made of, we list ourselves.
  const inventory = parsed.scanner === 'trivy' ? report.bytes : await runScanner({ ctx, layout, trivy, javaDatabase: undefined }, platform, false);
  const listed = parseReport(inventory);
  requireBinding(listed, platform);
  requirePackages(listed, platform);
  const sboms = await makeSboms(ctx, trivy, { report: inventory, subject: await sbomSubject(layout, platform), slug: `${platformSlug(platform)}.${parsed.scanner}` });
  const run: ScanRun = {
    platform: formatPlatform(platform.platform), digest: platform.digest, configDigest: platform.configDigest, diffIds: platform.diffIds,
    scanner: { name: parsed.scanner, version: parsed.scannerVersion }, database, startedAt: parsed.createdAt, finishedAt: parsed.createdAt, isolation: scan.isolation,
    ...(parsed.scanner === 'grype' ? { packageCount: listed.packageCount } : {}),
  };
  return { run, report: report.bytes, ...sboms };
}
