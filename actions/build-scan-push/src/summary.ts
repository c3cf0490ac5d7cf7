// SPDX-License-Identifier: Apache-2.0
// The summary for people: what was built, whether it was tested, what was found, worst first. Every foreign text is escaped.
import { escapeMarkdown, formatImage, type Digest, type PinnedImage, type Reason, type ScanPredicate } from '@pratique/core';
import type { EvidenceManifest, TestReport } from '@pratique/scan';
import { countFindings, shareFindings, type SharedFinding } from './findings.ts';
import type { EarlyLook } from './scan-phase.ts';

export interface BuildSummary {
  /** Absent when it was not pushed. */
  readonly image: PinnedImage | undefined;
  readonly digest: Digest;
  readonly evidence: EvidenceManifest;
  readonly scans: readonly ScanPredicate[];
  readonly look: EarlyLook | undefined;
  readonly notes: readonly string[];
  readonly refused: boolean;
}

const mostRows = 50;

/** Markdown for the job summary. */
export function summarize(summary: BuildSummary): string {
  const { build, tests } = summary.evidence;
  return `${[
    `## ${title(summary)}: ${code(build.version ?? summary.digest)}`, '',
    '| | |', '|---|---|',
    `| ${summary.image ? 'image' : 'digest'} | ${code(summary.image ? formatImage(summary.image) : summary.digest)} |`,
    `| platforms | ${build.platforms.map((one) => code(one.platform)).join(' ')} |`,
    `| commit | ${code(build.revision)} |`,
    `| builder | ${escapeMarkdown(`${build.builder.id} ${build.builder.version}`)} |`,
    `| tests | ${tests ? `✅ passed, stage ${code(tests.stage)}` : '⚠️ **none**: set <code>test-target</code>, or the gate may ask for a test result in vain'} |`,
    `| isolation | ${build.isolation === 'job' ? 'phases in jobs of their own' : 'none: Dockerfile, scanner and registry credentials shared one job'} |`, '',
    ...summary.notes.flatMap((note) => [`> ${escapeMarkdown(note)}`, '']),
    ...earlyLook(summary.look), ...findings(summary.scans),
  ].join('\n')}\n`;
}

/** Markdown for a run that ended at its tests. */
export function summarizeFailedTests(tests: TestReport): string {
  return [`## ⛔ Tests failed: stage ${code(tests.stage)}`, '', 'Nothing was built. The last lines:', '', ...quote(tests.tail), ''].join('\n');
}

function title({ refused, image, scans }: BuildSummary): string {
  if (refused) return '⛔ Cannot pass the policy, not pushed';
  if (image) return '📦 In quarantine';
  return scans.length > 0 ? '🔎 Scanned' : '📦 Built';
}

const code = (text: string): string => `<code>${escapeMarkdown(text)}</code>`;

// A fence could be closed by the text itself: each line becomes an indented code line instead.
const quote = (text: string): string[] => text.split('\n').map((line) => `    ${line.replaceAll('\r', '')}`);

function earlyLook(look: EarlyLook | undefined): string[] {
  if (look === undefined || look.reasons.length === 0) return [];
  const row = (reason: Reason): string => `| ${reason.effect} | ${code(reason.code)} | ${escapeMarkdown(reason.message)} | ${escapeMarkdown(reason.mend)} |`;
  return [
    `### Early look by the policy: ${look.verdict}`, '', '| effect | code | what | how to mend |', '|---|---|---|---|', ...look.reasons.slice(0, mostRows).map(row),
    ...more(look.reasons.length, '| | | '), '',
  ];
}

function findings(scans: readonly ScanPredicate[]): string[] {
  if (scans.length === 0) return ['Not scanned in this phase.', ''];
  const shared = shareFindings(scans);
  const counts = Object.entries(countFindings(scans)).filter(([, count]) => count > 0).map(([severity, count]) => `${count} ${severity}`);
  const scanners = [...new Set(scans.map((scan) => `${scan.scanner.name} ${scan.scanner.version}, database of ${scan.database.updatedAt}`))];
  return [
    `### Findings: ${counts.join(', ') || 'none'}`, '', scanners.map(escapeMarkdown).join('<br>'), '',
    ...scans.map((scan) => `- ${code(scan.platform)}: ${escapeMarkdown(scan.os ?? 'no distribution')}, ${scan.packageCount} packages, ${scan.findings.length} findings`), '',
    ...(shared.length === 0 ? [] : ['| severity | id | package | installed | fixed | platforms |', '|---|---|---|---|---|---|', ...shared.slice(0, mostRows).map(findingRow), ...more(shared.length, '| | | | | '), '']),
  ];
}

function findingRow({ finding, platforms }: SharedFinding): string {
  const cells = [finding.severity, finding.id, finding.package, finding.installed, finding.fixed ?? 'not yet', platforms.join(', ')];
  return `| ${cells.map(escapeMarkdown).join(' | ')} |`;
}

const more = (count: number, cells: string): string[] => (count > mostRows ? [`${cells}| … and ${count - mostRows} more |`] : []);
