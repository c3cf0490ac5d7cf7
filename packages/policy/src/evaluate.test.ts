// SPDX-License-Identifier: Apache-2.0
// The judgment: one case for each way to be refused, what each rule is for, and properties that must hold for all evidence.
import fc from 'fast-check';
import { formatSigner, predicateTypes, type Evidence, type FailureCode, type Finding, type VerifiedStatement } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { evaluate, evaluateBy, judgeScans } from './evaluate.ts';
import { parseExceptions } from './exceptions-file.ts';
import { parsePolicy } from './policy-file.ts';
import { rules } from './rules/index.ts';
import {
  amd64, arm64, builder, commit, critical, digest, given, hoursAgo, image, judge, medium, now, parts, provenance, scanOf, signedScan, statement, trustText, workflow, type Change,
} from './sample.ts';

const none = (): VerifiedStatement[] => [];
const both = (finding: Finding): NonNullable<Change['parts']> => ({ scanAmd64: () => [signedScan(amd64, { findings: [finding] })], scanArm64: () => [signedScan(arm64, { findings: [finding] })] });
const scanned = (scan: Parameters<typeof signedScan>[1], other?: Parameters<typeof signedScan>[2]): Change => ({ parts: { scanAmd64: () => [signedScan(amd64, scan, other)] } });
const proved = (other: Parameters<typeof provenance>[0], more: Partial<VerifiedStatement> = {}): Change => ({ parts: { provenance: () => [statement(image.digest, predicateTypes.provenance, provenance(other), more)] } });
const tested = (result: unknown): Change => ({ parts: { tests: () => [statement(image.digest, predicateTypes.tests, result)] } });
const overlap = `${trustText}  - issuer: https://token.actions.githubusercontent.com\n    identity-pattern: https://github\\.com/contoso/web/\\.github/workflows/.*@refs/heads/main\n    owner-id: 7\n`;
const exception = (lines: string): string => `exceptions:\n  - id: CVE-2026-0001\n    owner: alice\n    reason: not reachable\n    approver: bob\n    ${lines.replaceAll('; ', '\n    ')}\n`;

const [source, ...others] = (provenance() as { buildDefinition: { resolvedDependencies: { uri: string }[] } }).buildDefinition.resolvedDependencies;
const twoCommits = { buildDefinition: { ...(provenance() as { buildDefinition: object }).buildDefinition, resolvedDependencies: [source, { ...source, digest: { gitCommit: 'deadbeef' } }, ...others] } };

const withoutId = { buildDefinition: { ...(provenance() as { buildDefinition: object }).buildDefinition, internalParameters: {} } };
const bare = Object.fromEntries(['sourceDigest', 'sourceRef', 'sourceRepository'].map((name) => [name, undefined])) as unknown as Record<string, string>;

test('the whole evidence passes under the strict policy, and the verdict rests on it', () => {
  const options = given();
  const verdict = evaluate(options);
  expect(verdict).toMatchObject({ result: 'passed', channel: 'release', reasons: [], decidedAt: now, validUntil: new Date('2026-12-21T12:00:00Z'), policy: { digest: digest('90') } });
  expect(verdict.inputs).toEqual(options.evidence.statements.map(({ attestation }) => attestation).sort());
});

