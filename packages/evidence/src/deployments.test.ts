// SPDX-License-Identifier: Apache-2.0
// Whose records of deployments count.
import { predicateTypes, type SignerIdentity, type VerifiedStatement } from '@pratique/core';
import { parseTrust } from '@pratique/policy';
import { describe, expect, test } from 'vitest';
import { deploymentsOf, formatDeployment } from './deployments.ts';

const issuer = 'https://token.actions.githubusercontent.com';
const workflow = (file: string, owner = 'acme'): string => `https://github.com/${owner}/app/.github/workflows/${file}@refs/heads/main`;
const trust = parseTrust(`build:\n  - {issuer: '${issuer}', identity: '${workflow('release.yml')}', repository-id: 42}\ndeploy:\n  - {issuer: '${issuer}', identity: '${workflow('deploy.yml')}', repository-id: 42}\n`);
const signer = (file: string, owner?: string): SignerIdentity => ({
  kind: 'keyless', issuer, identity: workflow(file, owner),
  extensions: { issuer, event: 'push', sourceRepository: 'https://github.com/acme/app', sourceRepositoryId: '42', ownerId: '7', sourceRef: 'refs/heads/main', sourceDigest: 'c'.repeat(40), runnerEnvironment: 'github-hosted' },
});
const predicate = {
  result: 'promoted', reason: 'good', strategy: 'canary', revision: 3, target: { cluster: { server: 'https://k.example' }, namespace: 'web', release: 'shop' },
  startedAt: '2026-11-21T15:00:00.000Z', finishedAt: '2026-11-21T15:05:00.000Z', run: { uri: 'https://github.com/acme/app/actions/runs/1' },
};
const statement = (minute: number, change: Partial<VerifiedStatement> = {}): VerifiedStatement => ({
  subject: `sha256:${'a'.repeat(64)}`, predicateType: predicateTypes.deployment, predicate, signer: signer('deploy.yml'), roles: [], trustedTime: new Date(Date.UTC(2026, 10, 21, 15, minute)), attestation: `sha256:${String(minute).padStart(64, '0')}`, ...change,
});
const minutes = (statements: readonly VerifiedStatement[]): readonly number[] => deploymentsOf(statements, trust).map(({ statement: { trustedTime } }) => trustedTime.getUTCMinutes());

describe('records of deployments', () => {
  test('count from the role deploy, newest first', () => {
    expect(minutes([statement(1), statement(3), statement(2)])).toEqual([3, 2, 1]);
    expect(deploymentsOf([statement(1)], trust)[0]).toMatchObject({ result: 'promoted', revision: 3, statement: { attestation: statement(1).attestation } });
  });
  test.each<readonly [string, Partial<VerifiedStatement>]>([
    ['the builder signed', { signer: signer('release.yml') }], ['a stranger signed', { signer: signer('deploy.yml', 'mallory') }],
    ['says something else', { predicateType: predicateTypes.verdict }], ['cannot be read', { predicate: { ...predicate, revision: 'three' } }],
  ])('that %s do not count', (_name, change) => {
    expect(minutes([statement(1), statement(2, change)])).toEqual([1]);
  });
  test('are told in one line', () => {
    const [one] = deploymentsOf([statement(1, { predicate: { ...predicate, result: 'rolled-back', code: 'CANARY_REGRESSION' } })], trust);
    expect(one && formatDeployment(one)).toBe('rolled-back (CANARY_REGRESSION) on https://k.example as web/shop, revision 3');
    const [two] = deploymentsOf([statement(1)], trust);
    expect(two && formatDeployment(two)).toBe('promoted on https://k.example as web/shop, revision 3');
  });
});
