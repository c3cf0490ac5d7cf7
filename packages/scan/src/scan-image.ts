// SPDX-License-Identifier: Apache-2.0
// Scans every runnable platform of an image in a layout with trivy, and makes its SBOMs.
import { formatPlatform, type Context, type Digest, type ImagePlatform } from '@pratique/core';
import type { Layout } from '@pratique/oci';
import { requireBinding, requirePackages } from './binding.ts';
import { fetchDatabase, pinRepository, publicJavaDatabase, type Database } from './database.ts';
import { platformSlug, writePlatformLayout } from './one-platform-layout.ts';
import type { ParsedReport } from './parsed-report.ts';
import { parseReport, reportLimit } from './report.ts';
import { makeSboms, sbomSubject } from './sbom.ts';
import type { PlatformScan } from './scan-run.ts';
import { openTrivy, readOutput, runTrivy, scanArguments, type Trivy } from './trivy.ts';
import { readWholeImage } from './whole-image.ts';

/** What to scan and how. */
export interface ScanOptions {
  readonly ctx: Context;
  readonly layout: Layout;
  /** Digest of the image's root in the layout. */
  readonly image: Digest;
  /** OCI repository with tag or digest. Default: trivy's public ones. */
  readonly databaseRepository?: string;
  /** The same for the index of Java archives. Default: trivy's public one, or none when `databaseRepository` is set. */
  readonly javaDatabaseRepository?: string;
  readonly isolation: 'none' | 'job';
  /** Default 48. */
  readonly maxDatabaseAgeHours?: number;
  /** For each platform. Default 1800. */
  readonly timeoutSeconds?: number;
}

/**
 * Hashes the whole layout, then scans each platform by itself. Fails with `REGISTRY_DIGEST_MISMATCH`, `LAYOUT_INVALID`,
 * `TOOL_MISSING`, `TOOL_TIMEOUT`, `SCAN_DATABASE_UNAVAILABLE`, `SCAN_DATABASE_STALE`, `SCAN_FAILED`, `SCAN_REPORT_INVALID`,
 * `SCAN_NOT_BOUND` and `SCAN_NO_PACKAGES`; never gives some platforms only.
 */
export async function scanImage(options: ScanOptions): Promise<readonly PlatformScan[]> {
  const { ctx, layout, image } = options;
  const platforms = await readWholeImage(layout, image);
  const trivy = await openTrivy(ctx, 'scan');
  const database = await fetchDatabase(ctx, trivy, { repository: options.databaseRepository, maxAgeHours: options.maxDatabaseAgeHours });
  const javaDatabase = await chooseJavaDatabase(options);
  const scans: PlatformScan[] = [];
  // One after the other: a big image takes gigabytes of memory.
  for (const platform of platforms) scans.push(await scanPlatform({ ...options, trivy, database, javaDatabase }, platform));
  return scans;
}

async function chooseJavaDatabase(options: ScanOptions): Promise<string | undefined> {
  if (options.javaDatabaseRepository !== undefined) return (await pinRepository(options.ctx, options.javaDatabaseRepository)).reference;
  return options.databaseRepository === undefined ? publicJavaDatabase : undefined;
}

interface Scan extends ScanOptions {
  readonly trivy: Trivy;
  readonly database: Database;
  readonly javaDatabase: string | undefined;
}

async function scanPlatform(scan: Scan, platform: ImagePlatform): Promise<PlatformScan> {
  const { ctx, layout, trivy } = scan;
  const name = formatPlatform(platform.platform);
  const startedAt = ctx.clock.now().toISOString();
  const report = await runScanner(scan, platform, true);
  const finishedAt = ctx.clock.now().toISOString();
  const parsed = parseReport(report);
  requireBinding(parsed, platform);
  requirePackages(parsed, platform);
  say(ctx, name, parsed);
  const sboms = await makeSboms(ctx, trivy, { report, subject: await sbomSubject(layout, platform), slug: platformSlug(platform) });
  const run = {
    platform: name, digest: platform.digest, configDigest: platform.configDigest, diffIds: platform.diffIds,
    scanner: { name: 'trivy', version: trivy.tool.version }, database: scan.database, startedAt, finishedAt, isolation: scan.isolation,
  };
  return { run, report, ...sboms };
}

/** Runs trivy on one platform of a layout; its raw JSON. `SCAN_FAILED`, `SCAN_REPORT_INVALID`, `TOOL_TIMEOUT`. */
export async function runScanner(scan: Pick<Scan, 'ctx' | 'layout' | 'trivy' | 'javaDatabase' | 'timeoutSeconds'>, platform: ImagePlatform, vulnerabilities: boolean): Promise<Uint8Array> {
  const { ctx, trivy, layout, javaDatabase, timeoutSeconds = 1800 } = scan;
  const slug = platformSlug(platform);
  const output = `${slug}.report.json`;
  await writePlatformLayout(ctx, layout, { platform, folder: `${trivy.folder}/${slug}` });
  const args = scanArguments({ layout: slug, output, vulnerabilities, javaDatabase, timeoutSeconds });
  await runTrivy(trivy, { args, timeoutSeconds: timeoutSeconds + 30, onLine: (line) => ctx.log.line(line) }, `scan of ${formatPlatform(platform.platform)}`);
  return readOutput(ctx, `${trivy.folder}/${output}`, reportLimit);
}

function say(ctx: Context, platform: string, report: ParsedReport): void {
  ctx.log.line(`${platform}: ${report.os ?? 'no distribution'}, ${report.packageCount} packages, ${report.findings.length} findings`);
  if (report.endOfLife) ctx.log.notice({ level: 'warning', title: 'End of life', message: `${platform}: ${report.os ?? 'the distribution'} gets no more security fixes; what is vulnerable in it is not all known.` });
}
