// SPDX-License-Identifier: Apache-2.0
// The summary for people: the end first, what to do next, what was found, worst first; how it was built is folded away.
import { formatImage, type Digest, type PinnedImage, type Reason, type ScanPredicate } from '@pratique/core';
import type { EvidenceManifest, TestReport } from '@pratique/scan';
import { code, count, countBySeverity, fence, findingTable, folded, prose, table, type ShownFinding } from '@pratique/step';
import { shareFindings } from './findings.ts';
import type { EarlyLook } from './scan-phase.ts';

export interface BuildSummary {
  /** Absent when it was not pushed. */
  readonly image: PinnedImage | undefined;
  /** The evidence manifest beside it; absent when it was not pushed. */
  readonly evidenceImage: PinnedImage | undefined;
  readonly digest: Digest;
  readonly evidence: EvidenceManifest;
  readonly scans: readonly ScanPredicate[];
  /** Path of the SARIF file; empty when this run scanned nothing. */
  readonly sarif: string;
  readonly look: EarlyLook | undefined;
  readonly notes: readonly string[];
  readonly refused: boolean;
}

const mostReasons = 40;

/** Markdown for the job summary; every foreign text in it is escaped and bounded. */
export function summarize(summary: BuildSummary): string {
  const findings = shownFindings(summary);
  return [
    `## ${title(summary)}`, '', lead(summary, findings), '', ...next(summary),
    ...(findings.length === 0 ? [] : [`### ${count(findings.length, 'finding')}`, '', ...findingTable({ findings, rest: whereTheRestIs(summary) })]),
    ...otherReasons(summary.look),
    ...summary.notes.slice(0, mostReasons).flatMap((note) => [`> ${prose(note)}`, '']),
    ...folded('How it was built and scanned', [...buildTable(summary), ...scanTable(summary.scans)]),
  ].join('\n');
}

/** Markdown for a run that ended at its tests. */
export function summarizeFailedTests(tests: TestReport): string {
  return ['## ⛔ Tests failed', '', `The stage ${code(tests.stage)} failed, so nothing was built. Run it on your machine:`, '', ...fence([`docker build --target ${tests.stage} .`], 'sh'), 'Its last lines:', '', ...fence(tests.tail.trimEnd().replaceAll('\r', '').split('\n').slice(-40))].join('\n');
}

function title({ refused, image, scans, evidence: { build } }: BuildSummary): string {
  const what = build.version === undefined ? '' : ` ${code(build.version)}`;
  if (refused) return `⛔ Not pushed:${what} cannot pass the policy`;
  if (image) return `📦 In quarantine:${what} ${code(image.repository)}`;
  return scans.length > 0 ? `🔎 Scanned:${what}` : `🔨 Built:${what}`;
}

function lead({ evidence: { build, tests }, scans, refused, look }: BuildSummary, findings: readonly ShownFinding[]): string {
  const fixable = findings.filter(({ finding }) => finding.fixed !== undefined).length;
  const found = scans.length === 0 ? 'not scanned yet' : `**${countBySeverity(findings)}**${fixable > 0 ? `, ${fixable === findings.length ? 'all' : fixable.toLocaleString('en-US')} with a fix` : ''}`;
  const tested = tests ? 'tests passed' : '⚠️ **no tests**: set <code>test-target</code>, or the gate may ask for a test result in vain';
  const denied = (look?.reasons ?? []).filter(({ effect }) => effect === 'deny').length;
  return [count(build.platforms.length, 'platform'), tested, found, ...(refused ? [`**${count(denied, 'reason')}** against it`] : [])].join(' · ');
}

function next({ image, evidenceImage, refused, scans }: BuildSummary): string[] {
  if (refused) return ['**Next:** mend what is marked ⛔ and build again. To look at it in quarantine all the same, set <code>push-refused: true</code>; the gate will refuse it there.', ''];
  if (image && evidenceImage) return ['**Next:** sign it. Nobody can deploy it before <code>quarantine-gate</code> has judged what <code>sign-and-attest</code> signs.', '', ...fence([`image: ${formatImage(image)}`, `evidence: ${formatImage(evidenceImage)}`], 'yaml')];
  const phase = scans.length > 0 ? 'push' : 'scan';
  return [`**Next:** <code>phases: ${phase}</code> on the same layout, in a job of its own.`, ''];
}

/** Each finding once, with what the early look says of it. */
function shownFindings({ scans, look }: BuildSummary): ShownFinding[] {
  const judged = (look?.reasons ?? []).flatMap((reason) => (reason.finding === undefined ? [] : [{ finding: reason.finding, platforms: reason.subject.split(', '), reason }]));
  const keyOf = (id: string, { finding }: ShownFinding): string => JSON.stringify([id, finding.package, finding.installed]);
  const told = new Set(judged.flatMap((one) => [one.finding.id, ...(one.finding.aliases ?? [])].map((id) => keyOf(id, one))));
  return [...judged, ...shareFindings(scans).filter((one) => !told.has(keyOf(one.finding.id, one)))];
}

const whereTheRestIs = ({ sarif }: BuildSummary): string => (sarif === '' ? 'the evidence beside the image' : `${code(sarif)} (output <code>sarif</code>; once uploaded, under Security, Code scanning)`);

function otherReasons(look: EarlyLook | undefined): string[] {
  const reasons = (look?.reasons ?? []).filter(({ finding }) => finding === undefined);
  const row = ({ effect, code: name, message, mend }: Reason): string[] => [`${effect === 'deny' ? '⛔' : '⚠️'} ${code(name)}`, prose(message), prose(mend)];
  const rest = reasons.length > mostReasons ? [`**${count(reasons.length - mostReasons, 'more')} of this kind.**`, ''] : [];
  return reasons.length === 0 ? [] : ['### The policy also says', '', ...table(['code', 'what', 'what to do'], reasons.slice(0, mostReasons).map(row)), ...rest];
}

function buildTable({ digest, evidence: { build, tests } }: BuildSummary): string[] {
  return table(['', ''], [
    ['digest', code(digest)],
    ['platforms', build.platforms.slice(0, mostReasons).map((one) => code(one.platform)).join(' ')],
    ['commit', code(build.revision)],
    ['builder', prose(`${build.builder.id} ${build.builder.version}`)],
    ['tests', tests ? `passed, stage ${code(tests.stage)}` : 'none'],
    ['isolation', build.isolation === 'job' ? 'phases in jobs of their own' : 'none: Dockerfile, scanner and registry credentials shared one job'],
  ]);
}

function scanTable(scans: readonly ScanPredicate[]): string[] {
  const row = (scan: ScanPredicate): string[] => [code(scan.platform), prose(scan.os ?? 'no distribution'), String(scan.packageCount), String(scan.findings.length), prose(`${scan.scanner.name} ${scan.scanner.version}`), prose(scan.database.updatedAt)];
  return table(['platform', 'distribution', 'packages', 'findings', 'scanner', 'database of'], scans.slice(0, mostReasons).map(row));
}
