// SPDX-License-Identifier: Apache-2.0
// The summary: the answer first, bounded, and hostile text stays text.
import type { Channel, Digest, Finding, Reason, Verdict } from '@pratique/core';
import { parseExceptions } from '@pratique/policy';
import { expect, test } from 'vitest';
import { renderMarkdown, summaryElements } from '../../../test/fixtures/rendered-markdown.ts';
import { hostileFindings, hostileText, sampleFindings } from '../../../test/fixtures/sample-findings.ts';
import { summarize, type GateSummary } from './summary.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;

function reason(changes: Partial<Reason> = {}): Reason {
  return { effect: 'deny', code: 'GATE_FINDING_DENIED', rule: 'strict', subject: 'linux/amd64', message: 'CVE-1 in lodash', mend: 'Update it.', policy: { file: '.pratique/policy.yaml', line: 7 }, ...changes };
}

function summary(changes: Partial<GateSummary> & { readonly reasons?: readonly Reason[]; readonly result?: Verdict['result']; readonly channel?: Channel } = {}): string {
  const { reasons = [], result = 'passed', channel = 'release', ...rest } = changes;
  const image = { registry: 'r.io', repository: 'quarantine/web', digest };
  return summarize({
    image, release: { ...image, repository: 'web' }, tags: ['1.2.0', 'latest'], leftBehind: [], policyNote: 'branch main is protected', attestation: digest,
    verdict: { result, channel, reasons, policy: { uri: 'github://acme/app/.pratique@c', digest }, inputs: [], decidedAt: new Date(0), validUntil: new Date(0) },
    evidence: { image, version: '1.2.0', platforms: [{ platform: { os: 'linux', architecture: 'amd64' }, digest, configDigest: digest, diffIds: [] }], statements: [], disbelieved: [], collectedAt: new Date(0) },
    ...rest,
  });
}

test('a release names tags, policy, end of validity, and what a deployment asks', () => {
  const text = summary();
  expect(text.split('\n')[0]).toMatch(/✅ Released.*1\.2\.0/);
  for (const part of ['latest', 'is protected', '1970-01-01T00:00:00.000Z', 'linux/amd64', `pratique verify r.io/web@${digest}`, '--policy github://acme/app/.pratique\n']) expect(text).toContain(part);
});

test('a preview does not look like a release', () => {
  const text = summary({ tags: [], channel: 'preview' });
  expect(text.split('\n')[0]).toMatch(/☑️ Passed for preview/);
  expect(text).toContain('no tag was written');
  expect(text).toContain('--channel preview');
});

test('a refusal tells denials before what is only told, with place and mend, and drafts the exception', () => {
  const [first] = sampleFindings(1) as [Finding];
  const finding = { ...first, severity: 'critical', id: 'CVE-2021-23337', package: 'lodash', installed: '4.17.20' } as const;
  const text = summary({ result: 'refused', tags: [], reasons: [reason({ effect: 'warn', code: 'POLICY_EXCEPTION_UNUSED', message: 'idle' }), reason({ finding }), reason({ code: 'GATE_UNSIGNED', message: 'nobody signed' })] });
  expect(text.split('\n')[0]).toContain('⛔ Refused');
  expect(text).toContain('**2 reasons** against it (🔴 1 critical)');
  expect(text).toContain(`r.io/quarantine/web@${digest}`);
  const places = ['nobody signed', 'CVE\\-2021\\-23337', '  - id: "CVE-2021-23337"', 'idle'].map((part) => text.indexOf(part));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(Math.min(...places)).toBeGreaterThan(0);
  expect(text).toMatch(/policy\.yaml\\?:7/);
  expect(text).toContain('Update it.');
  expect(text).not.toContain('valid until');
});

test('the drafted exception is one, once people have filled it in; hostile names get none', () => {
  const [hostile] = hostileFindings(1) as [Finding];
  const [finding] = sampleFindings(1) as [Finding];
  const draft = /exceptions:\n(?: {2}.*\n)+/.exec(summary({ result: 'refused', reasons: [reason({ finding: hostile }), reason({ finding: { ...finding, package: '@scope/lodash', installed: '1:4.17.20~rc.1+b' } })] }))?.[0] ?? '';
  const filled = draft.replace('YYYY-MM-DD', '2026-12-01').replace('GITHUB-NAME', 'sam');
  expect(parseExceptions(filled).exceptions).toMatchObject([{ id: finding.id, package: '@scope/lodash', version: '1:4.17.20~rc.1+b', approver: 'sam' }]);
  expect(summary({ result: 'refused', reasons: [reason({ finding: hostile })] })).not.toContain('exceptions:');
});

test('many reasons and referrers are counted, not listed without end', () => {
  const findings = sampleFindings(5000).map((finding) => reason({ finding, subject: 'linux/amd64, linux/arm64, linux/arm/v7, linux/s390x' }));
  const others = Array.from({ length: 500 }, (_, index) => reason({ message: `number ${index}` }));
  const text = summary({ result: 'refused', reasons: [...findings, ...others], leftBehind: Array.from({ length: 150 }, (): Digest => digest) });
  expect(text).toContain('**5,500 reasons** against it');
  expect(text).toContain('460 more reasons; the output <code>reasons</code> holds the first 200');
  expect(text).toContain('4,900 more stand in the scans that are attested with the image');
  expect(text).toContain('150 referrers stay in quarantine');
  expect(renderMarkdown(text).bytes).toBeLessThan(128 * 1024);
});

test('text as hostile and long as it can be stays text, and the summary below the limit', () => {
  const disbelieved = Array.from({ length: 200 }, () => ({ attestation: digest, subject: digest, code: 'ATTESTATION_MALFORMED', reason: hostileText.repeat(99) } as const));
  const evidence = { image: { registry: 'r.io', repository: 'quarantine/web', digest }, version: hostileText, revision: hostileText, platforms: [], statements: [], collectedAt: new Date(0), disbelieved };
  const long = hostileText.repeat(99);
  const reasons = [...hostileFindings(300).map((finding) => reason({ finding, rule: long, subject: long })), ...Array.from({ length: 300 }, () => reason({ message: long, mend: long, rule: long, policy: { file: long, line: 1 } }))];
  const { bytes, elements, addresses } = renderMarkdown(summary({ result: 'refused', evidence, policyNote: long, tags: [long], reasons }));
  expect(bytes).toBeLessThan(900 * 1024);
  expect(elements.filter((name) => !summaryElements.has(name))).toEqual([]);
  expect(addresses.filter((address) => !/^https:\/\/evil\.example\/%22%3E%3Cscript%3E\d+%7C$/.test(address))).toEqual([]);
});
