// SPDX-License-Identifier: Apache-2.0
// Whose policy may decide, and what reaches the judgment.
import { predicateTypes, type Evidence, type Finding, type ScanPredicate } from '@pratique/core';
import { parseExceptions, parsePolicy, parseTrust } from '@pratique/policy';
import { describe, expect, test } from 'vitest';
import { decide, type DecideOptions } from './decide.ts';
import type { PolicySet } from './policy-set.ts';

const now = new Date('2026-11-21T12:00:00Z');
const digest = `sha256:${'1'.repeat(64)}` as const;
const image = { registry: 'registry.test', repository: 'web', digest };
const low: Finding = { id: 'CVE-2026-1', package: 'a', installed: '1', severity: 'low', class: 'os' };
const exceptions = parseExceptions('exceptions: [{id: CVE-2026-1, package: a, version: 1, owner: carol, reason: r, approver: bob, expires: 2026-12-01}]');

/** An image of one platform with one scan by the key that may scan. */
function evidenceOf(findings: readonly Finding[]): Evidence {
  const platform = { platform: { os: 'linux', architecture: 'amd64' }, digest, configDigest: digest, diffIds: [] };
  const at = now.toISOString();
  const scan: ScanPredicate = {
    platform: 'linux/amd64', configDigest: digest, diffIds: [], packageCount: 1, scanner: { name: 'trivy', version: '1' }, database: { updatedAt: at }, startedAt: at, finishedAt: at, report: digest, isolation: 'job', findings,
  };
  const statement = { subject: digest, predicateType: predicateTypes.scan, predicate: scan, signer: { kind: 'key', fingerprint: digest } as const, roles: [], trustedTime: now, attestation: digest };
  return { image, platforms: [platform], statements: [statement], disbelieved: [], collectedAt: now };
}

function setOf(policy: string, other: Partial<PolicySet> = {}): PolicySet {
  return { policy: parsePolicy(policy), trust: parseTrust(`scan: [{fingerprint: "${digest}"}]`), exceptions: parseExceptions(''), uri: 'github://contoso/web/.pratique@c0ffee', digest, origin: 'github', ...other };
}

const lenient = 'evidence: {require: []}\nfindings: [{name: all, severity: [low], effect: warn}]\n';
const denying = 'evidence: {require: [scan]}\nfindings: [{name: all, severity: [low], effect: deny}]\n';
const noGitHub = { request: async () => { throw new Error('GitHub is not asked'); } };
const judge = (change: Partial<DecideOptions> = {}) => decide({ ctx: { github: noGitHub, clock: { now: () => now, sleep: async () => undefined } }, set: setOf(lenient), evidence: evidenceOf([low]), channel: 'release', ...change });

describe('a decision', () => {
  test('says by which policy, for which channel and when it was made', async () => {
    expect(await judge()).toMatchObject({ result: 'passed', channel: 'release', decidedAt: now, policy: { uri: 'github://contoso/web/.pratique@c0ffee', digest }, reasons: [{ code: 'GATE_FINDING_WARNED' }] });
  });
  test('on a release is not for a policy of the workspace, which the judged change could have written', async () => {
    await expect(judge({ set: setOf(lenient, { origin: 'workspace' }) })).rejects.toMatchObject({ code: 'POLICY_UNTRUSTED' });
  });
  test('on a preview is, and so is one on a preview by the policy of a repository', async () => {
    expect(await judge({ set: setOf(lenient, { origin: 'workspace' }), channel: 'preview' })).toMatchObject({ result: 'passed', channel: 'preview' });
    expect(await judge({ channel: 'preview' })).toMatchObject({ result: 'passed', channel: 'preview' });
  });
  test('refuses what an unproven exception would let pass', async () => {
    const verdict = await judge({ set: setOf(denying, { exceptions }) });
    expect(verdict).toMatchObject({ result: 'refused' });
    expect(verdict.reasons.map(({ code }) => code)).toEqual(['GATE_FINDING_DENIED', 'POLICY_EXCEPTION_INVALID']);
  });
  test('lets it pass where the policy wants no approval', async () => {
    expect(await judge({ set: setOf(`${denying}exceptions: {require-approval: false}`, { exceptions }) })).toMatchObject({ result: 'passed', reasons: [{ code: 'GATE_FINDING_EXCEPTED' }] });
  });
  test('counts only what the set trusts', async () => {
    expect(await judge({ set: setOf(denying, { trust: parseTrust('') }) })).toMatchObject({ result: 'refused', reasons: [{ code: 'GATE_PLATFORM_UNSCANNED' }] });
  });
  test.each<readonly [string, Partial<DecideOptions>, string]>([
    ['without a deployed image', {}, '(low)'],
    ['with a deployed image that has it', { baseline: evidenceOf([low]) }, '(low, known from the deployed image)'],
    ['with a deployed image that has it not', { baseline: evidenceOf([]) }, '(low, new since the deployed image)'],
  ])('%s says how new a finding is', async (_, change, text) => {
    expect((await judge(change)).reasons[0]?.message).toContain(text);
  });
  test.each<readonly [DecideOptions['mode'], string]>([[undefined, 'build again'], ['promote', 'build again'], ['rescan', 'revoke this one']])('in the mode %s says what mends it', async (mode, text) => {
    expect((await judge(mode === undefined ? {} : { mode })).reasons[0]?.mend).toContain(text);
  });
});
