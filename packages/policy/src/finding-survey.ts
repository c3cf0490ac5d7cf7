// SPDX-License-Identifier: Apache-2.0
// The findings of an image as the gate sees them, also those of which no rule speaks: for people who look, not for the verdict.
import { formatPlatform, type Channel, type Evidence, type ImagePlatform, type Reason } from '@pratique/core';
import type { Approvals, SignedScan } from './case.ts';
import type { Exceptions } from './exceptions-file.ts';
import { uniteFindings, type UnitedFinding } from './finding-set.ts';
import type { Policy } from './policy-file.ts';
import { judgeFinding } from './rules/findings.ts';
import { chooseScans, countingScans } from './scan-choice.ts';
import type { Trust } from './trust-file.ts';

/** One finding, where it was seen, and what the policy says of it now. */
export interface JudgedFinding extends UnitedFinding {
  readonly reasons: readonly Reason[];
}

/** What the scans that count have seen. */
export interface FindingSurvey {
  /** Newest of each scanner and platform. No scan is not the same as no finding. */
  readonly scans: readonly (SignedScan & { readonly platform: ImagePlatform })[];
  /** United over scanners and platforms, worst first. */
  readonly findings: readonly JudgedFinding[];
}

export interface SurveyOptions {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly exceptions: Exceptions;
  readonly evidence: Evidence;
  readonly channel: Channel;
  readonly now: Date;
  /** Default: no exception is approved. */
  readonly approvals?: Approvals;
}

/** Surveys an image. Only scans count whose signer holds the role for the channel. */
export function surveyFindings(options: SurveyOptions): FindingSurvey {
  const at = { ...options, approvals: options.approvals ?? (() => 'unproven'), mode: 'promote', known: undefined } as const;
  const scans = countingScans({ scans: chooseScans(at) });
  const united = uniteFindings(at.policy, scans.map(({ platform, scan, statement }) => ({ scan: { ...scan, platform: formatPlatform(platform.platform) }, evidence: statement.attestation })));
  return { scans, findings: united.map((one) => ({ ...one, reasons: judgeFinding(at, one) })) };
}
