// SPDX-License-Identifier: Apache-2.0
// SARIF as GitHub code scanning takes it: required members, category, fingerprints, places, and its limits.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Digest, Finding, ScanPredicate } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { hostileFindings, sampleFindings } from '../../../test/fixtures/sample-findings.ts';
import { severities } from './report.ts';
import { toSarifFile, type SarifOptions } from './sarif.ts';

interface Rule { id: string; shortDescription: { text: string }; fullDescription: { text: string }; help: { text: string; markdown: string }; helpUri?: string; properties: { 'security-severity': string; tags: string[] } }
interface Result { ruleId: string; ruleIndex: number; level: string; message: { text: string }; locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[]; partialFingerprints: { primaryLocationLineHash: string } }
interface Run { tool: { driver: { name: string; rules: Rule[] } }; automationDetails: { id: string }; results: Result[]; properties: { findings: number; omitted: number } }

const digest: Digest = `sha256:${'a'.repeat(64)}`;
const time = '2026-11-21T12:00:00Z';
const worstFirst = (findings: readonly Finding[]): Finding[] => findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
const scan = (findings: readonly Finding[], platform = 'linux/arm64'): ScanPredicate => ({
  platform, findings: worstFirst(findings), configDigest: digest, diffIds: [], packageCount: 3, scanner: { name: 'trivy', version: '0.72.0' }, database: { updatedAt: time }, startedAt: time, finishedAt: time, report: digest, isolation: 'job',
});
const runsOf = (text: string): Run[] => (JSON.parse(text) as { runs: Run[] }).runs;
const runOf = (findings: readonly Finding[], options: Partial<SarifOptions> = {}): Run => runsOf(toSarifFile([scan(findings)], { image: 'web', ...options }))[0] as Run;
const lodash: Finding = { id: 'CVE-2021-23337', package: 'lodash', installed: '4.17.20', fixed: '4.17.21', severity: 'high', class: 'language', purl: 'pkg:npm/lodash@4.17.20', path: 'app/package-lock.json', url: 'https://avd.aquasec.com/nvd/cve-2021-23337', title: 'Command injection' };

