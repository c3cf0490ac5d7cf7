// SPDX-License-Identifier: Apache-2.0
// Scanner reports, whoever wrote them, as findings.
import { Failure, isJsonObject, parseJsonObject, type Finding, type Severity } from '@pratique/core';
import { readGrypeReport } from './grype-report.ts';
import type { ParsedReport } from './parsed-report.ts';
import { readTrivyReport } from './trivy-report.ts';

/** Most bytes of a report that are read. */
export const reportLimit = 64 * 1024 * 1024;

/** Reads a trivy (schema 2) or grype JSON report. Fails with `SCAN_REPORT_INVALID`; never gives half of it. */
export function parseReport(report: Uint8Array): ParsedReport {
  if (report.byteLength > reportLimit) throw new Failure({ code: 'SCAN_REPORT_INVALID', message: `the report has ${report.byteLength} bytes; at most ${reportLimit} are read` });
  const document = parseJsonObject(report, 'the scanner report', 'SCAN_REPORT_INVALID');
  const parsed = isGrype(document) ? readGrypeReport(document) : readTrivyReport(document);
  return { ...parsed, findings: inOrder(parsed.findings) };
}

const isGrype = (document: Readonly<Record<string, unknown>>): boolean => 'matches' in document && isJsonObject(document['descriptor']);

/** Worst first. */
export const severities: readonly Severity[] = ['critical', 'high', 'unknown', 'medium', 'low', 'negligible'];

/** Worst first, then by id, package and path; each (id, package, path) once: the worst rating, and a fix when any of them names one. */
function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = (finding: Finding): string => `${severities.indexOf(finding.severity)} ${findingKey(finding)}`;
  const sorted = findings.map((finding) => ({ finding, rank: rank(finding) })).sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0));
  const unique = new Map<string, Finding>();
  for (const { finding } of sorted) {
    const worse = unique.get(findingKey(finding));
    unique.set(findingKey(finding), worse === undefined ? finding : { ...worse, ...(worse.fixed === undefined && finding.fixed !== undefined ? { fixed: finding.fixed } : {}) });
  }
  return [...unique.values()];
}

/** What makes two findings the same: id, purl (or package and version), path. */
export function findingKey(finding: Finding): string {
  return JSON.stringify([finding.id, finding.purl ?? `${finding.package}@${finding.installed}`, finding.path ?? '']);
}
