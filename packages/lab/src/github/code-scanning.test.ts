// SPDX-License-Identifier: Apache-2.0
// Code scanning over REST: who may, what is taken, what is refused, and which alerts stand afterwards.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeScanningAlert } from './code-scanning.ts';
import { createGitHub, type GitHub } from './github.ts';

const folder = mkdtempSync(join(tmpdir(), 'scanning-'));
const commit_sha = 'c'.repeat(40);
let github: GitHub;
beforeAll(async () => {
  const path = join(folder, 'app.git');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path]);
  github = await createGitHub({ folder, url: 'https://127.0.0.1:1', repositories: [{ owner: 'acme', ownerId: 1, name: 'app', id: 2, visibility: 'private', defaultBranch: 'main', protectedBranches: [], path }] });
});
afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;
const rule = (id: string): Json => ({ id, shortDescription: { text: id }, fullDescription: { text: id }, help: { text: 'Update.' }, properties: { 'security-severity': '9.5' } });
const result = (ruleId: string, uri = 'Dockerfile'): Json => ({ ruleId, message: { text: `${ruleId} in lodash` }, locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } } }], partialFingerprints: { primaryLocationLineHash: ruleId } });
const run = (ids: readonly string[], category = 'pratique/app/linux/amd64/'): Json => ({ tool: { driver: { name: 'trivy', rules: ids.map(rule) } }, automationDetails: { id: category }, results: ids.map((id) => result(id)) });
const packed = (runs: readonly Json[]): string => gzipSync(JSON.stringify({ version: '2.1.0', runs })).toString('base64');

async function call(path: string, access: 'read' | 'write' | 'none', body?: Json): Promise<{ readonly status: number; readonly body: Json & { readonly id?: string } }> {
  const token = github.issueToken({ repository: 'acme/app', permissions: { 'security-events': access } });
  const reply = await github.handle(new Request(`${github.apiUrl}/repos/acme/app/code-scanning/${path}`, { headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }) }));
  return { status: reply.status, body: await reply.json() as Json };
}

async function upload(runs: readonly Json[], ref = 'refs/heads/main'): Promise<unknown> {
  const { status, body } = await call('sarifs', 'write', { commit_sha, ref, sarif: packed(runs) });
  return status === 202 ? (await call(`sarifs/${body.id ?? ''}`, 'read')).body : status;
}

const alerts = async (ref: string): Promise<readonly CodeScanningAlert[]> => (await call(`alerts?ref=${ref}`, 'read')).body as unknown as CodeScanningAlert[];
const told = (list: readonly CodeScanningAlert[]): string[] => list.map((alert) => `${alert.state} ${alert.rule.security_severity_level} ${alert.rule.id} ${alert.most_recent_instance.category} ${alert.most_recent_instance.location.path}`);

describe('alerts', () => {
  test('open with an analysis, are fixed by the next one of the category, and no other', async () => {
    const ref = 'refs/tags/v1.1.0';
    expect(await upload([run(['CVE-1', 'CVE-2']), run(['CVE-1'], 'pratique/app/linux/arm64/')], ref)).toEqual({ processing_status: 'complete', errors: null });
    expect(told(await alerts(ref))).toEqual(['open critical CVE-1 pratique/app/linux/amd64 Dockerfile', 'open critical CVE-2 pratique/app/linux/amd64 Dockerfile', 'open critical CVE-1 pratique/app/linux/arm64 Dockerfile']);
    await upload([run(['CVE-2'])], ref);
    expect((await alerts(ref)).map(({ number, state }) => `${number} ${state}`)).toEqual(['1 fixed', '2 open', '3 open']);
    expect(await alerts('refs/tags/v1.2.0')).toEqual([]);
  });

  test('are shown and taken only with the permission', async () => {
    expect((await call('alerts', 'none')).status).toBe(403);
    expect((await call('sarifs', 'read', { commit_sha, ref: 'refs/heads/main', sarif: packed([run([])]) })).status).toBe(403);
  });
});

describe('an upload is refused', () => {
  test.each([
    ['without a commit', 422, { ref: 'refs/heads/main', sarif: packed([run([])]) }],
    ['with a short ref', 422, { commit_sha, ref: 'main', sarif: packed([run([])]) }],
    ['that is not gzipped', 400, { commit_sha, ref: 'refs/heads/main', sarif: 'e30=' }],
    ['of more than 10 MB', 413, { commit_sha, ref: 'refs/heads/main', sarif: randomBytes(11 << 20).toString('base64') }],
  ] as const)('%s: %i', async (_, status, body) => {
    expect((await call('sarifs', 'write', body)).status).toBe(status);
  });

  test.each<[string, readonly Json[], RegExp]>([
    ['21 runs', Array.from({ length: 21 }, (_, index) => run([], `c/${index}/`)), /21 runs; at most 20/],
    ['two runs of one category', [run([]), run([])], /one category/],
    ['25,001 results', [{ ...run(['CVE-1']), results: Array.from({ length: 25_001 }, () => result('CVE-1')) }], /25001 results/],
    ['a rule without help', [{ ...run([]), tool: { driver: { name: 'trivy', rules: [{ ...rule('CVE-1'), help: {} }] } } }], /CVE-1.*lacks a required text/],
    ['a score that is a number', [{ ...run([]), tool: { driver: { name: 'trivy', rules: [{ ...rule('CVE-1'), properties: { 'security-severity': 9.5 } }] } } }], /no score/],
    ['an absolute place', [{ ...run(['CVE-1']), results: [result('CVE-1', '/src/Dockerfile')] }], /a place in the repository/],
    ['a result without rule', [{ ...run(['CVE-1']), results: [result('CVE-9')] }], /lacks its rule/],
  ])('after it was taken, for %s', async (_, runs, problem) => {
    expect(await upload(runs)).toMatchObject({ processing_status: 'failed', errors: [expect.stringMatching(problem) as string] });
  });
});
