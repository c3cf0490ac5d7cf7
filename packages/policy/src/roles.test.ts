// SPDX-License-Identifier: Apache-2.0
// Who holds which role, when, for which channel; and builders that could judge.
import type { Channel, SignerIdentity } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { parsePolicy, parseTrust, requireRolesApart, rolesOf } from './index.ts';
import { builder, digest, judge, now, trustText, workflow } from './sample.ts';

const base = 'issuer: https://token.actions.githubusercontent.com\n    identity: https://github.com/contoso/web/.github/workflows/release.yml@refs/heads/main';
const entry = (lines: string): string => `build:\n  - ${base}\n    ${lines.replaceAll('; ', '\n    ')}\n`;

describe('roles', () => {
  const cases: readonly (readonly [string, string, SignerIdentity, Channel, string[]])[] = [
    ['the named workflow', trustText, builder, 'release', ['build', 'scan']],
    ['the gate', trustText, judge, 'release', ['gate']],
    ['another workflow', trustText, workflow('other.yml'), 'release', []],
    ['another ref of the workflow', trustText, { ...builder, identity: 'https://github.com/contoso/web/.github/workflows/release.yml@refs/heads/main2' } as SignerIdentity, 'release', []],
    ['another issuer', trustText, { ...builder, issuer: 'https://evil.example' } as SignerIdentity, 'release', []],
    ['a stranger that calls the reusable workflow', trustText, workflow('release.yml', { sourceRepositoryId: '43' }), 'release', []],
    ['a certificate without repository id', trustText, { ...builder, extensions: {} } as SignerIdentity, 'release', []],
    ['a pull request, for a release', entry('repository-id: 42; triggers: [pull_request]'), workflow('release.yml', { event: 'pull_request' }), 'release', []],
    ['a pull request, for a preview, listed', entry('repository-id: 42; triggers: [pull_request]'), workflow('release.yml', { event: 'pull_request' }), 'preview', ['build']],
    ['a pull request, for a preview, not listed', trustText, workflow('release.yml', { event: 'pull_request_target' }), 'preview', []],
    ['a ref of a pull request', trustText, workflow('release.yml', { event: 'workflow_run', sourceRef: 'refs/pull/7/merge' }), 'release', []],
    ['a listed trigger', entry('repository-id: 42; triggers: [push]'), builder, 'release', ['build']],
    ['a trigger that is not listed', entry('repository-id: 42; triggers: [release]'), builder, 'release', []],
    ['a ref that fits', entry('repository-id: 42; refs: [refs/heads/*]'), builder, 'release', ['build']],
    ['a ref that goes deeper', entry('repository-id: 42; refs: [refs/heads/*]'), workflow('release.yml', { sourceRef: 'refs/heads/a/b' }), 'release', []],
    ['a ref across', entry('repository-id: 42; refs: [refs/**]'), workflow('release.yml', { sourceRef: 'refs/heads/a/b' }), 'release', ['build']],
    ['any ref, for a certificate that proves none', entry('repository-id: 42; refs: ["**"]'), { ...builder, extensions: { sourceRepositoryId: '42', event: 'push' } } as SignerIdentity, 'release', []],
    ['any trigger, for a certificate that proves none', entry('repository-id: 42; triggers: [push]'), { ...builder, extensions: { sourceRepositoryId: '42' } } as SignerIdentity, 'release', []],
    ['neither, for a certificate that proves none', trustText, { ...builder, extensions: { sourceRepositoryId: '42' } } as SignerIdentity, 'release', ['build', 'scan']],
    ['a dot that is a dot', entry('repository-id: 42; refs: [refs/heads/1.0]'), workflow('release.yml', { sourceRef: 'refs/heads/1x0' }), 'release', []],
    ['a self-hosted runner', trustText, workflow('release.yml', { runnerEnvironment: 'self-hosted' }), 'release', []],
    ['a self-hosted runner where it may be', entry('repository-id: 42; runner: any'), workflow('release.yml', { runnerEnvironment: 'self-hosted' }), 'release', ['build']],
    ['the owner', entry('owner-id: 7'), builder, 'release', ['build']],
    ['another owner', entry('owner-id: 8'), builder, 'release', []],
    ['in its period', entry('repository-id: 42; not-before: 2026-11-21; not-after: 2026-11-21'), builder, 'release', ['build']],
    ['before its period', entry('repository-id: 42; not-before: 2026-11-22'), builder, 'release', []],
    ['after its period', entry('repository-id: 42; not-after: 2026-11-20'), builder, 'release', []],
    ['at the first moment of its period', entry('repository-id: 42; not-before: 2026-11-21T12:00:00Z'), builder, 'release', ['build']],
    ['at the last moment of its period', entry('repository-id: 42; not-after: 2026-11-21T12:00:00Z'), builder, 'release', ['build']],
    ['a ref that fits the second pattern', entry('repository-id: 42; refs: [refs/tags/*, refs/heads/main]'), builder, 'release', ['build']],
    ['a key', `build: [{fingerprint: "${digest('fe')}"}]`, { kind: 'key', fingerprint: digest('fe') }, 'release', ['build']],
    ['another key', `build: [{fingerprint: "${digest('fe')}"}]`, { kind: 'key', fingerprint: digest('ff') }, 'release', []],
    ['a pattern, whole', `build: [{issuer: https://i.example, identity-pattern: "alice@.*|bob"}]`, { kind: 'keyless', issuer: 'https://i.example', identity: 'bob', extensions: {} }, 'release', ['build']],
    ['a pattern, in part at the start', `build: [{issuer: https://i.example, identity-pattern: "alice@.*|bob"}]`, { kind: 'keyless', issuer: 'https://i.example', identity: 'xbob', extensions: {} }, 'release', []],
    ['a pattern without ids, for a certificate of a repository', 'build: [{issuer: https://token.actions.githubusercontent.com, identity-pattern: "https://github.com/.*"}]', builder, 'release', []],
    ['a pattern without ids, for a certificate that has the id alone', 'build: [{issuer: https://i.example, identity-pattern: "bob"}]', { kind: 'keyless', issuer: 'https://i.example', identity: 'bob', extensions: { sourceRepositoryId: '42' } }, 'release', []],
    ['a pattern without ids, for a certificate that has the address alone', 'build: [{issuer: https://i.example, identity-pattern: "bob"}]', { kind: 'keyless', issuer: 'https://i.example', identity: 'bob', extensions: { sourceRepository: 'https://github.com/contoso/web' } }, 'release', []],
    ['a pattern, in part', `build: [{issuer: https://i.example, identity-pattern: "alice@.*|bob"}]`, { kind: 'keyless', issuer: 'https://i.example', identity: 'bobby', extensions: {} }, 'release', []],
  ];
  test.each(cases)('%s', (_, text, signer, channel, roles) => {
    expect(rolesOf(parseTrust(text), signer, now, channel)).toEqual(roles);
  });
  test('an unreadable time counts for nothing', () => {
    expect(rolesOf(parseTrust(trustText), builder, new Date(Number.NaN), 'release')).toEqual([]);
  });
});

