// SPDX-License-Identifier: Apache-2.0
// What hangs on an image that is not signed names its refusal.
import { predicateTypes, type DisbelievedReferrer, type Evidence, type FailureCode, type VerifiedStatement } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../evaluate.ts';
import { amd64, digest, given, image, judge, statement } from '../sample.ts';

describe('an image without signature', () => {
  const only = (...statements: VerifiedStatement[]): Partial<Evidence> => ({ statements });
  const not = (code: FailureCode, predicateType?: string): DisbelievedReferrer => ({ subject: image.digest, attestation: digest('e1'), code, reason: 'no', ...(predicateType === undefined ? {} : { predicateType }) });
  const sbom = statement(amd64.digest, predicateTypes.cyclonedx, {});
  const verdict = statement(image.digest, predicateTypes.verdict, {}, { signer: judge });
  const cases: readonly (readonly [string, Partial<Evidence>, FailureCode])[] = [
    ['carries nothing', only(), 'GATE_UNSIGNED'],
    ['carries only a refusal of the gate', only(verdict), 'GATE_UNSIGNED'],
    ['carries what does not verify', { ...only(), disbelieved: [not('ATTESTATION_UNTRUSTED'), not('ATTESTATION_MALFORMED')] }, 'GATE_UNSIGNED'],
    ['carries what was said of another image', { ...only(), disbelieved: [not('ATTESTATION_SUBJECT_MISMATCH')] }, 'GATE_EVIDENCE_FOREIGN'],
    ['carries what a stranger said', { ...only(), disbelieved: [not('ATTESTATION_SUBJECT_MISMATCH'), not('ATTESTATION_SIGNER_UNKNOWN', predicateTypes.cyclonedx)] }, 'GATE_SIGNER_UNTRUSTED'],
    ['carries a bill of materials by the builder', only(sbom), 'GATE_EVIDENCE_MISSING'],
    ['carries a bill of materials by the builder, and what a stranger said', { ...only(sbom), disbelieved: [not('ATTESTATION_SIGNER_UNKNOWN', predicateTypes.tests)] }, 'GATE_EVIDENCE_MISSING'],
    ['carries a bill of materials by the builder, and the signature of a stranger', { ...only(sbom), disbelieved: [not('ATTESTATION_SIGNER_UNKNOWN', predicateTypes.signature)] }, 'GATE_SIGNER_UNTRUSTED'],
  ];
  test.each(cases)('that %s', (_, evidence, code) => {
    const [first, ...rest] = evaluate(given({ evidence })).reasons;
    expect(first).toMatchObject({ effect: 'deny', code, subject: image.digest });
    expect(rest.map((one) => one.code)).not.toContain(code === 'GATE_EVIDENCE_MISSING' ? 'GATE_UNSIGNED' : code);
  });
});
