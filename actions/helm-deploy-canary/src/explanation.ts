// SPDX-License-Identifier: Apache-2.0
// Why something does not get ready, in the user's terms.
import { roleHint } from '@pratique/acr';
import { Failure } from '@pratique/core';
import { diagnose, gatherDiagnosis, type Cluster, type DiagnosisFinding, type WaitOptions } from '@pratique/kube';
import type { Inputs } from './inputs.ts';

/** What did not get ready. */
export interface Unready {
  readonly cluster: Cluster;
  readonly given: Inputs;
  readonly what: string;
  readonly wait: Omit<WaitOptions, 'clock' | 'signal' | 'timeoutSeconds'>;
}

/** The failure that a deployment ends with when pods do not run: `CANARY_NOT_READY`, with every cause that was found. */
export async function explainUnready({ cluster, given, what, wait }: Unready): Promise<Failure> {
  const input = await gatherDiagnosis(cluster, { selector: wait.podSelector ?? '', objects: wait.objects, services: (wait.endpoints ?? []).map(({ service }) => service) });
  const findings = diagnose(input, { pullHint: (image) => pullHint(given, image) });
  const [first] = findings;
  if (first === undefined) return new Failure({ code: 'CANARY_NOT_READY', message: `${what} did not get ready, and nothing in the cluster says why`, hint: `kubectl describe pods --namespace ${given.namespace}`, facts: { unread: input.unread } });
  return new Failure({
    code: 'CANARY_NOT_READY', message: `${what} does not get ready: ${findings.slice(0, 5).map(sentence).join('; ')}`, hint: first.mend,
    facts: { cause: first.code, findings: findings.slice(0, 10).map(({ code, object, cause, evidence, mend }) => ({ code, object, cause, evidence, mend })) },
  });
}

const sentence = ({ code, object, cause }: DiagnosisFinding): string => `${code}: ${object}: ${cause}`;

function pullHint(given: Inputs, image: { readonly registry: string; readonly repository: string }): string {
  return roleHint({ registry: image.registry, scope: `repository:${image.repository}:pull`, mode: given['registry-role-mode'], assignee: undefined });
}
