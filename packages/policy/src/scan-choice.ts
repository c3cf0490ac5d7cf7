// SPDX-License-Identifier: Apache-2.0
// Which scans count: per platform and scanner the newest, and of those the fresh ones where there are any.
import { predicateTypes, type ImagePlatform } from '@pratique/core';
import { credible, newest, type Case, type PlatformScans, type SignedScan } from './case.ts';
import type { Policy } from './policy-file.ts';
import { readScanPredicate } from './scan-predicate.ts';

/** Clocks of scanner, timestamp authority and gate may differ by this much. */
const toleratedSkewMilliseconds = 300_000;

/** Whether an instant lies within the last `hours`. What lies in the future is not fresh, it is wrong. */
export function isWithin(instant: Date, hours: number, now: Date): boolean {
  const age = now.getTime() - instant.getTime();
  return age >= -toleratedSkewMilliseconds && age <= hours * 3_600_000;
}

/** Whether both the trusted time of the signature and the scanner's own end of work are fresh. */
export function isFresh({ statement, scan }: SignedScan, policy: Policy, now: Date): boolean {
  const hours = policy.freshness['scan-hours'];
  return isWithin(statement.trustedTime, hours, now) && isWithin(new Date(scan.finishedAt), hours, now);
}

/** The scans of every platform. */
export function chooseScans(at: Omit<Case, 'scans'>): PlatformScans[] {
  return at.evidence.platforms.map((platform) => {
    const statements = credible(at, platform.digest, [predicateTypes.scan]);
    const read = statements.flatMap((statement): SignedScan[] => {
      const scan = readScanPredicate(statement.predicate);
      return scan === undefined ? [] : [{ statement, scan }];
    });
    const readable = new Map(read.map((signed) => [signed.statement, signed]));
    const chosen = [...Map.groupBy(read, ({ scan }) => scan.scanner.name).values()]
      .flatMap((ofScanner) => newest(ofScanner.map(({ statement }) => statement)))
      .flatMap((statement) => readable.get(statement) ?? []);
    const fresh = chosen.filter((signed) => isFresh(signed, at.policy, at.now));
    const latestRead = Math.max(...read.map(({ statement }) => statement.trustedTime.getTime()));
    const malformed = statements.filter((statement) => !readable.has(statement) && statement.trustedTime.getTime() >= latestRead);
    return { platform, chosen, counting: fresh.length > 0 ? fresh : chosen, malformed };
  });
}

/** Every scan that counts, with its platform. */
export function countingScans({ scans }: Pick<Case, 'scans'>): (SignedScan & { readonly platform: ImagePlatform })[] {
  return scans.flatMap(({ platform, counting }) => counting.map((signed) => ({ ...signed, platform })));
}
