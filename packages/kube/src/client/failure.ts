// SPDX-License-Identifier: Apache-2.0
// What the API server refused, and what the network broke, as failures. The only place where a status becomes a code.
import { causeChain, Failure, isJsonObject, stripControl, type FailureCode, type JsonObject } from '@pratique/core';
import { explainDenial } from '../diagnosis/denial.ts';
import { listOf, numberOf, textOf } from './object.ts';

/** What a call was about, in the words of RBAC. */
export interface Attempt {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`. */
  readonly verb: string;
  readonly group: string;
  /** Plural, with subresource: `pods/log`. Empty for calls that are about no resource. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** A reply that was not accepted. */
export interface RefusedReply {
  readonly status: number;
  readonly headers: Headers;
  /** Capped. */
  readonly body: string;
  readonly now: Date;
}

const denials = [/\badmission webhook ".*" denied\b/, /\bexceeded quota\b/, /\bfailed quota\b/, /\bviolates PodSecurity\b/, /\bValidatingAdmissionPolicy\b/, /\bis forbidden: unable to create new content in namespace\b/, /\bis forbidden: maximum \w+ usage\b/, /\bis forbidden: minimum \w+ usage\b/];

/** Whether a message of the API server tells of admission (quota, pod security, webhook) and not of a missing permission. */
export function isDenial(message: string): boolean {
  return denials.some((pattern) => pattern.test(message));
}

/** The failure that a refused reply is. */
export function kubeFailure(reply: RefusedReply, attempt: Attempt): Failure {
  const status = readStatus(reply.body);
  const message = stripControl(textOf(status, 'message') || reply.body.slice(0, 300) || 'no reason given').slice(0, 2000);
  const reason = textOf(status, 'reason');
  const code = codeOf(reply.status, { message, isStatus: status['kind'] === 'Status' });
  const retryAfterSeconds = readRetryAfter(reply, status);
  const causes = listOf(status, 'details', 'causes').slice(0, 20).map((cause) => ({ reason: textOf(cause, 'reason'), field: textOf(cause, 'field'), message: textOf(cause, 'message').slice(0, 300) }));
  const hint = hintOf(code, { attempt, message, causes });
  return new Failure({
    code, message: `${attempt.verb} ${describe(attempt)}: ${message}`, ...(hint === undefined ? {} : { hint }),
    facts: { method: attempt.method, path: attempt.path, status: reply.status, reason, ...(causes.length === 0 ? {} : { causes }), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
  });
}

function hintOf(code: FailureCode, { attempt, message, causes }: { readonly attempt: Attempt; readonly message: string; readonly causes: Parameters<typeof conflictHint>[0] }): string | undefined {
  if (code === 'KUBE_FORBIDDEN') return ruleHint(attempt);
  if (code === 'KUBE_DENIED') return explainDenial(message).mend;
  return code === 'KUBE_CONFLICT' && causes.some(({ reason }) => reason === 'FieldManagerConflict') ? conflictHint(causes) : undefined;
}

const describe = ({ resource, namespace, name, path }: Attempt): string => (resource === '' ? path : [resource, namespace && `in ${namespace}`, name].filter(Boolean).join(' '));

function readStatus(body: string): JsonObject {
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : {};
  } catch {
    // Proxies answer HTML: then there is no Status to read.
    return {};
  }
}

function codeOf(status: number, { message, isStatus }: { readonly message: string; readonly isStatus: boolean }): FailureCode {
  if (status === 401) return 'KUBE_UNAUTHORIZED';
  if ((status === 403 || status === 400 || status === 422) && isDenial(message)) return 'KUBE_DENIED';
  if (status === 403) return 'KUBE_FORBIDDEN';
  if (status === 404) return isStatus || message.includes('404 page not found') ? 'KUBE_NOT_FOUND' : 'KUBE_PROTOCOL';
  if (status === 409) return 'KUBE_CONFLICT';
  // Server-side apply answers a field that is not in the schema as an error of its own.
  if (status === 500 && /failed to create typed patch object|field not declared in schema/.test(message)) return 'KUBE_INVALID';
  if (status === 408 || status === 410 || status === 429 || status >= 500) return 'KUBE_UNAVAILABLE';
  return isStatus ? 'KUBE_INVALID' : 'KUBE_PROTOCOL';
}

function readRetryAfter({ headers, now }: RefusedReply, status: JsonObject): number | undefined {
  const header = headers.get('retry-after');
  const said = header === null ? numberOf(status, 'details', 'retryAfterSeconds') : /^\s*\d+\s*$/.test(header) ? Number(header) : (Date.parse(header) - now.getTime()) / 1000;
  return said === undefined || !Number.isFinite(said) ? undefined : Math.min(600, Math.max(0, said));
}

/** The rule that a Role lacks, as YAML, and how to ask for it. */
export function ruleHint({ verb, group, resource, namespace, name }: Attempt): string {
  if (resource === '') return 'The identity may not use this path; its ClusterRole needs a rule with nonResourceURLs.';
  const [plural = '', sub] = resource.split('/');
  const question = `kubectl auth can-i ${verb} ${plural}${group === '' ? '' : `.${group}`}${name !== undefined && verb !== 'create' ? `/${name}` : ''}${sub === undefined ? '' : ` --subresource=${sub}`}${namespace === undefined ? '' : ` --namespace ${namespace}`}`;
  const where = namespace === undefined ? 'A ClusterRole' : `A Role in the namespace ${namespace}`;
  return `${where} that is bound to the identity needs this rule (check: ${question}):\n- apiGroups: ["${group}"]\n  resources: ["${resource}"]\n  verbs: ["${verb}"]`;
}

function conflictHint(causes: readonly { readonly reason: string; readonly field: string; readonly message: string }[]): string {
  return `Another field manager owns these fields: ${causes.map((cause) => `${cause.field} (${cause.message})`).join('; ')}. Take the fields out of one of the two, or force on purpose.`;
}

const certificateProblem = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|ERR_TLS|ERR_SSL/;

/** What a call threw: our own failures as they are, a cancelled run, certificates, and everything else as `KUBE_UNAVAILABLE`. `signal` is that of the run. */
export function networkFailure(thrown: unknown, attempt: Attempt, signal: AbortSignal): Failure {
  let network = '';
  for (let error = thrown, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1) {
    if (error instanceof Failure) return error;
    if ('code' in error && typeof error.code === 'string') network = error.code;
    if (error.name === 'TimeoutError') network = 'deadline';
  }
  const what = `${attempt.verb} ${describe(attempt)}`;
  if (signal.aborted) return signal.reason instanceof Failure ? signal.reason : new Failure({ code: 'CANCELLED', message: `${what} was cancelled`, cause: thrown });
  const facts = { method: attempt.method, path: attempt.path, network };
  if (certificateProblem.test(network)) return new Failure({ code: 'KUBE_PROTOCOL', message: `${what}: the certificate of the API server is not trusted (${network})`, hint: 'Compare certificate-authority-data of the kubeconfig with the cluster.', facts, cause: thrown });
  return new Failure({ code: 'KUBE_UNAVAILABLE', message: `${what}: ${network === 'deadline' ? 'no answer in time' : `the connection broke off (${network || causeChain(thrown).at(-1) || 'no reason given'})`}`, facts, cause: thrown });
}
