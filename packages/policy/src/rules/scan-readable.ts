// SPDX-License-Identifier: Apache-2.0
// Rule: a signed scan that cannot be read whole proves nothing, and must not hide behind an older one.
import { formatPlatform } from '@pratique/core';
import { nothing, reason, requires, type Rule } from '../case.ts';

export const scanReadable: Rule = (at) => (requires(at.policy, 'scan') ? {
  inputs: [],
  reasons: at.scans.flatMap(({ platform, malformed }) => malformed.map((statement) => reason({
    code: 'ATTESTATION_MALFORMED', rule: 'evidence.require', subject: platform.digest, evidence: statement.attestation, at: at.policy.evidence.at,
    message: `the newest scan of ${formatPlatform(platform.platform)} is not of the shape scan/v1`, mend: 'Scan and sign again.',
  }))),
} : nothing);
