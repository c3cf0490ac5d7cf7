// SPDX-License-Identifier: Apache-2.0
// Findings of all platforms as one list, worst first, each once.
import type { Finding, ScanPredicate, Severity } from '@pratique/core';
import { findingKey, severities } from '@pratique/scan';

/** One finding and the platforms that have it. */
export interface SharedFinding {
  readonly finding: Finding;
  readonly platforms: readonly string[];
}

/** Worst first. Architecture is part of a distribution package's purl, so those count by package and version. */
export function shareFindings(scans: readonly ScanPredicate[]): SharedFinding[] {
  const shared = new Map<string, { finding: Finding; platforms: string[] }>();
  for (const { platform, findings } of scans) {
    for (const finding of findings) {
      const key = findingKey(finding.purl === undefined ? finding : { ...finding, purl: finding.purl.replace(/[?#].*$/, '') });
      const known = shared.get(key) ?? { finding, platforms: [] };
      if (!known.platforms.includes(platform)) known.platforms.push(platform);
      shared.set(key, known);
    }
  }
  const rank = ({ finding }: SharedFinding): number => severities.indexOf(finding.severity);
  return [...shared.values()].sort((a, b) => rank(a) - rank(b));
}

/** How many of each severity, and how many of all have a fixed version. */
export function countFindings(scans: readonly ScanPredicate[]): Record<Severity | 'fixable', number> {
  const counts = { critical: 0, high: 0, unknown: 0, medium: 0, low: 0, negligible: 0, fixable: 0 };
  for (const { finding } of shareFindings(scans)) {
    counts[finding.severity] += 1;
    if (finding.fixed !== undefined) counts.fixable += 1;
  }
  return counts;
}
