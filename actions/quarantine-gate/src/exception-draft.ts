// SPDX-License-Identifier: Apache-2.0
// An entry for exceptions.yaml, ready to be filled in, for the worst finding that is refused.
import { fence, folded, type ShownFinding } from '@pratique/step';

// What people copy holds no text but names and versions as they are written everywhere.
const plain = /^[A-Za-z0-9@][A-Za-z0-9@:.,+~^_/-]{0,199}$/;

/** Folded Markdown; nothing without a refused finding whose names are plain. JSON strings are YAML strings. */
export function exceptionDraft(findings: readonly ShownFinding[]): string[] {
  const worst = findings.find(({ finding, reason }) => reason?.effect === 'deny' && [finding.id, finding.package, finding.installed || 'any'].every((text) => plain.test(text)))?.finding;
  if (worst === undefined) return [];
  const entry = { id: worst.id, package: worst.package, version: worst.installed || 'any', owner: 'WHO LOOKS AFTER IT', reason: 'WHY IT MAY PASS', expires: 'YYYY-MM-DD', approver: 'GITHUB-NAME' };
  const lines = Object.entries(entry).map(([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${JSON.stringify(value)}`);
  return folded('If one cannot be mended in time: an exception', [
    'Add it to <code>exceptions.yaml</code> on the default branch, by a pull request that the approver reviews:', '', ...fence(['exceptions:', ...lines], 'yaml'),
  ]);
}
