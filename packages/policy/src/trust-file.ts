// SPDX-License-Identifier: Apache-2.0
// trust.yaml: which signers hold which role.
import type { Digest, JsonObject, TrustRole } from '@pratique/core';
import { documentSchema, readDocument } from './document.ts';
import { isExpression } from './pattern.ts';
import { choice, date, eitherBy, integer, list, mapping, optional, required, text, withDefault, type Shape, type ValueOf } from './shape.ts';

const period = {
  'not-before': optional(date('start'), 'Signatures of an earlier trusted time do not count.'),
  'not-after': optional(date('end'), 'Signatures of a later trusted time do not count.'),
};
const name = optional(text({ most: 120 }), 'For people.');
const number = text({ pattern: /[0-9]+/, wants: 'a numeric id', numeric: true });

const keylessSigner = mapping({
  name,
  issuer: required(text({ pattern: /https:\/\/\S+/, wants: 'an https address' }), 'OIDC issuer, for example https://token.actions.githubusercontent.com.'),
  identity: optional(text(), 'Subject alternative name of the certificate, exactly: https://github.com/OWNER/REPO/.github/workflows/release.yml@refs/heads/main.'),
  'identity-pattern': optional(text({ most: 512 }), 'Regular expression that the whole name must match, instead of identity.'),
  'repository-id': optional(number, 'Numeric id of the source repository. A name can be taken over, an id cannot.'),
  'owner-id': optional(number, 'Numeric id of the owner of the source repository: all its repositories.'),
  refs: optional(list(text(), { least: 1 }), 'Source refs, * within a path part, ** across: refs/heads/main, refs/tags/v*.'),
  triggers: optional(list(text(), { least: 1 }), 'Events that may have started the run. Without it: all but those of pull requests.'),
  runner: withDefault(choice(['github-hosted', 'self-hosted', 'any']), 'github-hosted', 'Where the job may have run.'),
  ...period,
}, (signer) => [
  ...((signer.identity === undefined) === (signer['identity-pattern'] === undefined) ? ['needs either identity or identity-pattern'] : []),
  ...(signer['identity-pattern'] !== undefined && !isExpression(signer['identity-pattern']) ? ['identity-pattern is not a regular expression'] : []),
  // A reusable workflow has the same name whoever calls it: without an id, anybody's repository would be believed.
  ...(namesWorkflow(signer.identity ?? signer['identity-pattern'] ?? '') && signer['repository-id'] === undefined && signer['owner-id'] === undefined ? ['a workflow needs repository-id or owner-id: a reusable workflow has the same identity whoever calls it'] : []),
  ...periodProblems(signer),
]);

const keySigner = mapping({
  name,
  fingerprint: required(text({ pattern: /sha256:[0-9a-f]{64}/, wants: 'sha256: and 64 hex digits' }) as Shape<Digest>, 'SHA-256 of the public key (DER, SubjectPublicKeyInfo).'),
  ...period,
}, periodProblems);

function periodProblems(signer: { readonly 'not-before': Date | undefined; readonly 'not-after': Date | undefined }): string[] {
  const { 'not-before': start, 'not-after': end } = signer;
  return start !== undefined && end !== undefined && start > end ? ['not-before is later than not-after'] : [];
}

function namesWorkflow(identity: string): boolean {
  return identity.includes('workflows');
}

export type KeylessSigner = ValueOf<typeof keylessSigner>;
export type KeySigner = ValueOf<typeof keySigner>;
/** One entry of a role: a workflow or person by certificate, or a key. */
export type TrustedSigner = KeylessSigner | KeySigner;

/** Every role, in the order in which they act. */
export const trustRoles: readonly TrustRole[] = ['build', 'scan', 'gate', 'deploy', 'policy'];

const signers = list(eitherBy('fingerprint', keySigner, keylessSigner), { most: 200 });
const trustShape = mapping({
  version: withDefault(integer(1, 1), 1, 'Version of this file format.'),
  build: withDefault(signers, [], 'Who signs images, provenance, test results and SBOMs.'),
  scan: withDefault(signers, [], 'Who signs scans and SBOMs.'),
  gate: withDefault(signers, [], 'Who signs verdicts.'),
  deploy: withDefault(signers, [], 'Who signs records of deployments.'),
  policy: withDefault(signers, [], 'Who signs policies kept in a registry.'),
});

/** trust.yaml as read. A role without entry is held by nobody. */
export type Trust = ValueOf<typeof trustShape>;

/** Reads trust.yaml strictly. Fails with `POLICY_INVALID`. */
export function parseTrust(source: string, file = 'trust.yaml'): Trust {
  return readDocument(trustShape, source, file);
}

/** JSON Schema of trust.yaml, derived from what reads it. */
export function trustJsonSchema(): JsonObject {
  return documentSchema(trustShape, 'Pratique trust', 'Which signers hold which role.');
}
