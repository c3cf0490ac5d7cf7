// SPDX-License-Identifier: Apache-2.0
// A rule speaks only where the policy wants it, rests on what it saw, and says what it saw.
import { predicateTypes } from '@pratique/core';
import { expect, test } from 'vitest';
import { evaluate } from '../evaluate.ts';
import { amd64, arm64, digest, given, hoursAgo, image, parts, provenance, scanOf, signedScan, statement, trustText, type Change } from '../sample.ts';

const none = (): [] => [];

test.each<readonly [string, Change]>([
  ['a signature', { policy: 'evidence: {require: [scan]}', parts: { signature: none } }],
  ['tests, though they failed', { policy: 'evidence: {require: [scan]}', parts: { tests: () => [statement(image.digest, predicateTypes.tests, { result: 'FAILED' })] } }],
  ['provenance, though it is of another commit', { policy: 'evidence: {require: [scan]}', parts: { provenance: () => [statement(image.digest, predicateTypes.provenance, provenance({ commit: 'other' }))] } }],
  ['an SBOM', { policy: 'evidence: {require: [scan]}', parts: { sboms: none } }],
  ['scans, though they are old and of another image', { policy: 'findings: []\nevidence: {require: [signature]}', parts: { scanAmd64: () => [signedScan(amd64, { ...scanOf(arm64), isolation: 'none', packageCount: 0 }, { trustedTime: hoursAgo(90) })] } }],
  ['scans, though they cannot be read', { policy: 'findings: []\nevidence: {require: [signature]}', parts: { scanAmd64: () => [statement(amd64.digest, predicateTypes.scan, {})] } }],
])('nothing is refused where the policy does not want %s', (_, change) => {
  expect(evaluate(given(change))).toMatchObject({ result: 'passed', reasons: [] });
});

test('a refusal for want of evidence rests on nothing', () => {
  expect(evaluate(given({ evidence: { statements: [] } }))).toMatchObject({ result: 'refused', inputs: [] });
});

test('a verdict rests on each statement once, and on the newest of its kind', () => {
  const old = statement(image.digest, predicateTypes.signature, {}, { trustedTime: hoursAgo(2) });
  const options = given({ more: [old], policy: 'roles-overlap: allow', trust: trustText.replace('gate.yml', 'release.yml') });
  const { inputs, reasons } = evaluate(options);
  expect(inputs).toEqual(options.evidence.statements.filter((one) => one !== old).map(({ attestation }) => attestation).sort());
  expect(reasons.map(({ code }) => code)).toEqual(['GATE_ROLES_OVERLAP']);
});

test.each<readonly [string, Change, string]>([
  ['platform', { parts: { scanAmd64: () => [signedScan(amd64, { platform: 'linux/s390x' })] } }, 'the scan of linux/amd64 by trivy speaks of another image: platform differ'],
  ['config and layers', { parts: { scanAmd64: () => [signedScan(amd64, { configDigest: digest('ff'), diffIds: [] })] } }, 'the scan of linux/amd64 by trivy speaks of another image: config digest, layers differ'],
  ['its age', { parts: { scanAmd64: () => [signedScan(amd64, { finishedAt: hoursAgo(25).toISOString() })] } }, 'the scan of linux/amd64 by trivy ended 25.0 h ago and was signed 1.0 h ago; the policy allows 24 h'],
  ['what is missing', { parts: { scanAmd64: none } }, 'linux/amd64 has no scan that counts'],
])('a refused scan says why: %s', (_, change, message) => {
  expect(evaluate(given(change)).reasons.map((one) => one.message)).toEqual([message]);
});

test('every part of the sample is of the type that its name says', () => {
  expect(Object.values(parts).flatMap((part) => part()).map(({ predicateType }) => predicateType)).toEqual([
    predicateTypes.signature, predicateTypes.provenance, predicateTypes.tests, predicateTypes.scan, predicateTypes.scan, predicateTypes.cyclonedx, predicateTypes.cyclonedx,
  ]);
});
