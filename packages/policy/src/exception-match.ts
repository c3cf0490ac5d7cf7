// SPDX-License-Identifier: Apache-2.0
// Which exception speaks of which finding, and whether it may.
import type { FailureCode, Finding } from '@pratique/core';
import type { Case } from './case.ts';
import type { ExceptionEntry } from './exceptions-file.ts';

/** Whether the exception names this finding: the vulnerability by any of its ids, the package and its version. */
export function speaksOf(entry: ExceptionEntry, finding: Finding): boolean {
  if (![finding.id, ...(finding.aliases ?? [])].includes(entry.id)) return false;
  if (entry.purl !== undefined) return finding.purl !== undefined && fitsPurl(entry.purl, finding.purl, entry.version === 'any');
  return entry.package === finding.package && (entry.version === 'any' || entry.version === finding.installed);
}

// purl-spec: scheme:type/namespace/name@version?qualifiers#subpath. Qualifiers that the exception does not write do not matter.
function fitsPurl(wanted: string, found: string, anyVersion: boolean): boolean {
  const a = splitPurl(wanted);
  const b = splitPurl(found);
  return a.name === b.name && (anyVersion || a.version === b.version) && a.qualifiers.every((pair) => b.qualifiers.includes(pair));
}

function splitPurl(purl: string): { name: string; version: string; qualifiers: string[] } {
  const [path = '', query = ''] = (purl.split('#', 1)[0] ?? '').split('?');
  const mark = path.lastIndexOf('@');
  const versioned = mark > path.lastIndexOf('/');
  return { name: versioned ? path.slice(0, mark) : path, version: versioned ? path.slice(mark + 1) : '', qualifiers: query.split('&').filter(Boolean) };
}

/** Why an exception does not count now, or `undefined` when it does. */
export function whyNot(entry: ExceptionEntry, { policy, now, approvals }: Pick<Case, 'policy' | 'now' | 'approvals'>): { code: FailureCode; why: string } | undefined {
  const day = (instant: Date): string => instant.toISOString().slice(0, 10);
  if (now > entry.expires) return { code: 'POLICY_EXCEPTION_EXPIRED', why: `expired on ${day(entry.expires)}` };
  if (entry.added !== undefined && entry.added > now) return { code: 'POLICY_EXCEPTION_INVALID', why: `was added on ${day(entry.added)}, which is yet to come` };
  const most = policy.exceptions['maximum-days'];
  const days = (entry.expires.getTime() - (entry.added ?? now).getTime()) / 86_400_000;
  // A last day counts to its end, hence one day more.
  if (days > most + 1) return { code: 'POLICY_EXCEPTION_INVALID', why: `lasts ${Math.ceil(days)} days, the policy allows ${most}` };
  if (policy.exceptions['require-approval'] === 'true' && approvals(entry) !== 'approved') {
    return { code: 'POLICY_EXCEPTION_INVALID', why: `is not proven to be approved by ${entry.approver}` };
  }
  return undefined;
}
