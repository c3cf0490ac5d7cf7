// SPDX-License-Identifier: Apache-2.0
// Rule: a scan speaks of exactly the config and layers that the platform has.
import { formatPlatform } from '@pratique/core';
import { nothing, reason, requires, type Rule } from '../case.ts';
import { countingScans } from '../scan-choice.ts';

export const scanBound: Rule = (at) => (requires(at.policy, 'scan') ? {
  inputs: [],
  reasons: countingScans(at).flatMap(({ platform, statement, scan }) => {
    const name = formatPlatform(platform.platform);
    const differs = [
      ...(scan.platform === name ? [] : ['platform']),
      ...(scan.configDigest === platform.configDigest ? [] : ['config digest']),
      ...(scan.diffIds.join() === platform.diffIds.join() ? [] : ['layers']),
    ];
    if (differs.length === 0) return [];
    const message = `the scan of ${name} by ${scan.scanner.name} speaks of another image: ${differs.join(', ')} differ`;
    return [reason({ code: 'GATE_SCAN_UNBOUND', rule: 'evidence.require', subject: platform.digest, message, evidence: statement.attestation, at: at.policy.evidence.at })];
  }),
} : nothing);
