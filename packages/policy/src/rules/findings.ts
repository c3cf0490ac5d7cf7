// SPDX-License-Identifier: Apache-2.0
// Rule: the findings of all scans that count, each judged by the rules of the policy and its exceptions.
import { formatPlatform, predicateTypes, type Finding, type Reason } from '@pratique/core';
import { reason, type Case, type Rule } from '../case.ts';
import { speaksOf, whyNot } from '../exception-match.ts';
import type { ExceptionEntry } from '../exceptions-file.ts';
import { isSameDebt, ratingOf, uniteFindings, vulnerabilityOf, type UnitedFinding } from '../finding-set.ts';
import type { FindingRule, Policy } from '../policy-file.ts';
import { countingScans } from '../scan-choice.ts';
import { readScanPredicate } from '../scan-predicate.ts';

type Judged = Pick<Case, 'policy' | 'exceptions' | 'approvals' | 'now' | 'mode'> & { readonly known: readonly Finding[] | undefined };

export const findings: Rule = (at) => {
  const scans = countingScans(at).map(({ platform, scan, statement }) => ({ scan: { ...scan, platform: formatPlatform(platform.platform) }, evidence: statement.attestation }));
  return { inputs: [], reasons: judgeFindings({ ...at, known: knownFindings(at) }, uniteFindings(at.policy, scans)) };
};

/** Reasons for findings, and for the exceptions that were used, refused or idle. */
export function judgeFindings(at: Judged, united: readonly UnitedFinding[]): Reason[] {
  const used = new Set(united.flatMap(({ finding }) => entriesOf(at, finding)));
  return [...united.flatMap((one) => judgeFinding(at, one)), ...at.exceptions.exceptions.filter((entry) => !used.has(entry)).map(idle)];
}

/** What the policy says of one finding; nothing when no rule fits it. */
export function judgeFinding(at: Judged, one: UnitedFinding): Reason[] {
  const rule = strongest(at.policy, one.finding);
  return rule === undefined ? [] : judgeOne(at, one, rule, entriesOf(at, one.finding));
}

function entriesOf({ exceptions }: Judged, finding: Finding): ExceptionEntry[] {
  return exceptions.exceptions.filter((entry) => speaksOf(entry, finding));
}

function strongest(policy: Policy, finding: Finding): FindingRule | undefined {
  const fits = policy.findings.filter((rule) => rule.severity.includes(ratingOf(finding, policy))
    && (rule.fixable === 'any' || (rule.fixable === 'true') === (finding.fixed !== undefined))
    && (rule.class === 'any' || rule.class === finding.class));
  return fits.find(({ effect }) => effect === 'deny') ?? fits[0];
}

function judgeOne(at: Judged, one: UnitedFinding, rule: FindingRule, entries: readonly ExceptionEntry[]): Reason[] {
  const states = entries.map((entry) => ({ entry, not: whyNot(entry, at) }));
  const valid = states.find(({ not }) => not === undefined)?.entry;
  const [evidence] = one.evidence;
  const base = { rule: rule.name, subject: one.platforms.join(', '), at: rule.at, ...(evidence === undefined ? {} : { evidence }) };
  const what = describe(at, one.finding);
  if (valid !== undefined) {
    const message = `${what}; let pass until ${valid.expires.toISOString().slice(0, 10)} by the exception of ${valid.owner} (${valid.at.file}:${valid.at.line}): ${valid.reason}`;
    return [{ ...reason({ ...base, effect: 'info', code: 'GATE_FINDING_EXCEPTED', message }), finding: one.finding }];
  }
  const code = rule.effect === 'deny' ? 'GATE_FINDING_DENIED' : 'GATE_FINDING_WARNED';
  const told = { ...reason({ ...base, effect: rule.effect, code, message: what, mend: mendOf(at, one.finding) }), finding: one.finding };
  return [told, ...states.flatMap(({ entry, not }) => (not === undefined ? [] : [reason({
    effect: rule.effect, code: not.code, rule: 'exceptions', subject: entry.id, at: entry.at, message: `the exception for ${entry.id} of ${entry.owner} does not count: it ${not.why}`,
  })]))];
}

function describe(at: Judged, finding: Finding): string {
  const severity = finding.severity === 'unknown' ? `unrated, counts as ${at.policy['unrated-as']}` : finding.severity;
  const age = at.known === undefined ? '' : at.known.some((other) => isSameDebt(other, finding)) ? ', known from the deployed image' : ', new since the deployed image';
  return `${vulnerabilityOf(finding)} (${severity}${age}) in ${finding.package} ${finding.installed} → ${finding.fixed === undefined ? 'no fix yet' : `fixed in ${finding.fixed}`}`;
}

function mendOf(at: Judged, finding: Finding): string {
  const release = at.mode === 'rescan' ? 'and release a new version, or revoke this one' : 'and build again';
  if (finding.fixed !== undefined) return `Update ${finding.package} to ${finding.fixed} ${release}.`;
  return `Remove or replace ${finding.package} ${release}; or enter an exception with owner, reason, expiry and approver.`;
}

function idle(entry: ExceptionEntry): Reason {
  return reason({ effect: 'warn', code: 'POLICY_EXCEPTION_UNUSED', rule: 'exceptions', subject: entry.id, at: entry.at, message: `the exception for ${entry.id} of ${entry.owner} fits no finding` });
}

// The deployed image only explains ("new" or "known"); it never lets anything pass, so its age and signer do not matter here.
function knownFindings({ baseline }: Case): Finding[] | undefined {
  return baseline?.statements.filter(({ predicateType }) => predicateType === predicateTypes.scan).flatMap(({ predicate }) => readScanPredicate(predicate)?.findings ?? []);
}
