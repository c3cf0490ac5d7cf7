// SPDX-License-Identifier: Apache-2.0
// Failure codes: Kubernetes, Helm, routes, and the metrics that a canary is judged by.
import type { FailureCodeEntry } from './entry.ts';

export const kubeCodes = {
  KUBE_CONFIG_INVALID: { kind: 'usage', when: 'A kubeconfig cannot be read, or says something that is not supported.', mend: 'The message names the field; `kubectl config view --minify --flatten` writes a file with what one context needs.' },
  KUBE_UNAUTHORIZED: { kind: 'usage', when: 'The cluster does not accept the credentials.', mend: 'Get a new kubeconfig or token; tokens of service accounts and Entra end after about an hour.' },
  KUBE_FORBIDDEN: { kind: 'usage', when: 'The identity may not do this in the cluster.', mend: 'Add the rule that the hint gives to the Role of the identity.' },
  KUBE_DENIED: { kind: 'refused', when: 'Admission refused an object: a quota, pod security, or a policy webhook.', mend: 'The message says which rule; change the chart, or the rule on purpose.' },
  KUBE_INVALID: { kind: 'usage', when: 'The cluster refused an object or a request as invalid.', mend: 'The message names the field; a server-side dry run of the chart shows the same.' },
  KUBE_NOT_FOUND: { kind: 'usage', when: 'The cluster has no such object, namespace or kind.', mend: 'Check name and namespace; a kind that is missing needs its custom resource definitions installed.' },
  KUBE_CONFLICT: { kind: 'refused', when: 'An object was changed by somebody else, or another field manager owns a field.', mend: 'Run it again; when a field manager is named, decide which of the two owns the field.' },
  KUBE_UNAVAILABLE: { kind: 'unavailable', when: 'The API server did not answer, answered 5xx, or limits the rate.', mend: 'Run it again later; check that the runner reaches the API server.' },
  KUBE_PROTOCOL: { kind: 'defect', when: 'What answered does not speak the Kubernetes API, or its certificate is not trusted.', mend: 'Check server address and certificate authority of the kubeconfig, and proxies in between.' },
  KUBE_LOCKED: { kind: 'unavailable', when: 'Another run works on the same release.', mend: 'Wait for the run that the message names; a run that died loses its lock by itself when its lease ends.' },
  KUBE_LEASE_LOST: { kind: 'unavailable', when: 'The lock of this run was lost while it worked: it could not be renewed in time, or another run took it over.', mend: 'Run it again; the next run finds the journal and mends what is half done.' },
  KUBE_JOURNAL_INVALID: { kind: 'refused', when: 'The journal of a run in the cluster cannot be read.', mend: 'Look at the ConfigMap that the message names; when you know what it left behind, put that right and delete it.' },
  HELM_FAILED: { kind: 'usage', when: 'Helm ended with an error.', mend: 'Its last lines are in the details.' },
  HELM_PENDING: { kind: 'refused', when: 'A release is left in a pending state, and it is not proven that the run which did so has ended.', mend: 'Wait for that run, or end it; then run this again.' },
  HELM_RELEASE_INVALID: { kind: 'refused', when: 'What Helm recorded of a release cannot be read.', mend: 'Look at the Secret that the message names with `helm history` and `helm get all`.' },
  WORKLOAD_INVALID: { kind: 'usage', when: 'A canary cannot be made from what the chart renders.', mend: 'The message names the object and what it must have.' },
  ROUTE_REFUSED: { kind: 'refused', when: 'No route or Ingress leads to the release, or it is not accepted by its gateway, owned by somebody else, or not of the form that can be split.', mend: 'The message says what stands in the way.' },
  ROUTE_CHANGED: { kind: 'refused', when: 'Somebody else changed the route, the Ingress or the pods while their weights were ours.', mend: 'Find out who writes it; then run this again.' },
  METRICS_UNAVAILABLE: { kind: 'unavailable', when: 'The metrics server did not answer, or answered 5xx or 429.', mend: 'Run it again later; check that the runner reaches it.' },
  METRICS_REFUSED: { kind: 'usage', when: 'The metrics server refused the query or the credentials.', mend: 'Check the query; Azure Monitor needs the role Monitoring Data Reader on the workspace.' },
  METRICS_INVALID: { kind: 'defect', when: 'What answered does not speak the HTTP API of Prometheus.', mend: 'Check the address, and proxies in between.' },
} as const satisfies Record<string, FailureCodeEntry>;
