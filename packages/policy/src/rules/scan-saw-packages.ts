// SPDX-License-Identifier: Apache-2.0
// Rule: a scan that saw no package proves nothing; scanners end well on an image that they do not understand.
import { formatPlatform } from '@pratique/core';
import { nothing, reason, requires, type Rule } from '../case.ts';
import { countingScans } from '../scan-choice.ts';

export const scanSawPackages: Rule = (at) => (requires(at.policy, 'scan') ? {
  inputs: [],
  reasons: countingScans(at).filter(({ scan }) => scan.packageCount === 0).map(({ platform, statement, scan }) => reason({
    code: 'GATE_SCAN_EMPTY', rule: 'evidence.require', subject: platform.digest, evidence: statement.attestation, at: at.policy.evidence.at,
    message: `${scan.scanner.name} saw no package in ${formatPlatform(platform.platform)}`,
  })),
} : nothing);
