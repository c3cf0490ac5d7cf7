// SPDX-License-Identifier: Apache-2.0
// in-toto Statements: written canonically, so that equal statements are equal bytes, and read strictly.
import { canonicalJson, Failure, isJsonObject, parseJsonObject, type Digest } from '@pratique/core';
import type { Descriptor } from '@pratique/oci';

/** Payload type of every envelope that is written or read (in-toto attestation spec v1, envelope.md). */
export const payloadType = 'application/vnd.in-toto+json';

const statementV1 = 'https://in-toto.io/Statement/v1';
// `cosign attest` still writes v0.1 (3.1.3).
const statementTypes: readonly unknown[] = [statementV1, 'https://in-toto.io/Statement/v0.1'];

/** One statement that shall exist. */
export interface PlannedStatement {
  /** Manifest that the statement is about. */
  readonly subject: Descriptor;
  readonly predicateType: string;
  /** JSON-safe. */
  readonly predicate: unknown;
  /** Part of the reuse key: `linux/amd64`. */
  readonly platform?: string;
}

/** `{ sha256: hex }`, as in-toto writes a digest (DigestSet). */
export function digestSet(digest: Digest): Record<string, string> {
  const colon = digest.indexOf(':');
  return { [digest.slice(0, colon)]: digest.slice(colon + 1) };
}

/** The Statement v1 of a plan. The subject has no name: names move, and cosign writes none. */
export function toStatement(planned: PlannedStatement): object {
  return { _type: statementV1, subject: [{ digest: digestSet(planned.subject.digest) }], predicateType: planned.predicateType, predicate: planned.predicate };
}

/** Canonical payload bytes of a statement. */
export function encodeStatement(statement: object): Uint8Array {
  return new TextEncoder().encode(canonicalJson(statement));
}

const malformed = (message: string): Failure => new Failure({ code: 'ATTESTATION_MALFORMED', message });

/**
 * Reads a payload whose signature was verified: a Statement with exactly one subject, which is `subject`.
 * Fails with `ATTESTATION_MALFORMED` or `ATTESTATION_SUBJECT_MISMATCH`.
 */
export function readStatement(payload: Uint8Array, subject: Digest): { predicateType: string; predicate: unknown } {
  const { _type, subject: subjects, predicateType, predicate } = parseJsonObject(payload, 'the payload of the attestation', 'ATTESTATION_MALFORMED');
  if (!statementTypes.includes(_type)) throw malformed('the payload of the attestation is not an in-toto Statement');
  if (typeof predicateType !== 'string' || predicateType === '') throw malformed('the statement has no predicateType');
  if (!Array.isArray(subjects) || subjects.length !== 1) throw malformed('the statement does not have exactly one subject');
  const first: unknown = subjects[0];
  const digests = isJsonObject(first) ? first['digest'] : undefined;
  const [algorithm = '', hex] = subject.split(':');
  if (!isJsonObject(digests) || digests[algorithm] !== hex) {
    throw new Failure({ code: 'ATTESTATION_SUBJECT_MISMATCH', message: `the statement does not speak of ${subject}`, facts: { expected: subject, found: digests } });
  }
  return { predicateType, predicate };
}