describe('an alert', () => {
  test('has all that GitHub requires, and what mends it', () => {
    const { tool: { driver: { rules } }, results } = runOf([lodash]);
    expect(rules).toEqual([{
      id: 'CVE-2021-23337', shortDescription: { text: 'Command injection' }, fullDescription: { text: 'CVE-2021-23337: Command injection' }, helpUri: lodash.url,
      help: { text: 'Update lodash 4.17.20 to 4.17.21.', markdown: '| package | installed | fixed in |\n| --- | --- | --- |\n| lodash | 4.17.20 | 4.17.21 |' },
      properties: { 'security-severity': '8.0', tags: ['security', 'vulnerability', 'language'] },
    }]);
    expect(results).toEqual([{
      ruleId: 'CVE-2021-23337', ruleIndex: 0, level: 'error', message: { text: 'lodash 4.17.20 (app/package-lock.json): CVE-2021-23337, high, fixed in 4.17.21' },
      locations: [{ physicalLocation: { artifactLocation: { uri: 'Dockerfile' }, region: { startLine: 1 } } }], partialFingerprints: { primaryLocationLineHash: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    }]);
  });

  test.each([['critical', '9.5', 'error'], ['high', '8.0', 'error'], ['unknown', '5.0', 'warning'], ['medium', '5.0', 'warning'], ['low', '2.0', 'note'], ['negligible', '0.1', 'note']] as const)('of severity %s has the score %s, as text, and the level %s', (severity, score, level) => {
    const { tool: { driver: { rules } }, results } = runOf([{ ...lodash, severity }]);
    expect([rules[0]?.properties['security-severity'], results[0]?.level]).toEqual([score, level]);
  });

  test('of one vulnerability in several packages has the severity of the worst', () => {
    const { tool: { driver: { rules } }, results } = runOf([{ ...lodash, severity: 'low', package: 'lodash-es', installed: '4.0.0' }, { ...lodash, severity: 'critical' }]);
    expect(rules.map(({ properties, help }) => [properties['security-severity'], help.text])).toEqual([['9.5', 'Update lodash 4.17.20 to 4.17.21. Update lodash-es 4.0.0 to 4.17.21.']]);
    expect(results.map(({ ruleIndex }) => ruleIndex)).toEqual([0, 0]);
  });

  test('stays itself when image and version change, so that one that was dismissed stays so', () => {
    const prints = (findings: readonly Finding[], image: string): string[] => runOf(findings, { image }).results.map((result) => result.partialFingerprints.primaryLocationLineHash);
    const others = [lodash, { ...lodash, id: 'CVE-2020-8203' }, { ...lodash, path: 'b/package-lock.json' }];
    const later = others.map((finding) => ({ ...finding, installed: '4.17.19', purl: 'pkg:npm/lodash@4.17.19' }));
    expect(prints(later, 'other')).toEqual(prints(others, 'web'));
    expect(new Set(prints(others, 'web')).size).toBe(3);
  });

  test.each([[undefined, 'Dockerfile'], ['services/web/Dockerfile', 'services/web/Dockerfile'], ['./Dockerfile', 'Dockerfile'], ['/home/me/Dockerfile', 'Dockerfile'], ['../Dockerfile', 'Dockerfile'], ['a b/Docker#file', 'a%20b/Docker%23file']])('of %s stands at %s', (file, uri) => {
    expect(runOf([lodash], file === undefined ? {} : { file }).results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(uri);
  });
});

describe('a file', () => {
  test('has a run with a category of its own for each platform, also without findings, at most 20', () => {
    const many = Array.from({ length: 25 }, (_, index) => scan(index === 0 ? [] : [lodash], `linux/v${index}`));
    const runs = runsOf(toSarifFile(many, { image: 'web' }));
    expect(runs.slice(0, 2).map(({ automationDetails, results }) => [automationDetails.id, results.length])).toEqual([['pratique/web/linux/v0/', 0], ['pratique/web/linux/v1/', 1]]);
    expect(new Set(runs.map(({ automationDetails }) => automationDetails.id)).size).toBe(20);
  });

  test('holds of more than 5,000 findings the worst, and says how many it leaves out', () => {
    const { results, properties } = runOf(sampleFindings(12_000));
    expect([results.length, properties]).toEqual([5000, expect.objectContaining({ findings: 12_000, omitted: 7000 })]);
    expect(results.filter(({ level }) => level === 'error')).toHaveLength(3000);
    expect(results.some(({ level }) => level === 'note')).toBe(false);
  });

  test('is never larger than GitHub takes: then it holds fewer', () => {
    // Noise does not get smaller by gzip.
    const noisy = Array.from({ length: 5000 }, (_, index): Finding => ({ ...lodash, id: `CVE-${index}`, title: randomBytes(1400).toString('base64') }));
    const text = toSarifFile([scan(noisy), scan(noisy, 'linux/amd64')], { image: 'web' });
    expect(gzipSync(text).byteLength).toBeLessThanOrEqual(10 * 1024 * 1024);
    expect(runsOf(text).map(({ results, properties }) => [results.length > 1000, results.length + properties.omitted])).toEqual([[true, 5000], [true, 5000]]);
  });

  test('of hostile text holds no control character, no address but https, and Markdown that is text', () => {
    const { tool: { driver: { rules } }, results } = runOf(hostileFindings(3).map((finding) => ({ ...finding, url: 'javascript:alert(1)' })));
    // oxlint-disable-next-line no-control-regex -- control characters are the point
    expect(JSON.stringify([rules.map(({ help, ...rest }) => [rest, help.text]), results])).not.toMatch(/\\u00[01]|\\n|\u202e/);
    expect(rules.flatMap(({ helpUri }) => helpUri ?? [])).toEqual([]);
    expect(rules[0]?.help.markdown).not.toMatch(/<img|<script|[^\\]\[link/);
  });
});
