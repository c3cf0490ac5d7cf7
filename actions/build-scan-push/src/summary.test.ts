// SPDX-License-Identifier: Apache-2.0
// The summary: the end first, the worst first, within GitHub's limits, and hostile text stays text.
import type { Digest, Finding, Reason, ScanPredicate } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { renderMarkdown, summaryElements } from '../../../test/fixtures/rendered-markdown.ts';
import { hostileFindings, hostileText, sampleFindings } from '../../../test/fixtures/sample-findings.ts';
import { summarize, summarizeFailedTests, type BuildSummary } from './summary.ts';

const digest: Digest = `sha256:${'a'.repeat(64)}`;
const image = { registry: 'contoso.azurecr.io', repository: 'quarantine/web', digest };
const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/s390x'];
const time = '2026-11-21T12:00:00Z';

const scan = (platform: string, findings: readonly Finding[], os = 'debian 12.15'): ScanPredicate => ({
  platform, findings, os, configDigest: digest, diffIds: [], packageCount: 187, scanner: { name: 'trivy', version: '0.72.0' }, database: { updatedAt: time }, startedAt: time, finishedAt: time, report: digest, isolation: 'job',
});

function summary(changes: Partial<BuildSummary> = {}): string {
  return summarize({
    image, evidenceImage: image, digest, scans: [], sarif: 'image-layout.sarif', look: undefined, notes: [], refused: false,
    evidence: {
      image: digest, scans: [], tests: { result: 'passed', stage: 'test', startedAt: time, finishedAt: time, output: digest, tail: '' },
      build: { builder: { id: 'buildah', version: '1.39.3' }, version: '1.2.0', source: 'x', revision: 'c0ffee', created: time, platforms: platforms.map((platform) => ({ platform, digest, configDigest: digest })), materials: [], parameters: {}, isolation: 'job', run: { uri: 'x', id: '1', attempt: 1 } },
    },
    ...changes,
  });
}

function reason(finding: Finding, effect: Reason['effect']): Reason {
  return { effect, code: 'GATE_FINDING_DENIED', rule: 'no known way in', subject: 'linux/amd64', message: finding.id, mend: 'Update it.', finding, policy: { file: '.pratique/policy.yaml', line: 7 } };
}

const tableRows = (text: string): string[] => text.split('\n').filter((line) => /^\| (?:🔴|🟠|🟡|🔵|⚪|❔)/u.test(line));

describe('what it says', () => {
  test('an image in quarantine: where it is, by digest, and that signing comes next', () => {
    const text = summary({ scans: [scan('linux/amd64', [])] });
    expect(text).toMatch(/^## 📦 In quarantine.*1\.2\.0.*quarantine\/web/);
    expect(text).toContain('4 platforms · tests passed · **no findings**');
    expect(text).toContain(`image: contoso.azurecr.io/quarantine/web@${digest}`);
    expect(text).not.toContain('### ');
  });

  test('a refused one: what is refused stands before what is worse but let pass', () => {
    const [first, second, third] = sampleFindings(3) as [Finding, Finding, Finding];
    const [critical, high, low] = [{ ...first, severity: 'critical' }, { ...second, severity: 'high' }, { ...third, severity: 'low' }] as const;
    const text = summary({ image: undefined, evidenceImage: undefined, refused: true, scans: [scan('linux/amd64', [critical, high, low])], look: { verdict: 'refused', reasons: [reason(high, 'deny'), reason(critical, 'info')] } });
    expect(text).toMatch(/^## ⛔ Not pushed.*cannot pass the policy/);
    expect(text).toContain('**1 reason** against it');
    expect(text).toContain('push-refused: true');
    expect(tableRows(text).map((row) => row.split('|')[1]?.trim())).toEqual(['🟠&nbsp;high', '🔵&nbsp;low', '🔴&nbsp;critical']);
    expect(tableRows(text)[0]).toMatch(/⛔ no known way in.*policy\.yaml\\:7/);
  });

  test('failed tests: the command that shows them, and output that cannot end its block', () => {
    const { html, elements } = renderMarkdown(summarizeFailedTests({ result: 'failed', stage: 'test', startedAt: time, finishedAt: time, output: digest, tail: `ok 1\n\`\`\`\n# big\n${hostileText}` }));
    expect(html).toContain('docker build --target test .');
    expect(elements.filter((name) => !summaryElements.has(name))).toEqual([]);
    expect(html).not.toContain('<h1');
  });
});

describe('5,000 findings on four platforms', () => {
  const text = summary({ scans: platforms.map((platform) => scan(platform, sampleFindings(5000))) });

  test('stay small; the rest is counted, and it is said where it stands', () => {
    expect(renderMarkdown(text).bytes).toBeLessThan(64 * 1024);
    expect(text).toContain('### 5,000 findings');
    expect(tableRows(text)).toHaveLength(100);
    expect(text).toMatch(/4,900 more stand in <code>image\\-layout\.sarif<\/code>/);
  });

  test('are shown worst first, and by what mends most', () => {
    expect(new Set(tableRows(text).map((row) => row.split('|')[1]?.trim()))).toEqual(new Set(['🔴&nbsp;critical']));
    expect(text).toMatch(/\*\*Do first\*\*\n\n- 🔴 Update <code>openssl/);
  });
});

test('text as hostile and long as it can be stays text, and the summary below the limit', () => {
  const findings = hostileFindings(400);
  const reasons = Array.from({ length: 300 }, (): Reason => ({ ...reason(findings[0] as Finding, 'deny'), rule: hostileText, message: hostileText.repeat(99), mend: hostileText.repeat(99) })).map(({ finding: _, ...rest }) => rest);
  const { bytes, elements, addresses } = renderMarkdown(summary({ scans: [scan(hostileText, findings, hostileText)], notes: Array.from({ length: 300 }, () => hostileText), look: { verdict: 'refused', reasons: [...findings.map((one) => reason(one, 'deny')), ...reasons] } }));
  expect(bytes).toBeLessThan(900 * 1024);
  expect(elements.filter((name) => !summaryElements.has(name))).toEqual([]);
  expect(addresses.filter((address) => !/^https:\/\/evil\.example\/%22%3E%3Cscript%3E\d+%7C$/.test(address))).toEqual([]);
});
