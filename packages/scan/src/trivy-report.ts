// SPDX-License-Identifier: Apache-2.0
// Reads trivy's JSON, schema 2 (https://github.com/aquasecurity/trivy/blob/v0.72.0/pkg/types/report.go).
import type { Finding, JsonObject, Severity } from '@pratique/core';
import { fieldsOf, type Fields } from './json-fields.ts';
import type { ParsedReport } from './parsed-report.ts';

// "Results" is absent both when an image is clean and when nothing could be analysed; the packages tell which.
/** The report in `document`. Fails with `SCAN_REPORT_INVALID`. */
export function readTrivyReport(document: JsonObject): ParsedReport {
  const report = fieldsOf(document, 'trivy report', 'SCAN_REPORT_INVALID');
  if (report.count('SchemaVersion') !== 2) throw report.invalid('SchemaVersion', '2');
  if (report.text('ArtifactType') !== 'container_image') throw report.invalid('ArtifactType', 'container_image');
  const metadata = report.fields('Metadata');
  const os = metadata.optionalFields('OS');
  const family = os?.optionalText('Family');
  const results = report.list('Results');
  return {
    scanner: 'trivy',
    scannerVersion: report.optionalFields('Trivy')?.optionalText('Version') ?? 'unknown',
    configDigest: metadata.digest('ImageID'),
    diffIds: metadata.digests('DiffIDs'),
    ...(os && family && family !== 'none' ? { os: [family, os.optionalText('Name')].filter(Boolean).join(' ') } : {}),
    endOfLife: os?.flag('EOSL') ?? false,
    packageCount: countPackages(results),
    osPackageCount: countPackages(results.filter(isOs)),
    findings: results.flatMap((result) => result.list('Vulnerabilities').map((item) => readFinding(item, result))),
    createdAt: report.time('CreatedAt'),
  };
}

const countPackages = (results: readonly Fields[]): number => results.reduce((sum, result) => sum + result.list('Packages').length, 0);
const isOs = (result: Fields): boolean => result.optionalText('Class') === 'os-pkgs';

function readFinding(item: Fields, result: Fields): Finding {
  const aliases = item.texts('VendorIDs').filter(Boolean);
  const optional = {
    fixed: item.optionalText('FixedVersion'),
    purl: item.optionalFields('PkgIdentifier')?.optionalText('PURL'),
    // A lock file or a Go binary is the result's target itself; only packages that stand alone have a path of their own.
    path: item.optionalText('PkgPath') ?? (isOs(result) ? undefined : result.optionalText('Target')),
    title: item.optionalText('Title'),
    url: item.optionalText('PrimaryURL'),
    published: item.optionalTime('PublishedDate'),
  };
  return {
    id: item.text('VulnerabilityID'),
    ...(aliases.length > 0 ? { aliases } : {}),
    package: item.text('PkgName'),
    installed: item.optionalText('InstalledVersion') ?? '',
    severity: severityOf(item.optionalText('Severity')),
    class: isOs(result) ? 'os' : 'language',
    ...withoutAbsent(optional),
  };
}

/** The severity that a scanner wrote; what it did not rate, or rated in a word that is not known, is `unknown`. */
export function severityOf(word: string | undefined): Severity {
  const severity = word?.toLowerCase();
  return severity === 'critical' || severity === 'high' || severity === 'medium' || severity === 'low' || severity === 'negligible' ? severity : 'unknown';
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** `members` without those that are `undefined`. */
export function withoutAbsent<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}
