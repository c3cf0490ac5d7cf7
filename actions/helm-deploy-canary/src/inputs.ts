// SPDX-License-Identifier: Apache-2.0
// The contract of helm-deploy-canary.
import { checkChart, checkReleaseName, parseSteps, presetNames } from '@pratique/kube';
import { input, registryInputs, sigstoreInputs, type InputValues } from '@pratique/step';

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
  
  steps: input.form('weight and seconds, one step a line', (text) => parseSteps(lines(text)))({ default: '5% 60s\n10% 60s\n25% 60s\n50% 60s', description: 'Steps of the canary: its percent of all traffic (the baseline gets as much) and how long it is watched at the least.' }),
  replicas: input.form('number', readReplicas)({ default: '1', description: 'Pods of the canary, and as many of the baseline.' }),
  route: input.text({ description: 'HTTPRoute that sends traffic to the release. Default: the one route in the namespace that sends to a Service of the release.' }),
  metrics: input.text({ required: true, description: 'Address of Prometheus, without /api/v1.' }),
  counters: input.choice(presetNames)({ default: 'traefik', description: 'Whose raw counters are read: the gateway that serves the route.' }),
  latency: input.flag({ default: 'true', description: 'Judge also the share of slow requests, at the bucket boundaries above stable\'s 50th, 95th and 99th percentile.' }),
  'minimum-dwell-seconds': input.seconds({ default: '120', description: 'No promotion before the canary has had traffic for this long.' }),
  'horizon-seconds': input.seconds({ default: '600', description: 'When the judge has no answer by then, on-insufficient-data decides. At least the sum of the steps.' }),
  'slot-seconds': input.seconds({ default: '5', description: 'How often the judge looks; not shorter than the scrape interval of the metrics.' }),
  'failure-limit': input.form('percent', readPercent)({ default: '1%', description: 'On a first deployment there is no stable to compare with: the largest share of failed requests that is acceptable.' }),
  'on-insufficient-data': input.choice(['extend', 'hold', 'rollback'])({ default: 'rollback', description: 'When there is proof for neither: extend goes on judging until timeout-seconds, hold gives all traffic back to stable and leaves the canary for a look, rollback puts everything back.' }),
  'timeout-seconds': input.seconds({ default: '1800', description: 'For the whole run. Afterwards everything is put back.' }),
  'dry-run': input.flag({ default: 'false', description: 'Only look: evidence, chart, route, metrics and what the server says to each object. Nothing is changed.' }),
  kubeconfig: input.text({ description: 'A kubeconfig: its text (from a secret), or the path of a file. Default: the file that KUBECONFIG names.' }),
  context: input.text({ description: 'Context of the kubeconfig. Default: its current one.' }),
  policy: input.text({ description: 'Where policy.yaml and trust.yaml stand: github://OWNER/REPO/PATH@REF. Default: .pratique on the default branch of the repository, read by the API.' }),
  ...sigstoreInputs, ...registryInputs,
};

export type Inputs = InputValues<typeof inputs>;

function readReplicas(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1) throw new Error(`must be a number of pods from 1 to 999, not "${text}"`);
  return Number(text);
}

function readPercent(text: string): number {
  const match = /^(\d{1,2}(?:\.\d{1,3})?)\s*%$/.exec(text);
  if (match === null || Number(match[1]) <= 0) throw new Error(`must be a percentage above 0 and below 100 such as 1%, not "${text}"`);
  return Number(match[1]) / 100;
}
