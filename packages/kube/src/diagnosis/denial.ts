// SPDX-License-Identifier: Apache-2.0
// What the words of admission mean: quota, pod security, webhooks, policies.
import { clean } from './clean.ts';
import type { DiagnosisFinding } from './finding.ts';

/** Why admission refused an object, from the message of the API server. */
export function explainDenial(message: string): Pick<DiagnosisFinding, 'code' | 'cause' | 'mend'> {
  const [, quota, asked] = /exceeded quota: ([^,]+), requested: (.+)/.exec(message) ?? [];
  if (quota !== undefined) return { code: 'QUOTA_EXCEEDED', cause: `the quota "${clean(quota)}" of the namespace is used up`, mend: `Requested: ${clean(asked ?? '')}. Ask for less, or raise it: kubectl edit resourcequota ${clean(quota)}` };
  if (/failed quota: .*must specify/.test(message)) return { code: 'QUOTA_EXCEEDED', cause: 'the quota of the namespace demands requests and limits that the pods do not have', mend: 'Set resources.requests and resources.limits of every container, or a LimitRange with defaults.' };
  const [, level, what] = /violates PodSecurity "([^"]+)": (.+)/.exec(message) ?? [];
  if (level !== undefined) return { code: 'POD_SECURITY', cause: `the namespace enforces pod security "${clean(level)}"`, mend: `Change the security context: ${clean(what ?? '')}` };
  const [, webhook] = /admission webhook "([^"]+)" denied/.exec(message) ?? [];
  if (webhook !== undefined) return { code: 'ADMISSION_DENIED', cause: `the admission webhook "${clean(webhook)}" refused the pods`, mend: 'The evidence is what it says; change the chart to follow it, or ask the owner of the policy.' };
  if (/ValidatingAdmissionPolicy/.test(message)) return { code: 'ADMISSION_DENIED', cause: 'an admission policy of the cluster refused the pods', mend: 'The evidence names policy and binding; change the chart to follow it.' };
  return { code: 'PODS_NOT_CREATED', cause: 'pods cannot be created', mend: 'The evidence is what the API server said.' };
}
