// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs of sign-and-attest.
import { input, registryInputs, sigstoreInputs, type InputValues, type StepResult } from '@pratique/step';

/** Inputs, all checked together. */
export const inputs = {
  image: input.image({ required: true, description: 'The pushed image, by digest: the output image of build-scan-push.' }),
  evidence: input.image({ description: 'The evidence manifest of the build, by digest: the output evidence of build-scan-push. Without it only signature and provenance are signed.' }),
  predicates: input.lines({ description: 'Sign only these: signature, provenance, tests, scan, vulnerabilities, cyclonedx, spdx. Default: all that the evidence holds.' }),
  'signing-config': input.text({ description: 'Sigstore signing configuration: a file, an https URL or JSON. Default: the public good instance, by TUF.' }),
  ...sigstoreInputs,
  ...registryInputs,
};

/** Outputs. */
export const outputs = {
  image: 'The image, by digest, as it was given.',
  attestations: 'JSON list of { subject, predicateType, attestation, reused, logIndex, platform }.',
  signer: 'Identity in the certificate that signed: the workflow.',
  count: 'How many attestations of the plan now stand.',
  reused: 'How many of them an earlier attempt of this run had made.',
};

export type Inputs = InputValues<typeof inputs>;
export type Result = StepResult<typeof outputs>;
