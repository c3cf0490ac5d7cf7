// SPDX-License-Identifier: Apache-2.0
// Findings for people: how many, what to update first, and a table, what is refused and what is worst first.
import type { Finding, Reason, Severity } from '@pratique/core';
import { code, count, folded, link, prose, table } from './markdown.ts';

/** A finding, the platforms that have it, and what the policy says of it. */
export interface ShownFinding {
  readonly finding: Finding;
  readonly platforms: readonly string[];
  readonly reason?: Reason | undefined;
}

export interface FindingTableOptions {
  /** In any order; a vulnerability in one package, and at one path, once. */
  readonly findings: readonly ShownFinding[];
  /** Markdown: where those stand that the table leaves out, as the end of "1,234 more stand in". */
  readonly rest: string;
}

const marks: Readonly<Record<Severity, string>> = { critical: '🔴', high: '🟠', unknown: '❔', medium: '🟡', low: '🔵', negligible: '⚪' };
const severities = Object.keys(marks) as Severity[];
const effects: readonly (Reason['effect'] | undefined)[] = ['deny', 'warn', undefined, 'info'];
const shownRows = 12;
const foldedRows = 88;
const shownUpdates = 5;

/** `🔴 1 critical · 🟠 2 high`; `no findings` without any. */
export function countBySeverity(findings: readonly ShownFinding[]): string {
  const groups = Map.groupBy(findings, ({ finding }) => finding.severity);
  const present = severities.filter((severity) => groups.has(severity));
  return present.map((severity) => `${marks[severity]} ${(groups.get(severity)?.length ?? 0).toLocaleString('en-US')} ${severity}`).join(' · ') || 'no findings';
}

/** The table; beyond 100 rows it counts. What cannot be seen at a glance has a list of updates before it. */
export function findingTable({ findings, rest }: FindingTableOptions): string[] {
  const sorted = [...findings].sort(worstFirst);
  const columns = columnsOf(sorted);
  const head = columns.map(({ name }) => name);
  const rows = sorted.slice(0, shownRows + foldedRows).map((one) => columns.map(({ cell }) => cell(one)));
  const left = sorted.length - rows.length;
  return [
    ...(sorted.length > shownUpdates ? updates(sorted) : []),
    ...(samePlatforms(sorted) ? [`${sorted.length > 1 ? 'Each on' : 'On'} ${prose(sorted[0]?.platforms.join(', ') ?? '', 200)}.`, ''] : []),
    ...table(head, rows.slice(0, shownRows)),
    ...folded(count(rows.length - shownRows, 'more finding'), table(head, rows.slice(shownRows))),
    ...(left > 0 ? [`**${left.toLocaleString('en-US')} more stand in ${rest}.**`, ''] : []),
  ];
}

function worstFirst(a: ShownFinding, b: ShownFinding): number {
  const rank = ({ finding, reason }: ShownFinding): number[] => [effects.indexOf(reason?.effect), severities.indexOf(finding.severity), finding.fixed === undefined ? 1 : 0];
  const [left, right] = [rank(a), rank(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? (a.finding.id < b.finding.id ? -1 : 1) : (left[at] ?? 0) - (right[at] ?? 0);
}

interface Column {
  readonly name: string;
  cell(one: ShownFinding): string;
}

/** Platforms stand there when they differ, the policy when it was asked. */
function columnsOf(findings: readonly ShownFinding[]): Column[] {
  const differ = !samePlatforms(findings);
  const judged = findings.some(({ reason }) => reason !== undefined);
  return [
    { name: 'severity', cell: ({ finding }) => `${marks[finding.severity]}&nbsp;${finding.severity}` },
    { name: 'vulnerability', cell: ({ finding }) => `${link(code(finding.id, 80), finding.url)}${small(finding.title === finding.id ? undefined : finding.title)}` },
    { name: 'package', cell: ({ finding }) => `${code(finding.package, 80)}${small(finding.class === 'language' ? finding.path : undefined)}` },
    { name: 'installed', cell: ({ finding }) => code(finding.installed || 'unknown', 60) },
    { name: 'fixed in', cell: ({ finding }) => (finding.fixed === undefined ? 'not yet' : code(finding.fixed, 60)) },
    ...(differ ? [{ name: 'platforms', cell: ({ platforms }: ShownFinding) => prose(platforms.join(', '), 80) }] : []),
    ...(judged ? [{ name: 'policy', cell: ({ reason }: ShownFinding) => (reason === undefined ? '' : ruleCell(reason)) }] : []),
  ];
}

const samePlatforms = (findings: readonly ShownFinding[]): boolean => new Set(findings.map(({ platforms }) => platforms.join())).size === 1;

const small = (text: string | undefined): string => (text === undefined ? '' : `<br><sub>${prose(text, 160)}</sub>`);

function ruleCell({ effect, rule, message, policy }: Reason): string {
  // Whose exception it is, and until when, stands behind what was found.
  if (effect === 'info') return `🕓 exception${small(message.replace(/^.*?; (?=let pass until )/, ''))}`;
  return `${effect === 'deny' ? '⛔' : '⚠️'} ${prose(rule, 60)}${small(policy === undefined ? undefined : `${policy.file.split('/').at(-1) ?? ''}:${policy.line}`)}`;
}

/** The updates that mend most of the worst. */
function updates(sorted: readonly ShownFinding[]): string[] {
  const fixable = sorted.filter(({ finding, reason }) => finding.fixed !== undefined && reason?.effect !== 'info');
  const groups = [...Map.groupBy(fixable, ({ finding }) => `${finding.package} ${finding.installed}`).values()].sort((a, b) => gravity(a) - gravity(b) || b.length - a.length);
  if (groups.length === 0) return [];
  const rest = groups.length > shownUpdates ? [`- and ${count(groups.length - shownUpdates, 'more update')}`] : [];
  return ['**Do first**', '', ...groups.slice(0, shownUpdates).map(updateLine), ...rest, ''];
}

function gravity([worst]: readonly ShownFinding[]): number {
  return worst === undefined ? severities.length : severities.indexOf(worst.finding.severity);
}

function updateLine(group: readonly ShownFinding[]): string {
  const [worst] = group as [ShownFinding];
  const versions = [...new Set(group.flatMap(({ finding }) => finding.fixed ?? []))];
  const target = versions.length === 1 ? code(versions[0] ?? '', 60) : `the newest of ${versions.slice(0, 4).map((version) => code(version, 60)).join(', ')}${versions.length > 4 ? ', …' : ''}`;
  return `- ${marks[worst.finding.severity]} Update ${code(worst.finding.package, 80)} ${prose(worst.finding.installed, 60)} to ${target}: mends ${count(group.length, 'finding')}`;
}
