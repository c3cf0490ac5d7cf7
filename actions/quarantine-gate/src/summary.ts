// SPDX-License-Identifier: Apache-2.0
// The gate's answer for people: verdict first, what to do next, why, worst first; what it rests on is folded away.
import { formatImage, formatPlatform, shortenSigner, type Digest, type Evidence, type PinnedImage, type Reason, type Verdict } from '@pratique/core';
import { code, count, countBySeverity, fence, findingTable, folded, prose, shortDigest, table, type ShownFinding } from '@pratique/step';
import { exceptionDraft } from './exception-draft.ts';

export interface GateSummary {
  readonly image: PinnedImage;
  readonly release: PinnedImage;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly tags: readonly string[];
  readonly leftBehind: readonly Digest[];
  readonly policyNote: string;
  /** Digest of the signed verdict. */
  readonly attestation: Digest;
}

const mostReasons = 40;
const mostRows = 60;

/** Markdown for the job summary; every foreign string is escaped and bounded. */
export function summarize(summary: GateSummary): string {
  const { verdict } = summary;
  const findings = verdict.reasons.flatMap((reason): ShownFinding[] => (reason.finding === undefined ? [] : [{ finding: reason.finding, platforms: reason.subject.split(', '), reason }]));
  const others = verdict.reasons.filter(({ finding }) => finding === undefined);
  return [
    `## ${title(summary)}`, '', lead(summary, findings), '', ...next(summary),
    ...reasonTable('Why it is refused', others.filter(({ effect }) => effect === 'deny')),
    ...(findings.length === 0 ? [] : [`### ${count(findings.length, 'finding')} that the policy speaks of`, '', ...findingTable({ findings, rest: 'the scans that are attested with the image' })]),
    ...(verdict.result === 'refused' ? exceptionDraft(findings) : []),
    ...reasonTable('Told, not refused', others.filter(({ effect }) => effect !== 'deny')),
    ...folded('What the verdict rests on', [...factTable(summary), ...evidenceTable(summary), ...disbelieved(summary), ...left(summary)]),
  ].join('\n');
}

function title({ verdict, evidence, image }: GateSummary): string {
  const what = evidence.version === undefined ? shortDigest(image.digest) : code(evidence.version);
  if (verdict.result === 'refused') return `⛔ Refused: ${what}`;
  return verdict.channel === 'release' ? `✅ Released: ${what}` : `☑️ Passed for preview: ${what}`;
}

function lead({ verdict, tags }: GateSummary, findings: readonly ShownFinding[]): string {
  const of = (effect: Reason['effect']): number => verdict.reasons.filter((reason) => reason.effect === effect).length;
  const excepted = of('info');
  if (verdict.result === 'refused') {
    const denied = findings.filter(({ reason }) => reason?.effect === 'deny');
    return `**${count(of('deny'), 'reason')}** against it${denied.length > 0 ? ` (${countBySeverity(denied)})` : ''} · it stays in quarantine · the refusal is signed`;
  }
  return [
    tags.length > 0 ? `named ${tags.slice(0, 10).map((tag) => code(tag)).join(' ')}` : 'no tag was written', `rests on ${count(verdict.inputs.length, 'attestation')}`, `valid until ${verdict.validUntil.toISOString().slice(0, 10)}`,
    ...(of('warn') > 0 ? [`⚠️ ${count(of('warn'), 'warning')}`] : []), ...(excepted > 0 ? [`🕓 ${excepted} let pass by exception`] : []),
  ].join(' · ');
}

function next({ verdict, image, release }: GateSummary): string[] {
  if (verdict.result === 'refused') return ['**Next:** mend what is marked ⛔, build a new version, and release that one.', '', ...fence([formatImage(image)])];
  const where = verdict.channel === 'release' ? 'Deploy it by digest' : 'It may run in previews, and nowhere else';
  return [`**Next:** ${where}. Whoever deploys it asks first:`, '', ...fence([`pratique verify ${formatImage(release)} \\`, ...(verdict.channel === 'release' ? [] : ['  --channel preview \\']), `  --policy ${policySource(verdict.policy.uri)}`], 'sh')];
}

/** Without the commit: whoever deploys asks the trust that holds then. */
const policySource = (uri: string): string => uri.replace(/@[^@/]*$/, '');

function reasonTable(heading: string, reasons: readonly Reason[]): string[] {
  if (reasons.length === 0) return [];
  const row = (reason: Reason): string[] => {
    const place = reason.policy ? `, ${code(`${reason.policy.file}:${reason.policy.line}`, 120)}` : '';
    return [`${reason.effect === 'deny' ? '⛔' : '⚠️'} ${code(reason.code)}`, `${prose(reason.message)}<br><sub>${prose(reason.rule, 100)}${place}</sub>`, prose(reason.mend)];
  };
  const rest = reasons.length > mostReasons ? [`**${(reasons.length - mostReasons).toLocaleString('en-US')} more reasons; the output <code>reasons</code> holds the first 200.**`, ''] : [];
  return [`### ${heading}`, '', ...table(['code', 'what', 'what to do'], reasons.slice(0, mostReasons).map(row)), ...rest];
}

function factTable({ image, release, verdict, evidence, policyNote, attestation }: GateSummary): string[] {
  return table(['', ''], [
    [verdict.result === 'passed' ? 'released as' : 'held as', code(formatImage(verdict.result === 'passed' ? release : image))],
    ['channel', verdict.channel],
    ['platforms', evidence.platforms.slice(0, mostRows).map((one) => code(formatPlatform(one.platform), 80)).join(' ')],
    ['commit', code(evidence.revision ?? 'unknown')],
    ['policy', `${code(verdict.policy.uri)}<br>${code(verdict.policy.digest)}${policyNote ? `<br>${prose(policyNote)}` : ''}`],
    ['verdict', code(attestation)],
    ...(verdict.result === 'passed' ? [['valid until', verdict.validUntil.toISOString()]] : []),
  ]);
}

function evidenceTable({ evidence, verdict }: GateSummary): string[] {
  const counted = evidence.statements.filter((statement) => verdict.inputs.includes(statement.attestation));
  return table(['predicate', 'about', 'signer', 'trusted time'], counted.slice(0, mostRows).map((one) => [
    code(one.predicateType, 120), platformOf(evidence, one.subject), code(shortenSigner(one.signer)), one.trustedTime.toISOString(),
  ]));
}

function platformOf(evidence: Evidence, subject: Digest): string {
  const found = evidence.platforms.find(({ digest }) => digest === subject);
  return found === undefined ? shortDigest(subject) : code(formatPlatform(found.platform), 80);
}

function disbelieved({ evidence }: GateSummary): string[] {
  const lines = evidence.disbelieved.slice(0, mostRows).map((one) => `- ${code(one.attestation)} ${code(one.code)}: ${prose(one.reason, 300)}`);
  const rest = evidence.disbelieved.length - lines.length;
  return lines.length === 0 ? [] : ['Not believed:', '', ...lines, ...(rest > 0 ? [`- and ${rest} more`] : []), ''];
}

function left({ leftBehind }: GateSummary): string[] {
  const rest = leftBehind.length > mostRows ? [`and ${leftBehind.length - mostRows} more`] : [];
  return leftBehind.length === 0 ? [] : [`${count(leftBehind.length, 'referrer')} ${leftBehind.length === 1 ? 'stays' : 'stay'} in quarantine:`, '', ...fence([...leftBehind.slice(0, mostRows), ...rest])];
}
