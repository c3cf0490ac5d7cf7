// SPDX-License-Identifier: Apache-2.0
// Findings of several scans united: one entry for one vulnerability in one package, the worse rating wins.
import type { Digest, Finding, ScanPredicate } from '@pratique/core';
import type { FindingRule, Policy } from './policy-file.ts';

/** One finding, where it was seen, and which attestations say so. */
export interface UnitedFinding {
  readonly finding: Finding;
  readonly platforms: readonly string[];
  readonly evidence: readonly Digest[];
}

export type RatedSeverity = FindingRule['severity'][number];

const worstFirst: readonly RatedSeverity[] = ['critical', 'high', 'medium', 'low', 'negligible'];

/** The severity that counts: unrated findings count as the policy says. */
export function ratingOf(finding: Finding, policy: Policy): RatedSeverity {
  return finding.severity === 'unknown' ? policy['unrated-as'] : finding.severity;
}

/** One name for a vulnerability that scanners name differently: its CVE where it has one. */
export function vulnerabilityOf(finding: Finding): string {
  return [finding.id, ...(finding.aliases ?? [])].filter((id) => id.startsWith('CVE-')).sort()[0] ?? finding.id;
}

// Where a distribution package lies does not matter; a language package may stand in several places.
function keyOf(finding: Finding): string {
  return JSON.stringify([vulnerabilityOf(finding), finding.package, finding.installed, finding.class === 'os' ? '' : (finding.path ?? '')]);
}

/** Whether two findings are the same vulnerability in the same package, whatever its version. */
export function isSameDebt(a: Finding, b: Finding): boolean {
  return vulnerabilityOf(a) === vulnerabilityOf(b) && a.package === b.package;
}

/** All findings of `scans`, each once, worst first, fixable before unfixable, then by name: never by the order of the scans. */
export function uniteFindings(policy: Policy, scans: readonly { readonly scan: ScanPredicate; readonly evidence?: Digest }[]): UnitedFinding[] {
  const seen = scans.flatMap(({ scan, evidence }) => scan.findings.map((finding) => ({ key: keyOf(finding), finding, platform: scan.platform, evidence })));
  const groups = Map.groupBy(seen, ({ key }) => key);
  const order = (finding: Finding): string => `${worstFirst.indexOf(ratingOf(finding, policy))} ${finding.fixed === undefined ? 1 : 0} ${keyOf(finding)}`;
  return [...groups.values()]
    .map((group): UnitedFinding => ({
      finding: worstOf(group.map(({ finding }) => finding), policy),
      platforms: [...new Set(group.map(({ platform }) => platform))].sort(),
      evidence: [...new Set(group.flatMap(({ evidence }) => evidence ?? []))].sort(),
    }))
    .sort((a, b) => (order(a.finding) < order(b.finding) ? -1 : 1));
}

// The worst rating, a fix when anybody knows one, every name.
function worstOf(findings: readonly Finding[], policy: Policy): Finding {
  const rank = (finding: Finding): string => `${worstFirst.indexOf(ratingOf(finding, policy))} ${finding.fixed === undefined ? 1 : 0} ${JSON.stringify(finding)}`;
  const sorted = [...findings].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const [worst] = sorted as [Finding];
  const fixed = sorted.find((finding) => finding.fixed !== undefined)?.fixed;
  const aliases = [...new Set(findings.flatMap((finding) => [finding.id, ...(finding.aliases ?? [])]))].filter((id) => id !== worst.id).sort();
  return { ...worst, ...(fixed === undefined ? {} : { fixed }), ...(aliases.length === 0 ? {} : { aliases }) };
}
