// SPDX-License-Identifier: Apache-2.0
// The contract of build-scan-push: inputs, outputs, and how lines of NAME=value are read.
import { Failure } from '@pratique/core';
import { input, registryInputs, type InputValues, type StepResult } from '@pratique/step';

export const inputs = {
  phases: input.choice(['all', 'build', 'scan', 'push'])({ default: 'all', description: 'all does everything in one job. build, scan and push each do their part on the layout of the one before, in jobs of their own, so that the Dockerfile cannot touch the report nor the scanner the registry.' }),
  context: input.text({ default: '.', description: 'Folder of the build context.' }),
  dockerfile: input.text({ default: 'Dockerfile', description: 'The Dockerfile, below context.' }),
  target: input.text({ description: 'Stage that becomes the image. Default: the last one.' }),
  'test-target': input.text({ description: 'Stage whose RUN instructions are the unit tests. It runs first, on the platform of the machine; when it fails, nothing is built. Default: no tests, which the summary says aloud.' }),
  platforms: input.platforms({ default: 'linux/amd64', description: 'Platforms of the image. Stages that run programs need the platform of the machine: buildah emulates none, buildx what its builder does. With builder layout: what the layout has.' }),
  'build-args': input.lines({ description: 'Build arguments, NAME=value. They stand in the evidence: no secrets here.' }),
  'build-contexts': input.lines({ description: 'Further build contexts, NAME=value: a folder, or docker-image://REFERENCE.' }),
  secrets: input.lines({ description: 'Build secrets, ID=VARIABLE: the value is that of the environment variable of the step; RUN --mount=type=secret,id=ID reads it. It is in no argument, layout or evidence.' }),
  labels: input.lines({ description: 'Labels of the image, NAME=value, beside those of its version, commit and source.' }),
  builder: input.choice(['auto', 'buildx', 'buildah', 'layout'])({ default: 'auto', description: 'Who builds. buildx is docker buildx with a builder that can write an OCI layout (driver docker-container, remote or kubernetes); buildah needs no daemon; auto takes buildx where it is usable, else buildah, and says why. layout takes the OCI layout that an earlier step of yours made.' }),
  'buildx-builder': input.text({ description: 'Name of the docker buildx builder. Default: the one in use (docker buildx use).' }),
  layout: input.text({ default: 'image-layout', description: 'Folder of the OCI layout that holds image and evidence and travels between phases. With builder layout: the folder that you built.' }),
  digest: input.text({ description: 'Digest of the image as the phase build gave it (its output digest). When given, every phase refuses a layout that holds another image: a job in between, such as the scanner, cannot swap it.' }),
  version: input.text({ description: 'Semantic version of the image; it becomes part of the digest. Default: that of the git tag vX.Y.Z, else none.' }),
  image: input.repository({ description: 'Repository of the quarantine to push to. Needed by the phases all and push.' }),
  release: input.repository({ description: 'Repository of released images. When given, the step refuses to push with an identity that could write there by itself.' }),
  quarantine: input.choice(['repository', 'acr-native'])({ default: 'repository', description: 'How the gate will hold and release the image: repository, or acr-native for a registry with the quarantine policy. With acr-native and registry-role-mode: legacy the step refuses to push with an identity that could release by itself.' }),
  scanner: input.choice(['trivy', 'report'])({ default: 'trivy', description: 'trivy scans each platform. report takes the reports that you name.' }),
  reports: input.lines({ description: 'For scanner report: JSON reports of trivy or grype, at least one for each platform; for trivy also the output of trivy version --format json.' }),
  'scanner-database': input.text({ description: 'OCI repository of the vulnerability database, with tag or digest. Default: the public ones of trivy.' }),
  'scanner-java-database': input.text({ description: 'OCI repository of the index of Java archives, for images that hold some. Default: that of trivy, or none when scanner-database is set.' }),
  'scanner-database-max-age-hours': input.hours({ default: '48', description: 'An older vulnerability database is refused.' }),
  policy: input.text({ description: 'Folder of the workspace with policy.yaml and exceptions.yaml for an early look at the findings: what cannot pass the gate is not pushed. It releases nothing: the gate reads its policy elsewhere. Default: no early look.' }),
  'push-refused': input.flag({ default: 'false', description: 'Push into quarantine although the early look refuses, for example to look at the image there.' }),
  ...registryInputs,
} as const;

export const outputs = {
  image: 'The image in quarantine, registry/repository@digest. Empty before it is pushed.',
  evidence: 'The evidence manifest beside it, registry/repository@digest. Empty before it is pushed.',
  digest: 'Digest of the image.',
  layout: 'Folder of the OCI layout with image and evidence.',
  'early-verdict': 'passed, refused, or none without the input policy.',
  findings: 'Counts of findings by severity as JSON; a finding on several platforms counts once.',
  sarif: 'SARIF file of the scan for github/codeql-action/upload-sarif; empty when nothing was scanned.',
} as const;

export type Inputs = InputValues<typeof inputs>;
export type Result = StepResult<typeof outputs>;

/** Reads lines of NAME=value; the value may hold `=` and be empty. Fails with `INPUT_INVALID`. */
export function readPairs(name: string, lines: readonly string[] | undefined, pattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/): Record<string, string> {
  const pairs = (lines ?? []).map((line): [string, string] => {
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(at, 0));
    if (!pattern.test(key)) throw new Failure({ code: 'INPUT_INVALID', message: `input ${name}: "${line.slice(0, 80)}" is not NAME=value`, hint: 'Write one NAME=value a line.' });
    return [key, line.slice(at + 1)];
  });
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (twice !== undefined) throw new Failure({ code: 'INPUT_INVALID', message: `input ${name}: ${twice[0]} is given twice` });
  return Object.fromEntries(pairs);
}
