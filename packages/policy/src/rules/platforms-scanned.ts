// SPDX-License-Identifier: Apache-2.0
// Rule: every runnable platform has a scan by every scanner that the policy names, and by one at least.
import { formatPlatform, predicateTypes, type Reason } from '@pratique/core';
import { nothing, reason, requires, whyNothing, type Case, type PlatformScans, type Rule } from '../case.ts';

export const platformsScanned: Rule = (at) => {
  if (!requires(at.policy, 'scan')) return nothing;
  const reasons = at.scans.length === 0 ? [noPlatform(at)] : at.scans.flatMap((scans) => unscanned(at, scans));
  return { reasons, inputs: at.scans.flatMap(({ counting }) => counting.map(({ statement }) => statement.attestation)) };
};

function noPlatform(at: Case): Reason {
  return reason({ code: 'GATE_PLATFORM_UNSCANNED', rule: 'evidence.require', subject: at.evidence.image.digest, message: 'the image has no runnable platform, so nothing of it was scanned', at: at.policy.evidence.at });
}

function unscanned(at: Case, { platform, chosen }: PlatformScans): Reason[] {
  const name = formatPlatform(platform.platform);
  const of = (message: string): Reason => reason({ code: 'GATE_PLATFORM_UNSCANNED', rule: 'evidence.require', subject: platform.digest, message, at: at.policy.evidence.at });
  if (chosen.length === 0) return [of(`${name} has no scan that counts${whyNothing(at, platform.digest, [predicateTypes.scan])}`)];
  const scanners = chosen.map(({ scan }) => scan.scanner.name);
  return at.policy.evidence.scanners.filter((scanner) => !scanners.includes(scanner)).map((scanner) => of(`${name} was not scanned by ${scanner}, only by ${[...new Set(scanners)].join(', ')}`));
}
