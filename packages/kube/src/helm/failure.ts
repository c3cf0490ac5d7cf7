// SPDX-License-Identifier: Apache-2.0
// What helm printed, as a failure. Its exit code says only that something went wrong; the text says what.
import { Failure, stripControl, type CommandResult, type FailureCode } from '@pratique/core';
import { isDenial } from '../client/failure.ts';
import { explainDenial } from '../diagnosis/denial.ts';

const causes: readonly (readonly [pattern: RegExp, code: FailureCode, hint?: string])[] = [
  [/another operation \(install\/upgrade\/rollback\) is in progress/, 'HELM_PENDING', 'See who works on it: helm history RELEASE. A run that died is recovered by the next run of this action.'],
  [/conflict occurred while applying|Apply failed with \d+ conflict|conflict with "[^"]+"/, 'KUBE_CONFLICT', 'The message names the field manager that owns the field: take the field out of the chart, or force on purpose.'],
  [/Kubernetes cluster unreachable|i\/o timeout|connection refused|no such host|TLS handshake timeout|etcdserver: /, 'KUBE_UNAVAILABLE'],
  [/provide credentials|Unauthorized/, 'KUBE_UNAUTHORIZED'],
  [/is forbidden: User "/, 'KUBE_FORBIDDEN', 'Add a rule with the verb, resource and API group of the message to the Role of the identity.'],
];

/** The failure that a command of helm is which did not end with 0. `what` begins the message: `helm upgrade shop`. */
export function helmFailure(result: CommandResult, what: string): Failure {
  const lines = stripControl(result.stderr).split('\n').map((line) => line.trim()).filter(Boolean);
  const said = (lines.findLast((line) => line.startsWith('Error:')) ?? lines.at(-1) ?? `ended with ${result.exitCode}`).replace(/^Error:\s*/, '').slice(0, 1000);
  const [, code, hint] = isDenial(said) ? [undefined, 'KUBE_DENIED', explainDenial(said).mend] as const : (causes.find(([pattern]) => pattern.test(said)) ?? [undefined, 'HELM_FAILED', undefined] as const);
  return new Failure({ code, message: `${what}: ${said}`, ...(hint === undefined ? {} : { hint }), facts: { exitCode: result.exitCode, lastLines: lines.slice(-10).map((line) => line.slice(0, 500)) } });
}
