// SPDX-License-Identifier: Apache-2.0
// Why something does not get ready, in the user's terms.
import { roleHint } from '@pratique/acr';
import { Failure } from '@pratique/core';
import { diagnose, gatherDiagnosis, secretValues, type CanaryEnd, type Cluster, type DiagnosisFinding, type DiagnosisOptions, type JudgeReason } from '@pratique/kube';
import type { Inputs } from './inputs.ts';
import type { Rendered } from './plan.ts';
import type { Awaited } from './releases.ts';

/** What did not get ready. */
export interface Unready {
  readonly cluster: Cluster;
  readonly given: Inputs;
  /** Object id of who pulls, where it is known. */
  readonly kubelet: string | undefined;
  readonly what: string;
  readonly wait: Awaited;
  /** Its Secrets are not shown, wherever they were printed. */
  readonly rendered: Rendered;
  /** It was ready before; this was seen then. */
  readonly lost?: string;
}

/** What mends it when there was proof for neither, by what the judge last said. */
const mends: Partial<Readonly<Record<JudgeReason, string>>> = {
  'no-traffic': 'Send it traffic, or give it more: larger steps, or a busier hour.',
  'evidence-short': 'Give it more time (horizon-seconds), more weight or more traffic; the forecast says how much.',
  'series-missing': 'Look at the metrics: whether Prometheus is up and scrapes the gateway, and whether the input counters names that gateway.',
  routing: 'Look at the status of the route and at the log of the gateway, and whether it counts by Service (traefik: addServicesLabels).',
  environment: 'Stable\'s own version fails as well: mend what both depend on, then run it again.',
};

/** The refusal of a canary that was not promoted. */
export function explainRefusal({ words, loss, judgement, revision }: CanaryEnd, code: NonNullable<CanaryEnd['code']>): { readonly code: typeof code; readonly message: string; readonly hint: string } {
  const [what, mend] = {
    CANARY_REGRESSION: ['the canary is worse than stable: ', 'Mend the version and release a new one.'],
    CANARY_INSUFFICIENT: ['the canary was proven neither good nor bad: ', mends[judgement.reason] ?? ''],
    CANARY_NOT_READY: ['', loss?.hint ?? ''],
    CANARY_BASELINE_FAILED: ['there is nothing to compare the canary with: ', `The baseline runs what stable runs: look at stable as well. ${loss?.hint ?? ''}`],
  }[code];
  return { code, message: `${what}${words}`, hint: `${revision === 0 ? 'Nothing is deployed.' : 'Stable serves all traffic.'} ${mend}`.trim() };
}

/** The failure that a deployment ends with when pods do not run: `CANARY_NOT_READY`, with every cause that was found. */
export async function explainUnready({ cluster, given, kubelet, what, wait, rendered, lost }: Unready): Promise<Failure> {
  const input = await gatherDiagnosis(cluster, { selector: wait.podSelector ?? '', objects: wait.objects, services: (wait.endpoints ?? []).map(({ service }) => service) });
  const pullHint: DiagnosisOptions['pullHint'] = ({ registry, repository }) => roleHint({ registry, scope: `repository:${repository}:pull`, mode: given['registry-role-mode'], assignee: kubelet });
  const findings = diagnose(input, { pullHint, secrets: secretValues([...rendered.next, ...rendered.stable]) });
  const [first] = findings;
  const stay = lost === undefined ? 'get ready' : 'stay ready';
  if (first === undefined) return new Failure({ code: 'CANARY_NOT_READY', message: `${what} did not ${stay}, and nothing in the cluster says why${lost === undefined ? '' : `: ${lost}`}`, hint: `kubectl describe pods --namespace ${given.namespace}`, facts: { unread: input.unread } });
  return new Failure({
    code: 'CANARY_NOT_READY', message: `${what} does not ${stay}: ${findings.slice(0, 5).map(sentence).join('; ')}`, hint: first.mend,
    facts: { cause: first.code, findings: findings.slice(0, 10).map(({ code, object, cause, evidence, mend }) => ({ code, object, cause, evidence, mend })) },
  });
}

const sentence = ({ code, object, cause }: DiagnosisFinding): string => `${code}: ${object}: ${cause}`;
