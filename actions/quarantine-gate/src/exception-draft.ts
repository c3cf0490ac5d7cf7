// SPDX-License-Identifier: Apache-2.0
// An entry for exceptions.yaml, ready to be filled in, for the worst finding that is refused.
import { fence, folded, type ShownFinding } from '@pratique/step';

/** Folded Markdown; nothing without a refused finding. JSON strings are YAML strings, so that no foreign text breaks out of its value. */
export function exceptionDraft(findings: readonly ShownFinding[]): string[] {
  const worst = findings.find(({ reason }) => reason?.effect === 'deny')?.finding;
  if (worst === undefined) return [];
  const entry = { id: worst.id, package: worst.package, version: worst.installed || 'any', owner: 'WHO LOOKS AFTER IT', reason: 'WHY IT MAY PASS', expires: 'YYYY-MM-DD', approver: 'GITHUB-NAME' };
  const lines = Object.entries(entry).map(([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${JSON.stringify(value.slice(0, 200))}`);
  return folded('If one cannot be mended in time: an exception', [
    'Add it to <code>exceptions.yaml</code> on the default branch, by a pull request that the approver reviews:', '', ...fence(['exceptions:', ...lines], 'yaml'),
  ]);
}
