// SPDX-License-Identifier: Apache-2.0
// Rule: Dockerfile, scanner and registry credentials did not share a job, where the policy wants that.
import { formatPlatform } from '@pratique/core';
import { nothing, reason, requires, type Rule } from '../case.ts';
import { countingScans } from '../scan-choice.ts';

export const isolation: Rule = (at) => (at.policy.isolation === 'job' && requires(at.policy, 'scan') ? {
  inputs: [],
  reasons: countingScans(at).filter(({ scan }) => scan.isolation !== 'job').map(({ platform, statement }) => reason({
    code: 'GATE_ISOLATION_MISSING', rule: 'isolation', subject: platform.digest, evidence: statement.attestation, at: at.policy.at,
    message: `${formatPlatform(platform.platform)} was built, scanned and pushed in one job`,
  })),
} : nothing);
