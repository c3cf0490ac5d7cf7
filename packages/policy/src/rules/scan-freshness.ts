// SPDX-License-Identifier: Apache-2.0
// Rule: the scans that the policy wants are fresh, by the trusted timestamp and by the scanner's own account.
import { formatPlatform, type Reason } from '@pratique/core';
import { nothing, reason, requires, type Case, type PlatformScans, type Rule, type SignedScan } from '../case.ts';
import { isFresh } from '../scan-choice.ts';

export const scanFreshness: Rule = (at) => (requires(at.policy, 'scan') ? { inputs: [], reasons: at.scans.flatMap((scans) => stale(at, scans)) } : nothing);

function stale(at: Case, { platform, chosen }: PlatformScans): Reason[] {
  const old = chosen.filter((signed) => !isFresh(signed, at.policy, at.now));
  const named = at.policy.evidence.scanners;
  const missed = old.length === chosen.length ? old : old.filter(({ scan }) => named.includes(scan.scanner.name));
  return missed.map((signed) => reason({
    code: 'GATE_SCAN_STALE', rule: 'freshness.scan-hours', subject: platform.digest, evidence: signed.statement.attestation, at: at.policy.freshness.at,
    message: `the scan of ${formatPlatform(platform.platform)} by ${signed.scan.scanner.name} ${ageOf(signed, at.now)}; the policy allows ${at.policy.freshness['scan-hours']} h`,
  }));
}

function ageOf({ statement, scan }: SignedScan, now: Date): string {
  const hours = (instant: Date): string => `${((now.getTime() - instant.getTime()) / 3_600_000).toFixed(1)} h`;
  return `ended ${hours(new Date(scan.finishedAt))} ago and was signed ${hours(statement.trustedTime)} ago`;
}
