// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs of quarantine-gate.
import { input, registryInputs, sigstoreInputs, type InputValues, type StepResult } from '@pratique/step';

/** Inputs, all checked together. */
export const inputs = {
  image: input.image({ required: true, description: 'The image in quarantine, by digest, as build-scan-push gave it.' }),
  release: input.repository({ required: true, description: 'Repository of released images. Cluster identities read this one and never the quarantine. With quarantine: acr-native or none it is the repository of the image.' }),
  version: input.text({ description: 'Version to release. Default: the version in the image. Another one than the image carries is refused.' }),
  channel: input.choice(['release', 'preview'])({ default: 'release', description: 'Where the verdict counts. A preview verdict gives no tags (but with quarantine: none) and lets nobody deploy to production.' }),
  policy: input.text({ description: 'Where policy.yaml, trust.yaml and exceptions.yaml stand: github://OWNER/REPO/PATH@REF; a folder of the workspace never yields a release. Default: .pratique on the default branch of the repository, read by the API.' }),
  quarantine: input.choice(['repository', 'acr-native', 'none'])({ default: 'repository', description: 'How the image is held and released: repository copies it from its quarantine repository to the release repository; acr-native marks it Passed where it is, in a Premium registry with the quarantine policy enabled; none only writes tags, for trying out, and never yields a release (channel must be preview).' }),
  'quarantine-retention-days': input.days({ default: '0', description: 'Afterwards remove copies that are older and were released or refused from the quarantine repository, at most 50 a run; needs the right to delete there. 0 keeps all. Only with quarantine: repository.' }),
  'signing-config': input.text({ description: 'Sigstore signing configuration: a file, an https URL or JSON. Default: the public good instance, by TUF.' }),
  'moving-tags': input.flag({ default: 'true', description: 'Move MAJOR.MINOR, MAJOR and latest when this release is the highest of its line.' }),
  lock: input.flag({ default: 'true', description: 'Lock the released manifest against deletion and the version tag against change. Registries without locks: set false.' }),
  ...sigstoreInputs,
  ...registryInputs,
};

/** Outputs. */
export const outputs = {
  verdict: 'passed or refused.',
  image: 'The released image, by digest; empty when refused.',
  tags: 'Tags that name the released image, one a line, the version first.',
  code: 'Code of the first reason when refused.',
  reasons: 'Reasons as JSON, denials first, at most 200; the summary counts them all.',
  attestation: 'Digest of the signed verdict (SLSA VSA).',
};

export type Inputs = InputValues<typeof inputs>;
export type Result = StepResult<typeof outputs>;
