// SPDX-License-Identifier: Apache-2.0
// The gate's answer for people: verdict first, then why, worst first, then what it rests on.
import { escapeMarkdown, formatImage, formatPlatform, shortenSigner, type Digest, type Evidence, type PinnedImage, type Reason, type Verdict } from '@pratique/core';

export interface GateSummary {
  readonly image: PinnedImage;
  readonly release: PinnedImage;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly tags: readonly string[];
  readonly leftBehind: readonly Digest[];
  readonly policyNote: string;
}

const mostReasons = 60;

/** Markdown for the job summary; every foreign string is escaped. */
export function summarize(summary: GateSummary): string {
  const { verdict, evidence } = summary;
  const passed = verdict.result === 'passed';
  const lines = [
    `## ${passed ? '✅ Released' : '⛔ Refused'}: ${code(evidence.version ?? summary.image.digest)}`, '',
    `| | |`, `|---|---|`,
    `| image | ${code(formatImage(passed ? summary.release : summary.image))} |`,
    `| channel | ${verdict.channel} |`,
    `| policy | ${code(verdict.policy.uri)}<br>${code(verdict.policy.digest)}${summary.policyNote ? `<br>${escapeMarkdown(summary.policyNote)}` : ''} |`,
    ...(passed ? [`| tags | ${summary.tags.map(code).join(' ') || 'none'} |`, `| valid until | ${verdict.validUntil.toISOString()} |`] : []),
    `| platforms | ${evidence.platforms.map((one) => code(formatPlatform(one.platform))).join(' ')} |`, '',
    ...reasonTable('Why it is refused', verdict.reasons.filter((reason) => reason.effect === 'deny')),
    ...reasonTable('Told, not refused', verdict.reasons.filter((reason) => reason.effect !== 'deny')),
    ...evidenceTable(summary),
  ];
  return `${lines.join('\n')}\n`;
}

const code = (text: string): string => `<code>${escapeMarkdown(text)}</code>`;

function reasonTable(title: string, reasons: readonly Reason[]): string[] {
  if (reasons.length === 0) return [];
  const rows = reasons.slice(0, mostReasons).map((reason) => {
    const place = reason.policy ? `<br>${code(`${reason.policy.file}:${reason.policy.line}`)}` : '';
    return `| ${code(reason.code)} | ${escapeMarkdown(reason.message)} | ${escapeMarkdown(reason.rule)}${place} | ${escapeMarkdown(reason.mend)} |`;
  });
  const rest = reasons.length > mostReasons ? [`| | … and ${reasons.length - mostReasons} more | | |`] : [];
  return [`### ${title}`, '', '| code | what | rule | how to mend |', '|---|---|---|---|', ...rows, ...rest, ''];
}

function evidenceTable({ evidence, verdict, leftBehind }: GateSummary): string[] {
  const rows = evidence.statements.filter((statement) => verdict.inputs.includes(statement.attestation)).map((statement) => {
    return `| ${code(statement.predicateType)} | ${code(statement.subject.slice(0, 19))} | ${code(shortenSigner(statement.signer))} | ${statement.trustedTime.toISOString()} |`;
  });
  const disbelieved = evidence.disbelieved.map((one) => `- ${code(one.attestation)} ${escapeMarkdown(one.code)}: ${escapeMarkdown(one.reason)}`);
  return [
    '<details><summary>Evidence</summary>', '', '| predicate | subject | signer | trusted time |', '|---|---|---|---|', ...rows, '',
    ...(disbelieved.length > 0 ? ['Not believed:', '', ...disbelieved.slice(0, 50), ''] : []),
    ...(leftBehind.length > 0 ? [`${leftBehind.length} referrer(s) stay in quarantine: ${leftBehind.slice(0, 20).map(code).join(' ')}`, ''] : []), '</details>',
  ];
}
