// SPDX-License-Identifier: Apache-2.0
// Hostile text in every field of the report: the page keeps its structure, tag by tag and attribute by attribute, and its security policy.
import { createHash } from 'node:crypto';
import { isDigest, type Digest, type Finding, type SignerIdentity } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import type { Answer } from './answers.ts';
import type { ReportModel } from './model.ts';
import { reportPage } from './page.ts';
import { hostileTexts, structureOf, withText } from '../../../../test/fixtures/hostile-page.ts';

const now = new Date('2026-11-21T12:00:00Z');
const digest: Digest = `sha256:${'1'.repeat(64)}`;
const image = { registry: 'r.example', repository: 'app', digest };
const signer: SignerIdentity = { kind: 'keyless', issuer: 'i', identity: 'n', extensions: { sourceRepository: 's', sourceRef: 'r', event: 'e', runnerEnvironment: 'x' } };
const finding: Finding = { id: 'CVE-1', aliases: ['GHSA-1'], package: 'p', installed: '1', fixed: '2', severity: 'high', class: 'language', path: 'a/b', title: 't', url: 'u' };
const verdict: NonNullable<Answer['verdict']> = {
  resourceUri: 'u', result: 'FAILED', channel: 'release', policyDigest: digest, policyUri: 'p', inputs: [digest, `sha256:${'2'.repeat(64)}`], validUntil: now, timeVerified: now, verifier: 'v',
  attestation: digest, signer, trustedTime: now, reasons: [{ effect: 'deny', code: 'c', rule: 'r', subject: 's', message: 'm' }],
};
const answers: Answer[] = [{ channel: 'release', of: image, here: false, code: 'VERDICT_REFUSED', message: 'm', mend: 'm', verdict }, { channel: 'preview', of: image, here: true, code: 'VERDICT_MISSING', message: 'm' }];
const platform = { platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, digest, configDigest: digest, diffIds: [digest] };
const scan = {
  platform: 'linux/arm/v7', configDigest: digest, diffIds: [digest], packageCount: 3, os: 'o', scanner: { name: 's', version: '1' }, database: { updatedAt: '2026-11-21T10:00:00Z' },
  startedAt: 'x', finishedAt: 'x', report: digest, isolation: 'job', findings: [],
} as const;
const statement = { subject: digest, predicateType: 't', predicate: {}, signer, roles: [], trustedTime: now, attestation: digest };
const row = { digest, type: 't', signed: { signer, time: now, logIndex: '7', roles: { release: ['gate'], preview: [] }, counts: ['release'] } } as const;
const sample: ReportModel = {
  image, version: '1.2.0', annotations: { name: 'value' }, standing: 'refused', deciding: answers[0], answers, believed: { uri: 'u', digest, origin: 'github', protection: 'p' }, mediaType: 'm', platforms: [platform],
  tags: ['1.2.0'], locks: { held: { manifest: { delete: false }, tags: new Map([['1.2.0', { write: false }]]) } }, channel: 'release',
  survey: { scans: [{ statement, scan, platform }], findings: [{ finding, platforms: ['linux/arm/v7'], evidence: [digest], reasons: [{ effect: 'deny', code: 'GATE_FINDING_DENIED', rule: 'r', subject: 's', message: 'm', mend: 'm', policy: { file: 'f', line: 3 } }] }] },
  sboms: [{ subject: digest, format: 'SPDX', packages: 3, attestation: digest }], tests: { result: 'PASSED', names: ['n'], finished: 'f', attestation: digest },
  provenance: { builder: 'b', source: 's', ref: 'r', revision: 'v', workflow: 'w', event: 'e', run: 'r', materials: [{ uri: 'u', digest: 'd' }], attestation: digest },
  deployments: [{ result: 'rolled-back', code: 'c', reason: 'r', target: { cluster: { server: 's' }, namespace: 'n', release: 'r' }, revision: 3, startedAt: now, finishedAt: now, run: 'u', statement }],
  groups: [{ label: 'l', digest, unread: 1, rows: [
    { ...row, state: 'believed' }, { ...row, state: 'unbelieved', code: 'c', message: 'm' }, { digest, type: 't', state: 'failed', code: 'c', message: 'm' }, { digest, type: 't', state: 'foreign' }, { digest, type: 't', state: 'evidence' },
  ] }],
  generatedAt: now,
};

/** Words that choose a shape; everything else may be written by an attacker. */
const chosen = new Set(['standing', 'result', 'state', 'channel', 'severity', 'class', 'kind', 'origin', 'format', 'isolation', 'counts']);

const pageWith = (text: string): string => reportPage({ ...(withText(sample, text, { chosen }) as ReportModel), annotations: { [text]: text } });

describe('hostile text', () => {
  const plain = structureOf(pageWith('text'));

  test('the sample fills the page', () => {
    expect(plain.length).toBeGreaterThan(300);
    expect(plain.filter((one) => one.startsWith('stray'))).toEqual([]);
    expect(plain.filter((one) => one.startsWith('script'))).toEqual(['script ']);
  });

  test.each(hostileTexts.map((text) => [JSON.stringify(text).slice(0, 40), text]))('%s ends as text', (_, text) => {
    const page = pageWith(text);
    expect(structureOf(page)).toEqual(plain);
    // oxlint-disable-next-line no-control-regex -- control characters are the point
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  });

  test('long text is cut', () => {
    const long = 'x'.repeat(50_000);
    const isOurs = (old: string): boolean => isDigest(old) || /^[A-Z]+_[A-Z_]+$/.test(old);
    const { survey, provenance, tests, platforms } = withText(sample, long, { chosen, keep: isOurs }) as ReportModel;
    const page = reportPage({ ...sample, survey, provenance, tests, platforms, version: long, tags: [long], annotations: { [long]: long } });
    expect(page).not.toContain('x'.repeat(1000));
    expect(page).toContain('(50000 characters)');
  });
});

test('its security policy lets only its own style and script run, and nothing load', () => {
  const page = reportPage(sample);
  const hashOf = (element: string): string => createHash('sha256').update(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(page)?.[1] ?? '').digest('base64');
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'");
  expect(policy).toBe(`default-src 'none'; style-src 'sha256-${hashOf('style')}'; script-src 'sha256-${hashOf('script')}'; base-uri 'none'; form-action 'none'`);
  expect(page).not.toMatch(/\s(?:style|on[a-z]+|src)="/);
});

describe('no green without proof', () => {
  const believed = undefined;
  const nothing: ReportModel = {
    ...sample, standing: 'unproven', deciding: { channel: 'release', of: image, here: true, code: 'VERDICT_MISSING' }, answers: [], believed, survey: { scans: [], findings: [] }, sboms: [], tests: undefined, provenance: undefined,
    groups: [{ label: 'l', digest, unread: 0, rows: [{ ...row, state: 'unbelieved', code: 'ATTESTATION_SIGNER_UNKNOWN' }] }],
  };
  test('without a policy nothing on the page is good, and it says why', () => {
    const page = reportPage(nothing);
    expect(page).toContain('Nothing is proven: nobody is believed');
    expect(page).not.toMatch(/class="[^"]*\bgood\b/);
  });
  test('a gap in the scans is told beside what was found', () => {
    expect(reportPage({ ...sample, platforms: [platform, { ...platform, digest: `sha256:${'9'.repeat(64)}` }] })).toContain('1 of 2 platforms have no believed scan');
  });
});
