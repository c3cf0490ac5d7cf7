// SPDX-License-Identifier: Apache-2.0
// What every rule is given, how a statement comes to count, and how a reason is made.
import {
  failureCodes, formatSigner, predicateTypes,
  type Channel, type Digest, type Evidence, type FailureCode, type ImagePlatform, type Reason, type ScanPredicate, type TrustRole, type VerifiedStatement,
} from '@pratique/core';
import type { ExceptionEntry, Exceptions } from './exceptions-file.ts';
import type { EvidenceKind, Policy } from './policy-file.ts';
import { rolesOf } from './roles.ts';
import type { Trust } from './trust-file.ts';
import type { Place } from './yaml.ts';

/** Whether the review of an exception was proven; looking it up is not this package's work. */
export type Approvals = (entry: ExceptionEntry) => 'approved' | 'unproven';

/** Why the image is judged: to leave quarantine, or again after it has left. */
export type JudgeMode = 'promote' | 'rescan';

/** One signed scan that was read. */
export interface SignedScan {
  readonly statement: VerifiedStatement;
  readonly scan: ScanPredicate;
}

export interface PlatformScans {
  readonly platform: ImagePlatform;
  /** Newest of each scanner. */
  readonly chosen: readonly SignedScan[];
  /** The fresh ones among them; all of them when none is fresh, so that one refusal tells everything. */
  readonly counting: readonly SignedScan[];
  /** Newest of what could not be read, unless a readable scan came after it. */
  readonly malformed: readonly VerifiedStatement[];
}

export interface Case {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly evidence: Evidence;
  readonly exceptions: Exceptions;
  readonly approvals: Approvals;
  readonly now: Date;
  readonly channel: Channel;
  readonly mode: JudgeMode;
  readonly baseline?: Evidence;
  readonly scans: readonly PlatformScans[];
}

/** What one rule says: its reasons, and the attestations on which they rest. */
export interface Outcome {
  readonly reasons: readonly Reason[];
  readonly inputs: readonly Digest[];
}

export type Rule = (at: Case) => Outcome;

export const nothing: Outcome = { reasons: [], inputs: [] };

/** Which role may say what. A predicate from another role does not count. */
const rolesByPredicate: ReadonlyMap<string, readonly TrustRole[]> = new Map([
  [predicateTypes.signature, ['build']],
  [predicateTypes.provenance, ['build']],
  [predicateTypes.tests, ['build']],
  [predicateTypes.scan, ['scan']],
  [predicateTypes.vulnerabilities, ['scan']],
  [predicateTypes.cyclonedx, ['build', 'scan']],
  [predicateTypes.spdx, ['build', 'scan']],
  [predicateTypes.verdict, ['gate']],
  [predicateTypes.deployment, ['deploy']],
]);

/** Whether a signer with `roles` may make a statement of this type. Types that nobody here reads count from nobody; a stranger may have chosen the type. */
export function mayState(predicateType: string, roles: readonly TrustRole[]): boolean {
  return rolesByPredicate.get(predicateType)?.some((role) => roles.includes(role)) === true;
}

type Stated = Pick<Case, 'trust' | 'evidence' | 'channel'>;

/** Statements of these types on `subject` by signers that hold the role for it. Roles are worked out anew: those kept in the evidence may be of another channel. */
export function credible({ trust, evidence, channel }: Stated, subject: Digest, types: readonly string[]): VerifiedStatement[] {
  return evidence.statements.filter((statement) => statement.subject === subject && types.includes(statement.predicateType)
    && mayState(statement.predicateType, rolesOf(trust, statement.signer, statement.trustedTime, channel)));
}

/** The newest by trusted time; all of them when several share it, so that their order never matters. */
export function newest(statements: readonly VerifiedStatement[]): VerifiedStatement[] {
  const latest = Math.max(...statements.map(({ trustedTime }) => trustedTime.getTime()));
  return statements.filter(({ trustedTime }) => trustedTime.getTime() === latest);
}

/** Whether the policy wants this kind. A rule that denies findings is worth nothing without a scan. */
export function requires(policy: Policy, kind: EvidenceKind): boolean {
  return policy.evidence.require.includes(kind) || (kind === 'scan' && policy.findings.some(({ effect }) => effect === 'deny'));
}

export interface ReasonOptions {
  readonly effect?: Reason['effect'];
  readonly code: FailureCode;
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
  readonly mend?: string;
  readonly evidence?: Digest;
  readonly at: Place;
}

/** A reason; it denies unless `effect` says otherwise, and is mended as its code says unless `mend` does. */
export function reason({ effect = 'deny', mend, at, ...rest }: ReasonOptions): Reason {
  return { effect, mend: mend ?? failureCodes[rest.code].mend, policy: { file: at.file, line: at.line }, ...rest };
}

/** Why nothing of these types counts on `subject`, for the end of a message. */
export function whyNothing({ evidence }: Stated, subject: Digest, types: readonly string[]): string {
  const others = evidence.statements.filter((statement) => statement.subject === subject && types.includes(statement.predicateType));
  const refused = evidence.disbelieved.filter((referrer) => referrer.subject === subject && referrer.artifactType?.startsWith('application/vnd.dev.sigstore.bundle'));
  const parts = [
    ...(others.length > 0 ? [`${others.length} by signers without the role for it (${others.map(({ signer }) => formatSigner(signer)).slice(0, 3).join(', ')})`] : []),
    ...(refused.length > 0 ? [`${refused.length} referrers not believed (${refused.slice(0, 3).map(({ code, reason: why }) => `${code}: ${why}`).join('; ')})`] : []),
  ];
  return parts.length === 0 ? '' : `; seen: ${parts.join(', ')}`;
}
