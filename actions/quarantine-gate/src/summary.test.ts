// SPDX-License-Identifier: Apache-2.0
// The summary: the answer first, bounded, and hostile text stays text.
import type { Digest, Reason, Verdict } from '@pratique/core';
import { expect, test } from 'vitest';
import { summarize, type GateSummary } from './summary.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;
const hostile = 'x|<img src=x onerror=alert(1)>\n# pwned @team `code` [link](javascript:1)';

function reason(changes: Partial<Reason> = {}): Reason {
  return { effect: 'deny', code: 'GATE_FINDING_DENIED', rule: 'strict', subject: 'linux/amd64', message: 'CVE-1 in lodash', mend: 'Update it.', policy: { file: '.pratique/policy.yaml', line: 7 }, ...changes };
}

function summary(changes: Partial<GateSummary> & { readonly reasons?: readonly Reason[]; readonly result?: Verdict['result'] } = {}): string {
  const { reasons = [], result = 'passed', ...rest } = changes;
  const image = { registry: 'r.io', repository: 'quarantine/web', digest };
  return summarize({
    image, release: { ...image, repository: 'web' }, tags: ['1.2.0', 'latest'], leftBehind: [], policyNote: 'branch main is protected',
    verdict: { result, channel: 'release', reasons, policy: { uri: 'github://acme/app/.pratique@c', digest }, inputs: [], decidedAt: new Date(0), validUntil: new Date(0) },
    evidence: { image, version: '1.2.0', platforms: [{ platform: { os: 'linux', architecture: 'amd64' }, digest, configDigest: digest, diffIds: [] }], statements: [], disbelieved: [], collectedAt: new Date(0) },
    ...rest,
  });
}

test('a release names image, tags, policy and end of validity', () => {
  const text = summary();
  expect(text.split('\n')[0]).toMatch(/Released.*1\.2\.0/);
  for (const part of ['r.io/web', 'latest', '.pratique', 'is protected', '1970-01-01T00:00:00.000Z', 'linux/amd64']) expect(text).toContain(part);
});

test('a refusal tells denials before what is only told, with place and mend', () => {
  const text = summary({ result: 'refused', tags: [], reasons: [reason({ effect: 'warn', code: 'POLICY_EXCEPTION_UNUSED', message: 'idle' }), reason()] });
  expect(text.split('\n')[0]).toContain('Refused');
  expect(text).toContain('quarantine/web');
  expect(text.indexOf('CVE\\-1')).toBeLessThan(text.indexOf('idle'));
  expect(text).toMatch(/policy\.yaml\\?:7/);
  expect(text).toContain('Update it.');
  expect(text).not.toContain('valid until');
});

test('many reasons and referrers are counted, not listed without end', () => {
  const text = summary({ result: 'refused', reasons: Array.from({ length: 500 }, (_, index) => reason({ message: `number ${index}` })), leftBehind: Array.from({ length: 150 }, (): Digest => digest) });
  expect(text).toContain('and 440 more');
  expect(text).toContain('150 referrer(s) stay in quarantine');
  expect(text.length).toBeLessThan(30_000);
});

test('hostile text stays in its cell', () => {
  const { evidence } = { evidence: { image: { registry: 'r.io', repository: 'quarantine/web', digest }, version: hostile, platforms: [], statements: [], collectedAt: new Date(0), disbelieved: [{ attestation: digest, subject: digest, code: 'ATTESTATION_MALFORMED', reason: hostile } as const] } };
  const text = summary({ result: 'refused', evidence, policyNote: hostile, reasons: [reason({ message: hostile, mend: hostile, rule: hostile, policy: { file: hostile, line: 1 } })] });
  expect(text).not.toMatch(/<img|^# pwned|^\s*# pwned|@team|\]\(javascript/m);
  expect(text.split('\n').filter((line) => line.startsWith('| <code>GATE'))).toHaveLength(1);
});