describe('builder and gate', () => {
  const policy = parsePolicy('');
  const key = `{fingerprint: "${digest('fe')}"}`;
  const pattern = (text: string): string => `{issuer: https://i.example, identity-pattern: "${text}"}`;
  const also = (lines: string): string => `${trustText}  - ${lines}\n`;
  test.each([
    ['the same workflow', also(`${base}\n    repository-id: 42`)],
    ['a pattern that takes in the builder', also('issuer: https://token.actions.githubusercontent.com\n    identity-pattern: https://github.com/contoso/.*/workflows/.*\n    owner-id: 7')],
    ['the same pattern', `build: [${pattern('.*')}]\ngate: [${pattern('.*')}]`],
    ['a pattern that takes in the gate', `build: [${pattern('gate.*')}]\ngate: [{issuer: https://i.example, identity: gate.yml}]`],
    ['the same key', `build: [${key}]\ngate: [${key}]`],
  ])('%s is refused', (_, text) => {
    expect(() => { requireRolesApart(policy, parseTrust(text)); }).toThrow(expect.objectContaining({ code: 'POLICY_ROLES_OVERLAP' }));
    requireRolesApart(parsePolicy('roles-overlap: allow'), parseTrust(text));
  });
  test.each([
    ['two workflows', trustText],
    ['one workflow called by two repositories', also(`${base}\n    repository-id: 43`)],
    ['one identity of two issuers', `build: [${pattern('a')}]\ngate: [${pattern('a').replace('i.example', 'j.example')}]`],
    ['one workflow called by two owners', `build:\n  - ${base}\n    owner-id: 7\ngate:\n  - ${base}\n    owner-id: 8`],
    ['two patterns', `build: [${pattern('release.*')}]\ngate: [${pattern('gate.*')}]`],
    ['a pattern and an identity outside of it', `build: [${pattern('release.*')}]\ngate: [{issuer: https://i.example, identity: gate.yml}]`],
    ['two keys', `build: [${key}]\ngate: [{fingerprint: "${digest('ff')}"}]`],
  ])('%s are two', (_, text) => {
    expect(() => { requireRolesApart(policy, parseTrust(text)); }).not.toThrow();
  });
});
