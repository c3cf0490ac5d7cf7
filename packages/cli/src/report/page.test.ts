// SPDX-License-Identifier: Apache-2.0
// Hostile text in every field of the report: the page keeps its structure, tag by tag and attribute by attribute, and its security policy.
import { createHash } from 'node:crypto';
import { isDigest, isJsonObject, type Digest, type Finding, type SignerIdentity } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import type { Answer } from './answers.ts';
import type { ReportModel } from './model.ts';
import { reportPage } from './page.ts';

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
  groups: [{ label: 'l', digest, unread: 1, rows: [
    { ...row, state: 'believed' }, { ...row, state: 'unbelieved', code: 'c', message: 'm' }, { digest, type: 't', state: 'failed', code: 'c', message: 'm' }, { digest, type: 't', state: 'foreign' }, { digest, type: 't', state: 'evidence' },
  ] }],
  generatedAt: now,
};

/** Words that choose a shape; everything else may be written by an attacker. */
const chosen = new Set(['standing', 'state', 'channel', 'severity', 'class', 'kind', 'origin', 'format', 'isolation', 'counts']);

/** The same model with this text wherever there is text, but for what `keep` names. */
function withText(value: unknown, text: string, keep: (old: string) => boolean = () => false): unknown {
  if (typeof value === 'string') return keep(value) ? value : text;
  if (Array.isArray(value)) return value.map((one: unknown) => withText(one, text, keep));
  if (value instanceof Map) return new Map([...value].map(([, one]) => [text, withText(one, text, keep)]));
  if (value instanceof Date || !isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, chosen.has(name) ? one : withText(one, text, keep)]));
}
const pageWith = (text: string): string => reportPage({ ...(withText(sample, text) as ReportModel), annotations: { [text]: text } });

/** Tags with the names of their attributes; fails on a `<` that begins none. */
function structureOf(page: string): string[] {
  const inner = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>');
  return [...inner.matchAll(/<(!doctype|\/?[a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"<>]*")?)*)\s*>|</g)].map(([whole, name, attributes = '']) => (name === undefined ? `stray ${whole}` : `${name} ${[...attributes.matchAll(/([a-zA-Z-]+)(?:="[^"]*")?/g)].map((one) => one[1]).join(' ')}`));
}

const hostile = [
  '<script>document.title="ran"</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", '</title></style></script><svg onload=alert(1)>', '<!-- --><![CDATA[', '{{constructor}}${1}`', '&lt;b&gt;&#60;b&#62;',
  '[x](javascript:alert(1)) **b** | `c` @all', 'javascript:alert(1)', 'data:text/html,<script>1</script>', 'a\u0000b\u001b[31mc\u0007\u009bd', 'x\u202egnp.exe\u2066\u2069\u061c\u200f', '::error::x\n##vso[task.complete]y', '\ud800', '=cmd|calc', '\u2028</p>',
];

describe('hostile text', () => {
  const plain = structureOf(pageWith('text'));

  test('the sample fills the page', () => {
    expect(plain.length).toBeGreaterThan(300);
    expect(plain.filter((one) => one.startsWith('stray'))).toEqual([]);
    expect(plain.filter((one) => one.startsWith('script'))).toEqual(['script ']);
  });

  test.each(hostile.map((text) => [JSON.stringify(text).slice(0, 40), text]))('%s ends as text', (_, text) => {
    const page = pageWith(text);
    expect(structureOf(page)).toEqual(plain);
    // oxlint-disable-next-line no-control-regex -- control characters are the point
    expect(page).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
  });

  test('long text is cut', () => {
    const long = 'x'.repeat(50_000);
    const isOurs = (old: string): boolean => isDigest(old) || /^[A-Z]+_[A-Z_]+$/.test(old);
    const { survey, provenance, tests, platforms } = withText(sample, long, isOurs) as ReportModel;
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