/** name, the change, the only code that denies, the rule without which it would pass. */
const refusals: readonly (readonly [string, Change, FailureCode, keyof typeof rules])[] = [
  ['no signature', { parts: { signature: none } }, 'GATE_EVIDENCE_MISSING', 'signature'],
  ['a signature on a platform only', { parts: { signature: () => [statement(amd64.digest, predicateTypes.signature, {})] } }, 'GATE_EVIDENCE_MISSING', 'signature'],
  ['a signature by the gate', { parts: { signature: () => [statement(image.digest, predicateTypes.signature, {}, { signer: judge })] } }, 'GATE_SIGNER_UNTRUSTED', 'signature'],
  ['a signature by a pull request', { parts: { signature: () => [statement(image.digest, predicateTypes.signature, {}, { signer: workflow('release.yml', { event: 'pull_request' }) })] } }, 'GATE_SIGNER_UNTRUSTED', 'signature'],
  ['a signature by a fork', { parts: { signature: () => [statement(image.digest, predicateTypes.signature, {}, { signer: workflow('release.yml', { sourceRepositoryId: '666' }) })] } }, 'GATE_SIGNER_UNTRUSTED', 'signature'],
  ['no provenance', { parts: { provenance: none } }, 'GATE_EVIDENCE_MISSING', 'requiredEvidence'],
  ['no test result', { parts: { tests: none } }, 'GATE_EVIDENCE_MISSING', 'requiredEvidence'],
  ['an SBOM on one platform only', { parts: { sboms: () => [statement(amd64.digest, predicateTypes.cyclonedx, {})] } }, 'GATE_EVIDENCE_MISSING', 'requiredEvidence'],
  ['no vulnerability statement where wanted', { policy: 'evidence: {require: [vulnerabilities]}' }, 'GATE_EVIDENCE_MISSING', 'requiredEvidence'],
  ['one platform unscanned', { parts: { scanArm64: none } }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['a scan signed by the gate', { parts: { scanArm64: () => [signedScan(arm64, {}, { signer: judge })] } }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['no scan by the second scanner', { policy: 'evidence: {scanners: [trivy, grype]}' }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['no runnable platform', { evidence: { platforms: [] } }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['scan left out of require while findings are denied', { policy: 'evidence: {require: [signature]}', parts: { scanAmd64: none } }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['scan left out of require while one of two rules denies', { policy: 'findings: [{name: a, severity: [low], effect: warn}, {name: b, severity: [critical], effect: deny}]\nevidence: {require: [signature]}', parts: { scanAmd64: none } }, 'GATE_PLATFORM_UNSCANNED', 'platformsScanned'],
  ['a newer scan that cannot be read', { more: [statement(amd64.digest, predicateTypes.scan, { platform: 'linux/amd64' }, { trustedTime: hoursAgo(0.5) })] }, 'ATTESTATION_MALFORMED', 'scanReadable'],
  ['a scan that cannot be read, of the same time', { more: [statement(amd64.digest, predicateTypes.scan, {})] }, 'ATTESTATION_MALFORMED', 'scanReadable'],
  ['a scan of another config', scanned({ configDigest: digest('ff') }), 'GATE_SCAN_UNBOUND', 'scanBound'],
  ['a scan of fewer layers', scanned({ diffIds: [digest('d1')] }), 'GATE_SCAN_UNBOUND', 'scanBound'],
  ['a scan of another platform', scanned({ platform: 'linux/arm64' }), 'GATE_SCAN_UNBOUND', 'scanBound'],
  ['a scan that saw nothing', scanned({ packageCount: 0 }), 'GATE_SCAN_EMPTY', 'scanSawPackages'],
  ['a scan signed long ago', scanned({}, { trustedTime: hoursAgo(24.1) }), 'GATE_SCAN_STALE', 'scanFreshness'],
  ['an old scan signed anew', scanned({ finishedAt: hoursAgo(25).toISOString() }), 'GATE_SCAN_STALE', 'scanFreshness'],
  ['a scan of tomorrow', scanned({ finishedAt: hoursAgo(-5).toISOString() }), 'GATE_SCAN_STALE', 'scanFreshness'],
  ['an old scan by a scanner that the policy names', { policy: 'evidence: {scanners: [trivy, grype]}', more: [signedScan(amd64, { scanner: { name: 'grype', version: '1' } }, { trustedTime: hoursAgo(30) }), signedScan(arm64, { scanner: { name: 'grype', version: '1' } })] }, 'GATE_SCAN_STALE', 'scanFreshness'],
  ['an old database', scanned({ database: { updatedAt: hoursAgo(49).toISOString() } }), 'GATE_DATABASE_STALE', 'databaseFreshness'],
  ['all in one job', scanned({ isolation: 'none' }), 'GATE_ISOLATION_MISSING', 'isolation'],
  ['failed tests', tested({ result: 'FAILED' }), 'GATE_TESTS_FAILED', 'testsPassed'],
  ['tests that warn', tested({ result: 'WARNED' }), 'GATE_TESTS_FAILED', 'testsPassed'],
  ['tests without a result', tested('PASSED'), 'GATE_TESTS_FAILED', 'testsPassed'],
  ['passed tests, and failed ones at the same time', { more: [statement(image.digest, predicateTypes.tests, { result: 'FAILED' })] }, 'GATE_TESTS_FAILED', 'testsPassed'],
  ['provenance of another commit', proved({ commit: 'deadbeef' }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance of another repository', proved({ repository: 'https://github.com/evil/web' }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance of another repository id', proved({ repositoryId: '43' }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance of another repository id, as a number', proved({ repositoryId: 43 }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['an image that names another source', { evidence: { source: 'https://github.com/contoso/api' } }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['a certificate of another repository address', proved({}, { signer: workflow('release.yml', { sourceRepository: 'https://github.com/contoso/api' }) }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance of another ref than the certificate', proved({ ref: 'refs/heads/dev' }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['a certificate of another commit', proved({}, { signer: workflow('release.yml', { sourceDigest: 'deadbeef' }) }), 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance without source', { parts: { provenance: () => [statement(image.digest, predicateTypes.provenance, {})] } }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['provenance of two commits', { parts: { provenance: () => [statement(image.digest, predicateTypes.provenance, twoCommits)] } }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['an image without revision', { evidence: { revision: '' } }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['a ref that the policy does not take', { policy: 'provenance: {refs: [refs/tags/v*]}' }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['a repository that the policy does not take', { policy: 'provenance: {source: https://github.com/contoso/api}' }, 'GATE_PROVENANCE_MISMATCH', 'provenanceFits'],
  ['a builder that may judge', { trust: overlap }, 'GATE_ROLES_OVERLAP', 'rolesApart'],
  ['a critical finding', { parts: both(critical) }, 'GATE_FINDING_DENIED', 'findings'],
  ['a finding of the class that a rule names', { policy: 'findings: [{name: a, severity: [medium], class: os, effect: deny}]' }, 'GATE_FINDING_DENIED', 'findings'],
  ['a finding without fix, by a rule for those', { policy: 'findings: [{name: a, severity: [medium], fixable: false, effect: deny}]' }, 'GATE_FINDING_DENIED', 'findings'],
  ['a critical finding without fix', { parts: both({ ...medium, severity: 'critical' }) }, 'GATE_FINDING_DENIED', 'findings'],
  ['an unrated finding', { parts: both({ ...medium, severity: 'unknown' }) }, 'GATE_FINDING_DENIED', 'findings'],
  ['a critical finding on one platform, by the second scanner', { more: [signedScan(arm64, { scanner: { name: 'grype', version: '1' }, findings: [critical] })] }, 'GATE_FINDING_DENIED', 'findings'],
  ['a critical finding in the newer scan', { more: [signedScan(arm64, { findings: [critical] }, { trustedTime: hoursAgo(0.5) })] }, 'GATE_FINDING_DENIED', 'findings'],
  ['a critical finding in one of two scans of the same time', { more: [signedScan(arm64, { findings: [critical] })] }, 'GATE_FINDING_DENIED', 'findings'],
  ['what one rule warns of and a later one denies', { policy: 'findings: [{name: a, severity: [medium], effect: warn}, {name: b, severity: [medium], effect: deny}]' }, 'GATE_FINDING_DENIED', 'findings'],
  ['what a rule of the policy denies', { policy: 'findings: [{name: fixable medium, severity: [medium], fixable: true, effect: deny}]', parts: both({ ...medium, fixed: '1.2.14' }) }, 'GATE_FINDING_DENIED', 'findings'],
];

describe('refused', () => {
  test.each(refusals)('%s', (_, change, code, rule) => {
    const verdict = evaluate(given(change));
    expect(verdict.result).toBe('refused');
    expect([...new Set(verdict.reasons.filter(({ effect }) => effect === 'deny').map((one) => one.code))]).toEqual([code]);
    expect(verdict.reasons.every(({ mend, message, policy }) => mend !== '' && message !== '' && policy !== undefined)).toBe(true);
    const others = Object.entries(rules).filter(([name]) => name !== rule).map(([, one]) => one);
    expect(evaluateBy(others, given(change)).result, `without the rule ${rule}`).toBe('passed');
  });
  test('neither the policy nor the image names the source repository', () => {
    const { evidence: { source: _, ...evidence }, ...options } = given();
    expect(evaluate({ ...options, evidence }).reasons).toMatchObject([{ code: 'GATE_PROVENANCE_MISMATCH', message: 'neither the policy nor the image names the source repository' }]);
  });
  test('the policy names the source that the image does not name', () => {
    const { evidence: { source: _, ...evidence }, ...options } = given({ policy: 'provenance: {source: https://github.com/contoso/web}' });
    expect(evaluate({ ...options, evidence })).toMatchObject({ result: 'passed' });
  });
  test('every reason names its rule', () => {
    const named = refusals.flatMap(([, change]) => evaluate(given(change)).reasons.filter(({ effect }) => effect === 'deny').map(({ code, rule }) => `${code} ${rule}`));
    expect([...new Set(named)].filter((one) => !one.startsWith('GATE_FINDING_DENIED')).sort()).toEqual([
      'ATTESTATION_MALFORMED evidence.require', 'GATE_DATABASE_STALE freshness.database-hours', 'GATE_EVIDENCE_MISSING evidence.require', 'GATE_ISOLATION_MISSING isolation', 'GATE_PLATFORM_UNSCANNED evidence.require',
      'GATE_PROVENANCE_MISMATCH provenance', 'GATE_ROLES_OVERLAP roles-overlap', 'GATE_SCAN_EMPTY evidence.require', 'GATE_SCAN_STALE freshness.scan-hours', 'GATE_SCAN_UNBOUND evidence.require', 'GATE_SIGNER_UNTRUSTED evidence.require', 'GATE_TESTS_FAILED evidence.require',
    ]);
  });
  test('a finding is told with its rating, its evidence and how it is mended', () => {
    const told = (finding: Finding, options: NonNullable<Change['options']> = {}) => evaluate(given({ parts: both(finding), options })).reasons;
    expect(told({ ...medium, severity: 'unknown' })).toMatchObject([{ message: 'CVE-2026-0002 (unrated, counts as high) in zlib 1.2.13 → no fix yet', mend: 'Remove or replace zlib and build again; or enter an exception with owner, reason, expiry and approver.', evidence: expect.stringMatching(/^sha256:/) as string }]);
    expect(told(critical)).toMatchObject([{ message: 'CVE-2026-0001 (critical) in openssl 3.0.11 → fixed in 3.0.12', mend: 'Update openssl to 3.0.12 and build again.' }]);
    const deployed = given({ parts: both(medium), more: [signedScan(amd64, { findings: [critical] }, { predicateType: predicateTypes.vulnerabilities }), statement(amd64.digest, predicateTypes.scan, {})] }).evidence;
    expect(told(critical, { baseline: deployed })[0]?.message).toContain('new since the deployed image');
    expect(told(critical, { baseline: given({ parts: { scanAmd64: () => [signedScan(amd64, { findings: [medium, critical] })] } }).evidence })[0]?.message).toContain('known from the deployed image');
    expect(judgeScans({ policy: parsePolicy(''), scans: [scanOf(amd64, { findings: [critical] })], exceptions: parseExceptions(''), now })[0]).not.toHaveProperty('evidence');
  });
  test('a signer with both roles is told by name, where its statements are wanted', () => {
    expect(evaluate(given({ trust: overlap })).reasons[0]?.message).toBe(`${formatSigner(builder)} may both build and judge`);
    const ofTests = given({ trust: overlap, policy: 'evidence: {require: [scan]}' });
    expect(evaluate(ofTests)).toMatchObject({ result: 'passed' });
  });
  test('an exception that does not count, and one that is idle, name their rule', () => {
    const told = (lines: string) => evaluate(given({ parts: both(critical), exceptions: exception(lines) })).reasons.find(({ code }) => code.startsWith('POLICY_EXCEPTION'));
    expect(told('package: openssl; version: 3.0.11; expires: 2026-11-20')).toMatchObject({ code: 'POLICY_EXCEPTION_EXPIRED', rule: 'exceptions', subject: 'CVE-2026-0001' });
    expect(told('package: curl; version: any; expires: 2026-12-01')).toMatchObject({ code: 'POLICY_EXCEPTION_UNUSED', rule: 'exceptions', subject: 'CVE-2026-0001' });
  });
  test('what a certificate proves is told by name', () => {
    const told = (extensions: Record<string, string>) => evaluate(given(proved({}, { signer: workflow('release.yml', extensions) }))).reasons.map(({ message }) => message);
    expect(told({ sourceDigest: 'deadbeef', sourceRef: 'refs/heads/dev', sourceRepository: 'https://github.com/contoso/api' })).toEqual([
      `the certificate proves commit deadbeef, the provenance says ${commit}`, 'the certificate proves ref refs/heads/dev, the provenance says refs/heads/main',
      'the certificate proves repository https://github.com/contoso/api, the provenance says https://github.com/contoso/web',
    ]);
  });
  test('what is missing is told with what was seen instead', () => {
    const bundle = { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', code: 'ATTESTATION_UNTRUSTED', reason: 'no log entry' } as const;
    const of = (signature: () => VerifiedStatement[], disbelieved: Evidence['disbelieved']) => evaluate(given({ parts: { signature }, evidence: { disbelieved } })).reasons.find(({ message }) => message.startsWith('the image has no signature'))?.message;
    expect(of(none, [])).not.toContain('seen');
    expect(of(none, [{ ...bundle, attestation: digest('01'), subject: amd64.digest }, { ...bundle, artifactType: 'text/plain', attestation: digest('02'), subject: image.digest }])).not.toContain('seen');
    const strangers = ['a.yml', 'b.yml', 'c.yml', 'd.yml'].map((file) => statement(image.digest, predicateTypes.signature, {}, { signer: workflow(file) }));
    expect(of(() => [...strangers.slice(0, 1), statement(amd64.digest, predicateTypes.signature, {}, { signer: workflow('b.yml') })], [])).toMatch(/; seen: 1 by signers without the role for it \([^,]*a\.yml[^,]*\)$/);
    expect(of(() => strangers, [])).toMatch(/; seen: 4 by signers without the role for it \([^,]*a\.yml[^,]*, [^,]*b\.yml[^,]*, [^,]*c\.yml[^,]*\)$/);
    expect(of(none, [{ ...bundle, attestation: digest('01'), subject: image.digest }])).toMatch(/; seen: 1 referrers not believed \(ATTESTATION_UNTRUSTED: no log entry\)$/);
  });
  test('every rule has a case', () => {
    expect(Object.keys(rules).filter((name) => !refusals.some(([, , , rule]) => rule === name))).toEqual([]);
  });
  test('many reasons are told together, denials first', () => {
    const verdict = evaluate(given({ parts: { signature: none, scanArm64: none, ...tested({ result: 'FAILED' }).parts, scanAmd64: () => [signedScan(amd64, { findings: [critical] })] }, exceptions: exception('package: curl; version: any; expires: 2026-12-01') }));
    expect(verdict.reasons.map(({ code, effect }) => `${effect} ${code}`)).toEqual(['deny GATE_EVIDENCE_MISSING', 'deny GATE_PLATFORM_UNSCANNED', 'deny GATE_TESTS_FAILED', 'deny GATE_FINDING_DENIED', 'warn POLICY_EXCEPTION_UNUSED']);
  });
});

describe('passed', () => {
  const cases: readonly (readonly [string, Change])[] = [
    ['a critical finding that a newer scan no longer has', { more: [signedScan(amd64, { findings: [critical] }, { trustedTime: hoursAgo(3) })] }],
    ['an old scan by a scanner that nobody asks for', { more: [signedScan(amd64, { scanner: { name: 'grype', version: '1' }, findings: [critical] }, { trustedTime: hoursAgo(30) })] }],
    ['a malformed scan that a newer one replaces', { more: [statement(amd64.digest, predicateTypes.scan, {}, { trustedTime: hoursAgo(3) })] }],
    ['failed tests that were repeated', { more: [statement(image.digest, predicateTypes.tests, { result: 'FAILED' }, { trustedTime: hoursAgo(3) })] }],
    ['one job where the policy takes it', { ...scanned({ isolation: 'none' }), policy: 'isolation: any' }],
    ['no tests where the policy does without', { parts: { tests: none }, policy: 'evidence: {require: [signature, scan]}' }],
    ['an old database where no scan is wanted', { ...scanned({ database: { updatedAt: hoursAgo(490).toISOString() } }), policy: 'findings: []\nevidence: {require: [signature]}' }],
    ['a ref that one of two patterns takes', { policy: 'provenance: {refs: [refs/tags/v*, refs/heads/main]}' }],
    ['a certificate that names neither commit, ref nor address', proved({}, { signer: workflow('release.yml', bare) })],
    ['provenance without repository id', { parts: { provenance: () => [statement(image.digest, predicateTypes.provenance, withoutId)] } }],
    ['no scan where nothing is denied for it', { parts: { scanAmd64: none, scanArm64: none }, policy: 'findings: [{name: a, severity: [low], effect: warn}]\nevidence: {require: [signature]}' }],
    ['a finding with a fix, by a rule for those without', { policy: 'findings: [{name: a, severity: [medium], fixable: false, effect: deny}]', parts: both({ ...medium, fixed: '1.2.14' }) }],
    ['a finding of another class than a rule names', { policy: 'findings: [{name: a, severity: [medium], class: language, effect: deny}]' }],
    ['SBOMs by the builder, scans by a scanner of its own', { trust: trustText.replace(/(scan:.*?)release\.yml/s, '$1scan.yml'), parts: { scanAmd64: () => [signedScan(amd64, {}, { signer: workflow('scan.yml') })], scanArm64: () => [signedScan(arm64, {}, { signer: workflow('scan.yml') })] } }],
    ['statements of strangers', { more: [statement(image.digest, predicateTypes.tests, { result: 'FAILED' }, { signer: workflow('evil.yml') }), signedScan(amd64, { findings: [critical] }, { signer: workflow('evil.yml') })] }],
    ['a pull request for a preview', { options: { channel: 'preview' }, trust: trustText.replaceAll('repository-id: 42', 'repository-id: 42\n    triggers: [pull_request, push]'), parts: { signature: () => [statement(image.digest, predicateTypes.signature, {}, { signer: workflow('release.yml', { event: 'pull_request' }) })] } }],
    ['unfixable critical where the policy denies only fixable', { policy: 'findings: [{name: fixable, severity: [critical], fixable: true, effect: deny}]', parts: both({ ...medium, severity: 'critical' }) }],
    ['an exception', { parts: both(critical), exceptions: exception('purl: pkg:deb/debian/openssl@3.0.11; expires: 2026-12-01') }],
    ['an exception by an alias', { parts: both({ ...critical, id: 'GHSA-aaaa-bbbb-cccc', aliases: ['CVE-2026-0001'] }), exceptions: exception('package: openssl; version: 3.0.11; expires: 2026-11-21') }],
    ['an exception for every version', { parts: both(critical), exceptions: exception('package: openssl; version: any; expires: 2026-12-01; added: 2026-11-01') }],
    ['a key as the signer', { trust: `build: [{fingerprint: "${digest('fe')}"}]\nscan: [{fingerprint: "${digest('fe')}"}]`, evidence: { statements: given().evidence.statements.map((one): VerifiedStatement => ({ ...one, signer: { kind: 'key', fingerprint: digest('fe') } })) } }],
  ];
  test.each(cases)('%s', (_, change) => {
    expect(evaluate(given(change))).toMatchObject({ result: 'passed' });
  });
  test('where the roles may overlap, the verdict says so', () => {
    expect(evaluate(given({ trust: overlap, policy: 'roles-overlap: allow' }))).toMatchObject({ result: 'passed', reasons: [{ effect: 'info', code: 'GATE_ROLES_OVERLAP' }] });
  });
  test('what a rule warns of is told', () => {
    expect(evaluate(given({ policy: 'findings: [{name: the rest, severity: [medium], effect: warn}]' })).reasons).toMatchObject([{ effect: 'warn', code: 'GATE_FINDING_WARNED', subject: 'linux/amd64, linux/arm64', rule: 'the rest' }]);
  });
});

describe('exceptions', () => {
  const refused: readonly (readonly [string, string, FailureCode | undefined, NonNullable<Change['options']>?])[] = [
    ['expired yesterday', 'package: openssl; version: 3.0.11; expires: 2026-11-20', 'POLICY_EXCEPTION_EXPIRED'],
    ['longer than the policy allows, from the day it was added', 'package: openssl; version: 3.0.11; added: 2026-10-01; expires: 2026-12-31', 'POLICY_EXCEPTION_INVALID'],
    ['longer than the policy allows, from now', 'package: openssl; version: 3.0.11; expires: 2027-11-20', 'POLICY_EXCEPTION_INVALID'],
    ['added tomorrow', 'package: openssl; version: 3.0.11; added: 2026-11-22; expires: 2026-12-01', 'POLICY_EXCEPTION_INVALID'],
    ['not approved', 'package: openssl; version: 3.0.11; expires: 2026-12-01', 'POLICY_EXCEPTION_INVALID', { approvals: () => 'unproven' }],
    ['of another version', 'package: openssl; version: 3.0.10; expires: 2026-12-01', undefined],
    ['of another version by its package URL', 'purl: pkg:deb/debian/openssl@3.0.10; expires: 2026-12-01', undefined],
    ['of another package', 'purl: pkg:deb/debian/curl@3.0.11; expires: 2026-12-01', undefined],
    ['of another architecture', 'purl: pkg:deb/debian/openssl@3.0.11?arch=s390x; expires: 2026-12-01', undefined],
  ];
  for (const [name, lines, code, options = {}] of refused) test(`${name}: the finding counts`, () => {
    const verdict = evaluate(given({ parts: both(critical), exceptions: exception(lines), options }));
    const denied = verdict.reasons.filter(({ effect }) => effect === 'deny').map((one) => one.code);
    expect(denied).toEqual(['GATE_FINDING_DENIED', ...(code === undefined ? [] : [code])]);
    expect(verdict.reasons.some((one) => one.code === 'POLICY_EXCEPTION_UNUSED')).toBe(code === undefined);
  });
  test('nothing is approved unless somebody proves it', () => {
    const { approvals: _, ...options } = given({ parts: both(critical), exceptions: exception('package: openssl; version: 3.0.11; expires: 2026-12-01') });
    expect(evaluate(options).result).toBe('refused');
    expect(judgeScans({ policy: options.policy, scans: [scanOf(amd64, { findings: [critical] })], exceptions: options.exceptions, now })[0]).toMatchObject({ effect: 'deny' });
  });
  test('says who let it pass, why, and where that stands', () => {
    const [told] = evaluate(given({ parts: both(critical), exceptions: exception('package: openssl; version: 3.0.11; expires: 2026-12-01') })).reasons;
    expect(told).toMatchObject({ effect: 'info', code: 'GATE_FINDING_EXCEPTED', finding: { id: 'CVE-2026-0001' } });
    expect(told?.message).toBe('CVE-2026-0001 (critical) in openssl 3.0.11 → fixed in 3.0.12; let pass until 2026-12-01 by the exception of alice (exceptions.yaml:2): not reachable');
  });
});

describe('findings', () => {
  test('of several scanners and platforms are told once, worst first, with the fix that anybody knows', () => {
    const high: Finding = { ...medium, id: 'CVE-2026-0003', severity: 'high' };
    const grype = { scanner: { name: 'grype', version: '1' } };
    const verdict = evaluate(given({
      parts: { scanAmd64: () => [signedScan(amd64, { findings: [high, { ...critical, severity: 'high' }] })], scanArm64: () => [signedScan(arm64, { findings: [critical] })] },
      more: [signedScan(amd64, { ...grype, findings: [{ ...high, id: 'GHSA-1', aliases: ['CVE-2026-0003'], fixed: '1.3', path: '/var/lib/dpkg/status' }] })],
    }));
    expect(verdict.reasons.map(({ message, subject }) => [message, subject])).toEqual([
      ['CVE-2026-0001 (critical) in openssl 3.0.11 → fixed in 3.0.12', 'linux/amd64, linux/arm64'],
      ['CVE-2026-0003 (high) in zlib 1.2.13 → fixed in 1.3', 'linux/amd64'],
    ]);
    expect(verdict.reasons[0]).toMatchObject({ mend: 'Update openssl to 3.0.12 and build again.', rule: 'critical and high' });
  });
  test('say whether the deployed image has them already, and how a released image is mended', () => {
    const options = given({ parts: both(critical), options: { mode: 'rescan', baseline: given({ parts: both({ ...critical, installed: '3.0.9' }) }).evidence } });
    expect(evaluate(options).reasons).toMatchObject([{ message: expect.stringContaining('known from the deployed image'), mend: expect.stringContaining('revoke') }]);
    expect(evaluate({ ...options, baseline: given().evidence }).reasons[0]?.message).toContain('new since the deployed image');
  });
  test('can be judged before anything is signed', () => {
    const reasons = judgeScans({ policy: parsePolicy(''), scans: [scanOf(amd64, { findings: [critical, medium] }), scanOf(arm64)], exceptions: parseExceptions(''), now });
    expect(reasons).toMatchObject([{ effect: 'deny', code: 'GATE_FINDING_DENIED', policy: { file: 'policy.yaml', line: 1 } }]);
  });
});

describe('for all evidence', () => {
  const severity = fc.constantFrom(...(['critical', 'high', 'medium', 'low', 'negligible', 'unknown'] as const));
  const finding: fc.Arbitrary<Finding> = fc.record({ id: fc.constantFrom('CVE-1', 'CVE-2', 'CVE-3'), package: fc.constantFrom('a', 'b'), installed: fc.constant('1'), severity, class: fc.constantFrom('os' as const, 'language' as const) })
    .chain((one) => fc.boolean().map((fixable): Finding => (fixable ? { ...one, fixed: '2' } : one)));
  const scan = fc.record({ findings: fc.array(finding, { maxLength: 4 }), isolation: fc.constantFrom('job' as const, 'none' as const), packageCount: fc.constantFrom(0, 9, 9, 9) });
  const age = fc.constantFrom(1, 1, 2, 30);
  const rule = fc.record({ severity: fc.subarray(['critical', 'high', 'medium', 'low', 'negligible'], { minLength: 1 }), fixable: fc.constantFrom('any', 'true', 'false'), effect: fc.constantFrom('deny', 'warn') })
    .map((one) => `{name: r, severity: [${one.severity.join()}], fixable: ${one.fixable}, effect: ${one.effect}}`);
  const required = fc.subarray(['signature', 'provenance', 'tests', 'scan', 'sbom']);
  const policyOf = (rulesOfPolicy: readonly string[], require: readonly string[]): string => `findings: [${rulesOfPolicy.join()}]\nevidence: {require: [${require.join()}], scanners: [trivy, grype]}`;
  const change = fc.record({ amd64: scan, arm64: scan, second: scan, hours: age, failed: fc.boolean(), rules: fc.array(rule, { maxLength: 3 }), required, commit: fc.constantFrom(commit, commit, 'other') }).map((one): { change: Change; rules: string[]; required: string[] } => ({
    rules: one.rules, required: one.required,
    change: {
      policy: policyOf(one.rules, one.required),
      parts: {
        scanAmd64: () => [signedScan(amd64, one.amd64, { trustedTime: hoursAgo(one.hours) })],
        scanArm64: () => [signedScan(arm64, one.arm64)],
        ...tested({ result: one.failed ? 'FAILED' : 'PASSED' }).parts,
        ...proved({ commit: one.commit }).parts,
      },
      more: [amd64, arm64].map((platform) => signedScan(platform, { ...one.second, scanner: { name: 'grype', version: '1' } })),
    },
  }));

  test('a further rule that denies never lets a refused image pass', () => {
    fc.assert(fc.property(change, rule, ({ change: one, rules: old, required: require }, more) => {
      const options = given(one);
      fc.pre(evaluate(options).result === 'refused');
      const stricter = { ...options, policy: parsePolicy(policyOf([...old, more.replace('effect: warn', 'effect: deny')], require)) };
      expect(evaluate(stricter).result).toBe('refused');
    }));
  });
  test('taking a statement away never lets a refused image pass', () => {
    fc.assert(fc.property(change, fc.nat(), ({ change: one }, index) => {
      const options = given(one);
      fc.pre(evaluate(options).result === 'refused');
      const statements = options.evidence.statements.filter((_, position) => position !== index % options.evidence.statements.length);
      expect(evaluate({ ...options, evidence: { ...options.evidence, statements } }).result).toBe('refused');
    }));
  });
  test('the order of statements does not matter', () => {
    fc.assert(fc.property(change, fc.infiniteStream(fc.nat()), ({ change: one }, keys) => {
      const options = given(one);
      const stream = keys[Symbol.iterator]();
      const statements = options.evidence.statements.map((value) => ({ value, key: Number(stream.next().value) })).sort((a, b) => a.key - b.key).map(({ value }) => value);
      expect(evaluate({ ...options, evidence: { ...options.evidence, statements } })).toEqual(evaluate(options));
    }));
  });
  test('whoever has no role changes nothing', () => {
    fc.assert(fc.property(change, change, ({ change: one }, { change: other }) => {
      const options = given(one);
      const strangers = given(other).evidence.statements.map((value): VerifiedStatement => ({ ...value, signer: workflow('evil.yml'), roles: ['build', 'scan'] }));
      expect(evaluate({ ...options, evidence: { ...options.evidence, statements: [...options.evidence.statements, ...strangers] } }).result).toBe(evaluate(options).result);
    }));
  });
});

test('the builder of the samples is the one that trust names', () => {
  expect(parts.signature()[0]?.signer).toBe(builder);
});
