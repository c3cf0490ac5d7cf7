// SPDX-License-Identifier: Apache-2.0
import { Failure, type Digest, type FailureCode, type Reason, type Verdict } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { deploymentPredicate, readDeploymentPredicate, type DeploymentFacts } from './deployment.ts';
import { provenancePredicate } from './provenance.ts';
import { encodeStatement, readStatement } from './statement.ts';
import { testResultPredicate } from './test-result.ts';
import { pushClaims, pushIdentity } from '../../../test/fixtures/sign-world.ts';
import { timestampRequest } from './timestamp.ts';
import { readVerdictPredicate, verdictPredicate } from './verdict.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

function codeOf(work: () => unknown): FailureCode | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}

describe('provenancePredicate', () => {
  test('takes source, workflow and run from the claims', () => {
    const material = { uri: 'pkg:docker/debian@12', digest: digest('b') };
    expect(provenancePredicate(pushClaims, { builderId: pushIdentity, materials: [material], parameters: { target: 'app' } })).toEqual({
      buildDefinition: {
        buildType: 'https://actions.github.io/buildtypes/workflow/v1',
        externalParameters: { workflow: { ref: 'refs/heads/main', repository: 'https://github.com/contoso/web', path: '.github/workflows/release.yml' } },
        internalParameters: { github: { event_name: 'push', repository_id: '4711', repository_owner_id: '815', runner_environment: 'github-hosted' }, pratique: { target: 'app' } },
        resolvedDependencies: [
          { uri: 'git+https://github.com/contoso/web@refs/heads/main', digest: { gitCommit: 'a'.repeat(40) } },
          { uri: 'pkg:docker/debian@12', digest: { sha256: 'b'.repeat(64) } },
        ],
      },
      runDetails: { builder: { id: pushIdentity }, metadata: { invocationId: 'https://github.com/contoso/web/actions/runs/77/attempts/1' } },
    });
  });

  const attempts = [
    { built: 1, now: '2', told: '/attempts/1' },
    { built: 3, now: '2', told: '/attempts/2' },
    { built: undefined, now: '2', told: '/attempts/2' },
  ];
  test.each(attempts)('a build of attempt $built in attempt $now is $told', ({ built, now, told }) => {
    const predicate = provenancePredicate({ ...pushClaims, run_attempt: now }, { builderId: pushIdentity, ...(built === undefined ? {} : { attempt: built }) });
    expect(JSON.stringify(predicate)).toContain(told);
  });

  test.each(['sha', 'run_id', 'job_workflow_ref'])('a token without %s makes no provenance', (name) => {
    expect(codeOf(() => provenancePredicate({ ...pushClaims, [name]: undefined }, { builderId: pushIdentity }))).toBe('SIGN_IDENTITY_REFUSED');
  });

  test('a builder that is not the workflow of the token makes no provenance', () => {
    expect(codeOf(() => provenancePredicate(pushClaims, { builderId: 'https://github.com/other/workflow.yml@refs/heads/main' }))).toBe('SIGN_IDENTITY_REFUSED');
  });
});

describe('testResultPredicate', () => {
  test.each([['passed', 'PASSED', ['test'], []], ['failed', 'FAILED', [], ['test']]] as const)('%s is %s', (result, word, passedTests, failedTests) => {
    const facts = { result, stage: 'test', startedAt: '2026-11-20T10:00:00Z', finishedAt: '2026-11-20T10:01:00Z', output: digest('c'), source: 'https://github.com/contoso/web', revision: 'a'.repeat(40) };
    expect(testResultPredicate(facts)).toMatchObject({ result: word, passedTests, failedTests, output: { digest: { sha256: 'c'.repeat(64) } }, configuration: [{ digest: { gitCommit: 'a'.repeat(40) } }] });
  });
});

const reason = (effect: Reason['effect'], index: number): Reason => ({ effect, code: 'GATE_SCAN_STALE', rule: 'scan-age', subject: 'linux/amd64', message: `${index} ${'x'.repeat(500)}`, mend: 'Scan again.' });
const verdict: Verdict = {
  result: 'passed', channel: 'release', policy: { uri: 'github://contoso/policy/.pratique@main', digest: digest('d') }, inputs: [digest('e'), digest('f')],
  reasons: [...Array.from({ length: 60 }, (_, index) => reason('info', index)), reason('deny', 99)], decidedAt: new Date('2026-11-20T10:00:00Z'), validUntil: new Date('2026-12-20T10:00:00Z'),
};
const released = { registry: 'contoso.azurecr.io', repository: 'web', digest: digest('1') };

describe('verdictPredicate', () => {
  test('what is written can be read back', () => {
    const predicate: unknown = JSON.parse(JSON.stringify(verdictPredicate(verdict, released, 'https://github.com/contoso/web/quarantine-gate')));
    expect(readVerdictPredicate(predicate)).toEqual({
      resourceUri: `contoso.azurecr.io/web@${digest('1')}`, result: 'PASSED', channel: 'release', policyUri: verdict.policy.uri, policyDigest: digest('d'), inputs: [digest('e'), digest('f')],
      validUntil: verdict.validUntil, timeVerified: verdict.decidedAt, verifier: 'https://github.com/contoso/web/quarantine-gate',
    });
  });

  test('at most 50 reasons are told, denials first, each cut short', () => {
    const { reasons } = verdictPredicate(verdict, released, 'v') as { reasons: { effect: string; message: string }[] };
    expect(reasons).toHaveLength(50);
    expect(reasons[0]).toMatchObject({ effect: 'deny' });
    expect(Math.max(...reasons.map((one) => one.message.length))).toBe(300);
  });

  const broken: readonly (readonly [string, Record<string, unknown>])[] = [
    ['no result', { verificationResult: undefined }], ['another result', { verificationResult: 'passed' }], ['no channel', { verifiedLevels: ['SLSA_BUILD_LEVEL_2'] }],
    ['two channels', { verifiedLevels: ['PRATIQUE_CHANNEL_RELEASE', 'PRATIQUE_CHANNEL_PREVIEW'] }], ['levels that are text', { verifiedLevels: 'PRATIQUE_CHANNEL_RELEASE' }],
    ['no end of validity', { validUntil: undefined }], ['an end that is no time', { validUntil: 'for ever' }], ['no policy digest', { policy: { uri: 'x' } }],
    ['no resource', { resourceUri: '' }], ['an input without digest', { inputAttestations: [{ uri: 'x' }] }], ['no verifier', { verifier: {} }],
  ];
  test.each(broken)('%s: ATTESTATION_MALFORMED', (_, change) => {
    expect(codeOf(() => readVerdictPredicate({ ...verdictPredicate(verdict, released, 'v'), ...change }))).toBe('ATTESTATION_MALFORMED');
  });
});

