// SPDX-License-Identifier: Apache-2.0
// What Resource Manager refused, as failures (https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors).
import { Failure, isJsonObject, quoteWord, stripControl } from '@pratique/core';
import { readRetryAfter } from '@pratique/oci';

/** A call that was refused. */
export interface ArmRefusal {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
  /** `GET /subscriptions/…`. */
  readonly what: string;
  /** The least built-in role that may do this, and where. */
  readonly role: string;
  readonly scope: string;
  /** Object id of who asked. */
  readonly assignee: string | undefined;
  readonly now: Date;
}

/** The failure that a refusal is; `facts.error` is Resource Manager's own code. */
export function armFailure({ status, body, retryAfter, what, role, scope, assignee, now }: ArmRefusal): Failure {
  const { error, message } = readError(body);
  const facts = { status, error };
  const said = `${error}${message === '' ? '' : `: ${message}`}`.slice(0, 500) || `status ${status}`;
  if (status === 429 || status === 408 || status >= 500) {
    const retryAfterSeconds = readRetryAfter(retryAfter, now);
    return new Failure({ code: 'AZURE_UNAVAILABLE', message: `Resource Manager did not answer ${what} (status ${status}): ${said}`, facts: { ...facts, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) } });
  }
  if (status === 401) return new Failure({ code: 'AZURE_LOGIN_FAILED', message: `Resource Manager does not take the token: ${said}`, hint: 'azure-tenant-id must be the tenant of the subscription, and azure-resource-manager the endpoint of its cloud.', facts });
  if (status === 403) return new Failure({ code: 'AZURE_FORBIDDEN', message: `the identity may not ${what}: ${said}`, hint: assignmentHint({ role, scope, assignee }), facts });
  if (status === 404) return new Failure({ code: 'AZURE_NOT_FOUND', message: `${what}: ${said}`, hint: 'Check subscription, resource group and name, and that the identity belongs to the tenant of the subscription.', facts });
  return new Failure({ code: 'AZURE_REFUSED', message: `Resource Manager refused ${what}: ${said}`, facts });
}

/** The role assignment that is missing, as a command. */
export function assignmentHint({ role, scope, assignee }: Pick<ArmRefusal, 'role' | 'scope' | 'assignee'>): string {
  const who = assignee === undefined ? '"$ASSIGNEE"' : quoteWord(assignee);
  return `The identity needs the role "${role}"; a new assignment takes some minutes to work:\naz role assignment create --assignee ${who} --role "${role}" --scope ${quoteWord(scope)}`;
}

function readError(body: string): { readonly error: string; readonly message: string } {
  const value = parse(body);
  // Resource providers answer the error itself, Resource Manager wraps it.
  const inner = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : value;
  const text = (key: string): string => (isJsonObject(inner) && typeof inner[key] === 'string' ? stripControl(inner[key]) : '');
  return { error: text('code').slice(0, 100), message: text('message') };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Gateways in front of it answer HTML.
    return undefined;
  }
}
