// SPDX-License-Identifier: Apache-2.0
// The contract of helm-deploy-canary.
import { checkChart, checkReleaseName, parseSteps, presetNames } from '@pratique/kube';
import { clusterInputs, input, registryInputs, sigstoreInputs, type InputValues } from '@pratique/step';

const lines = (text: string): readonly string[] => text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '');

/** `key=value`, one a line; `$image`, `$registry`, `$repository` and `$digest` stand for the parts of the image. */
function readAssignments(text: string): readonly { readonly key: string; readonly value: string }[] {
  return lines(text).map((line) => {
    const [, key = '', value = ''] = /^([A-Za-z0-9_.[\]-]+)=(.*)$/.exec(line) ?? [];
    if (key === '') throw new Error(`"${line.slice(0, 60)}" must be key=value`);
    return { key, value };
  });
}

/** Inputs, all checked together. */
export const inputs = {
  image: input.text({ required: true, description: 'The released image, registry/repository@digest. A tag is refused, and the answer names the digest that it points to now.' }),
  chart: input.form('path or oci://…@digest', checkChart)({ required: true, description: 'Chart: a path in the workspace, or oci://HOST/REPOSITORY@sha256:DIGEST.' }),
  release: input.form('name', checkReleaseName)({ required: true, description: 'Name of the Helm release. The canary and its baseline are the releases RELEASE-canary and RELEASE-baseline.' }),
  namespace: input.form('name', checkReleaseName)({ required: true, description: 'Namespace of the release. It must exist.' }),
  values: input.lines({ description: 'Values files, one a line; later ones win.' }),
  set: input.form('key=value, one a line', readAssignments)({ default: 'image.registry=$registry\nimage.repository=$repository\nimage.digest=$digest', description: 'Values, key=value, one a line, by which the chart gets the image: $image, $registry, $repository and $digest stand for its parts. What the chart renders must run exactly this digest.' }),
  strategy: input.choice(['canary', 'blue-green', 'rolling', 'flagger', 'argo-rollouts', 'auto'])({ default: 'canary', description: 'canary: beside stable, judged on a growing share of the traffic. blue-green: as many pods as stable has, all of the traffic at once, and back when it fails more than failure-limit. rolling: one helm upgrade, and back when it does not get ready; needs neither route nor metrics. flagger, argo-rollouts: a Canary or Rollout in the cluster owns the workload; one helm upgrade, and its operator decides. auto: the operator where there is one, canary where an HTTPRoute or an Ingress of ingress-nginx leads to the release (or split names replicas), rolling elsewhere; the log says which, and why.' }),
  steps: input.form('weight and seconds, one step a line', (text) => parseSteps(lines(text)))({ default: '5% 60s\n10% 60s\n25% 60s\n50% 60s', description: 'Steps of the strategy canary: its percent of all traffic (a baseline gets as much) and how long it is watched at the least.' }),
  'soak-seconds': input.seconds({ default: '240', description: 'How long the new version serves everything with blue-green, at the least, before the release is upgraded.' }),
  replicas: input.form('number', readReplicas)({ default: '1', description: 'Pods of the canary, and as many of the baseline; blue-green takes as many as stable has, and split: replicas as many as its steps need.' }),
  split: input.choice(['auto', 'gateway-api', 'ingress-nginx', 'replicas'])({ default: 'auto', description: 'By what the traffic is split: gateway-api (weights of an HTTPRoute), ingress-nginx (a canary Ingress beside that of stable; compared with stable itself), replicas (so many pods get the labels of stable\'s Service; coarse, and judged by the application\'s own counters). auto: the HTTPRoute that leads to the release, or else the Ingress.' }),
  route: input.text({ description: 'HTTPRoute or Ingress that sends traffic to the release. Default: the one in the namespace that sends to a Service of the release.' }),
  metrics: input.text({ description: 'Address of Prometheus, or the query endpoint of an Azure Monitor workspace; without /api/v1. Required for canary and blue-green, and for auto when that comes to canary.' }),
  'metrics-audience': input.text({ description: 'Audience of the Entra token for the metrics. Default: https://prometheus.monitor.azure.com for workspaces of Azure Monitor, no token for others.' }),
  'metrics-token': input.text({ description: 'Bearer token for the metrics, from a secret, where they want one that is not of Entra.' }),
  counters: input.choice([...presetNames, 'application'])({ default: 'traefik', description: 'Whose raw counters are read: those of the gateway that serves the route, or the application\'s own.' }),
  'counters-requests': input.text({ description: 'With counters: application, the selector of its counter of answers, such as http_requests_total{namespace="$namespace",pod=~"$pods"}: $namespace, $service and $port stand for the Service, $pods for a regular expression of its pods\' names. No rate(), no sum().' }),
  'counters-buckets': input.text({ description: 'With counters: application, the selector of the buckets of its histogram of seconds; without it latency is not judged.' }),
  'counters-status': input.text({ default: 'code', description: 'With counters: application, the label that holds the status of an answer.' }),
  'counters-failed': input.form('regular expression', readPattern)({ default: '5..', description: 'With counters: application, which values of that label are failures; it matches whole values.' }),
  latency: input.flag({ default: 'true', description: 'Judge also the share of slow requests, at the bucket boundaries above stable\'s 50th, 95th and 99th percentile.' }),
  'minimum-dwell-seconds': input.seconds({ default: '120', description: 'No promotion before the canary has had traffic for this long.' }),
  'horizon-seconds': input.seconds({ default: '600', description: 'When the judge has no answer by then, on-insufficient-data decides. At least the sum of the steps.' }),
  'slot-seconds': input.seconds({ description: 'How often the judge looks. Default: at each scrape, as often as stable\'s history shows them; 15 s without history.' }),
  'failure-limit': input.form('percent', readPercent)({ default: '1%', description: 'On a first deployment and with blue-green there is no baseline to compare with: the largest share of failed requests that is acceptable.' }),
  'on-insufficient-data': input.choice(['extend', 'hold', 'rollback'])({ default: 'rollback', description: 'When there is proof for neither: extend goes on judging until timeout-seconds, hold gives all traffic back to stable and leaves the canary for a look, rollback puts everything back.' }),
  'timeout-seconds': input.seconds({ default: '1800', description: 'For the whole run. Afterwards everything is put back.' }),
  'dry-run': input.flag({ default: 'false', description: 'Only look: evidence, chart, route, metrics and what the server says to each object. Nothing is changed.' }),
  ...clusterInputs,
  policy: input.text({ description: 'Where policy.yaml and trust.yaml stand: github://OWNER/REPO/PATH@REF. Default: .pratique on the default branch of the repository, read by the API.' }),
  attest: input.flag({ default: 'true', description: 'Sign how it ended, and attach that to the image: the identity needs the right to write to its repository, and the job id-token: write. Asked for before anything is deployed.' }),
  report: input.text({ description: 'Where the report is written, one HTML file. Default: deployment-NAMESPACE-RELEASE.html in the workspace.' }),
  'signing-config': input.text({ description: 'Sigstore signing configuration: a file, an https URL or JSON. Default: the public good instance, by TUF.' }),
  ...sigstoreInputs, ...registryInputs,
};

export type Inputs = InputValues<typeof inputs>;

/** The inputs that say which cluster, and who signs in to it. */
export type ClusterInputs = Pick<Inputs, 'kubeconfig' | 'context' | 'aks-cluster' | 'azure-resource-manager' | 'namespace' | 'registry-sign-in' | 'azure-tenant-id' | 'azure-client-id' | 'azure-authority-host'>;

function readReplicas(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1) throw new Error(`must be a number of pods from 1 to 999, not "${text}"`);
  return Number(text);
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})$`);
  } catch {
    throw new Error(`must be a regular expression such as 5.., not "${text.slice(0, 40)}"`);
  }
}

function readPercent(text: string): number {
  const match = /^(\d{1,2}(?:\.\d{1,3})?)\s*%$/.exec(text);
  if (match === null || Number(match[1]) <= 0) throw new Error(`must be a percentage above 0 and below 100 such as 1%, not "${text}"`);
  return Number(match[1]) / 100;
}
