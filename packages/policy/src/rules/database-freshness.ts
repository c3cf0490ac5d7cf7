// SPDX-License-Identifier: Apache-2.0
// Rule: the vulnerability database of a scan is fresh. A scanner is content with any database that it finds.
import { formatPlatform } from '@pratique/core';
import { nothing, reason, requires, type Rule } from '../case.ts';
import { countingScans, isWithin } from '../scan-choice.ts';

export const databaseFreshness: Rule = (at) => {
  if (!requires(at.policy, 'scan')) return nothing;
  const hours = at.policy.freshness['database-hours'];
  const stale = countingScans(at).filter(({ scan }) => !isWithin(new Date(scan.database.updatedAt), hours, at.now));
  return {
    inputs: [],
    reasons: stale.map(({ platform, statement, scan }) => reason({
      code: 'GATE_DATABASE_STALE', rule: 'freshness.database-hours', subject: platform.digest, evidence: statement.attestation, at: at.policy.freshness.at,
      message: `${scan.scanner.name} scanned ${formatPlatform(platform.platform)} with a database of ${scan.database.updatedAt}; the policy allows ${hours} h`,
    })),
  };
};