describe('readStatement', () => {
  const subject = digest('5');
  const statement = { _type: 'https://in-toto.io/Statement/v1', subject: [{ digest: { sha256: '5'.repeat(64) } }], predicateType: 'https://example.org/p', predicate: { a: 1 } };
  const cases: readonly (readonly [string, Record<string, unknown>, FailureCode | undefined])[] = [
    ['a v1 statement', {}, undefined],
    ['a v0.1 statement of cosign', { _type: 'https://in-toto.io/Statement/v0.1' }, undefined],
    ['another type', { _type: 'https://in-toto.io/Statement/v2' }, 'ATTESTATION_MALFORMED'],
    ['no subject', { subject: [] }, 'ATTESTATION_MALFORMED'],
    ['a second subject', { subject: [...statement.subject, { digest: { sha256: '6'.repeat(64) } }] }, 'ATTESTATION_MALFORMED'],
    ['another subject', { subject: [{ digest: { sha256: '6'.repeat(64) } }] }, 'ATTESTATION_SUBJECT_MISMATCH'],
    ['a subject by name only', { subject: [{ name: subject }] }, 'ATTESTATION_SUBJECT_MISMATCH'],
    ['no predicate type', { predicateType: '' }, 'ATTESTATION_MALFORMED'],
  ];
  test.each(cases)('%s', (_, change, code) => {
    expect(codeOf(() => readStatement(encodeStatement({ ...statement, ...change }), subject))).toBe(code);
  });
});

test('a timestamp request is the DER that RFC 3161 gives', () => {
  expect(timestampRequest(new Uint8Array()).toString('hex')).toBe('30390201013031300d060960864801650304020105000420e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550101ff');
});

describe('the record of a deployment', () => {
  const facts: DeploymentFacts = {
    result: 'rolled-back', code: 'CANARY_REGRESSION', reason: 'worse', strategy: 'canary', revision: 7, weights: { stable: 80, baseline: 10, canary: 10 },
    target: { cluster: { server: 'https://aks.example:443', id: digest('7') }, namespace: 'web', release: 'shop' }, chart: { uri: `oci://r.example/chart@${digest('8')}`, digest: digest('8'), manifest: digest('9') },
    judge: {
      alpha: 0.01, beta: 0.05, alarm: { evidence: 4.7, needed: 4.6 }, promote: { evidence: -1.5, needed: 3 },
      metrics: [{ name: 'failed requests', baseline: { requests: 480, failures: 0 }, canary: { requests: 480, failures: 13 }, alarmEvidence: 5.4, promoteEvidence: -1.5, alarmLine: { absolute: 0.001, relative: 1.1 }, promoteLine: { absolute: 0.005, relative: 1.25 } }],
    },
    startedAt: new Date('2026-11-21T15:00:00Z'), finishedAt: new Date('2026-11-21T15:05:00Z'), run: 'https://github.com/acme/app/actions/runs/1',
  };

  test('holds target, chart, weights, figures and times, and reads back', () => {
    const predicate = deploymentPredicate(facts);
    expect(predicate).toMatchObject({
      target: facts.target, weights: { canary: 10 }, chart: { digest: { sha256: '8'.repeat(64) }, manifest: { sha256: '9'.repeat(64) } }, judge: { metrics: [{ canary: { failures: 13 }, alarmEvidence: 5.4 }] },
      startedAt: '2026-11-21T15:00:00.000Z', run: { uri: facts.run },
    });
    const { result, code, reason, target, revision, startedAt, finishedAt, run } = facts;
    expect(readDeploymentPredicate(JSON.parse(JSON.stringify(predicate)))).toEqual({ result, code, reason, target, revision, startedAt, finishedAt, run });
  });

  const broken: readonly (readonly [string, Record<string, unknown>])[] = [
    ['another result', { result: 'insufficient' }], ['no target', { target: undefined }], ['a cluster without address', { target: { cluster: {}, namespace: 'web', release: 'shop' } }],
    ['a cluster id that is no digest', { target: { cluster: { server: 's', id: 'x' }, namespace: 'web', release: 'shop' } }], ['no release', { target: { cluster: { server: 's' }, namespace: 'web' } }],
    ['a revision that is text', { revision: '7' }], ['a time that is none', { finishedAt: 'soon' }], ['a run without address', { run: {} }], ['a code that is a number', { code: 3 }],
  ];
  test.each(broken)('%s: ATTESTATION_MALFORMED', (_, change) => {
    expect(codeOf(() => readDeploymentPredicate({ ...deploymentPredicate(facts), ...change }))).toBe('ATTESTATION_MALFORMED');
  });
});
