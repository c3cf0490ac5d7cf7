// SPDX-License-Identifier: Apache-2.0
// The judgment: a pure function of policy, trust, evidence, exceptions and the clock.
import type { Channel, Digest, Evidence, Reason, ScanPredicate, Verdict } from '@pratique/core';
import type { Approvals, Case, JudgeMode, Rule } from './case.ts';
import type { Exceptions } from './exceptions-file.ts';
import { uniteFindings } from './finding-set.ts';
import type { Policy } from './policy-file.ts';
import { judgeFindings } from './rules/findings.ts';
import { rules } from './rules/index.ts';
import { chooseScans } from './scan-choice.ts';
import type { Trust } from './trust-file.ts';

export interface EvaluateOptions {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly evidence: Evidence;
  readonly exceptions: Exceptions;
  /** Which exceptions were proven to be approved. Default: none. */
  readonly approvals?: Approvals;
  readonly now: Date;
  readonly channel: Channel;
  readonly mode: JudgeMode;
  /** Evidence of the image that is deployed now; findings say whether they are new since then. It lets nothing pass. */
  readonly baseline?: Evidence;
  /** Where the policy came from, and the digest of its files: they stand in the verdict. */
  readonly uri: string;
  readonly digest: Digest;
}

const effects: readonly Reason['effect'][] = ['deny', 'warn', 'info'];

/** Judges an image. A refusal is a value. Every reason has a code, the rule, where it stands, the evidence, and how it is mended. */
export function evaluate(options: EvaluateOptions): Verdict {
  return evaluateBy(Object.values(rules), options);
}

/** `evaluate` by a choice of rules, so that a test can show what each one is for. */
export function evaluateBy(chosen: readonly Rule[], options: EvaluateOptions): Verdict {
  const { policy, now, channel, uri, digest, approvals = () => 'unproven' } = options;
  const given = { ...options, approvals };
  const at: Case = { ...given, scans: chooseScans(given) };
  const outcomes = chosen.map((rule) => rule(at));
  const told = unique(outcomes.flatMap((outcome) => inOrder(outcome.reasons)));
  const reasons = effects.flatMap((effect) => told.filter((one) => one.effect === effect));
  return {
    result: reasons.some(({ effect }) => effect === 'deny') ? 'refused' : 'passed',
    channel, reasons,
    policy: { uri, digest },
    inputs: [...new Set(outcomes.flatMap(({ inputs }) => inputs))].sort(),
    decidedAt: now,
    validUntil: new Date(now.getTime() + policy.verdict['valid-days'] * 86_400_000),
  };
}

const keyOf = (one: Reason): string => JSON.stringify([one.code, one.rule, one.subject, one.message, one.evidence]);

// Findings come worst first from their rule; what another rule says of statements is put in an order that does not depend on theirs.
function inOrder(reasons: readonly Reason[]): Reason[] {
  const ofFindings = (one: Reason): boolean => one.finding !== undefined || one.code.startsWith('POLICY_EXCEPTION');
  return [...reasons.filter((one) => !ofFindings(one)).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)), ...reasons.filter(ofFindings)];
}

function unique(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.map((one) => [keyOf(one), one])).values()];
}

export interface JudgeScansOptions {
  readonly policy: Policy;
  readonly scans: readonly ScanPredicate[];
  readonly exceptions: Exceptions;
  readonly now: Date;
  /** Default: none is approved. */
  readonly approvals?: Approvals;
}

/** The rules on findings alone, on scans that nobody has signed yet: the early look before a push. */
export function judgeScans({ policy, scans, exceptions, now, approvals = () => 'unproven' }: JudgeScansOptions): Reason[] {
  const reasons = judgeFindings({ policy, exceptions, now, approvals, mode: 'promote', known: undefined }, uniteFindings(policy, scans.map((scan) => ({ scan }))));
  return effects.flatMap((effect) => reasons.filter((one) => one.effect === effect));
}
