// SPDX-License-Identifier: Apache-2.0
// The three files: what they default to, what they refuse, where they say it stands; and the schemas that follow.
import fc from 'fast-check';
import { Failure } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { exceptionsJsonSchema, parseExceptions, parsePolicy, parseTrust, policyJsonSchema, trustJsonSchema, type Problem } from './index.ts';

function problemsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    expect(thrown.code).toBe('POLICY_INVALID');
    return (thrown.facts['problems'] as Problem[]).map(({ line, column, path, problem }) => `${line}:${column} ${path} ${problem}`);
  }
  return [];
}

describe('policy.yaml', () => {
  test.each([['', 'nothing'], ['# only a comment\n', 'a comment'], ['{}', 'an empty mapping'], ['version: 1', 'a version']])('%j is the strict policy (%s)', (text) => {
    expect(parsePolicy(text)).toMatchObject({
      version: 1, findings: [{ severity: ['critical', 'high'], fixable: 'any', effect: 'deny' }], 'unrated-as': 'high', isolation: 'job', 'roles-overlap': 'refuse',
      evidence: { require: ['signature', 'provenance', 'tests', 'scan', 'sbom'], scanners: [] }, freshness: { 'scan-hours': 24, 'database-hours': 48 }, exceptions: { 'maximum-days': 90, 'require-approval': 'true' }, verdict: { 'valid-days': 30 },
    });
  });
  test('an empty list of rules is a policy without rules', () => {
    expect(parsePolicy('findings: []').findings).toEqual([]);
  });
  test('rules know their line', () => {
    const policy = parsePolicy('version: 1\nfindings:\n  - name: a\n    severity: [low]\n    effect: warn\n  - {name: b, severity: [high], fixable: true, effect: deny}\nfreshness:\n  scan-hours: 2\n', '.pratique/policy.yaml');
    expect(policy.findings.map(({ name, at, fixable }) => [name, at.file, at.line, fixable])).toEqual([['a', '.pratique/policy.yaml', 3, 'any'], ['b', '.pratique/policy.yaml', 6, 'true']]);
    expect(policy.freshness).toMatchObject({ 'scan-hours': 2, 'database-hours': 48, at: { line: 8 } });
  });
  test.each([
    ['an unknown key', 'version: 1\nfreshnes: {}', ['2:1 freshnes there is no such key; did you mean freshness?']],
    ['an unknown key deep inside', 'findings:\n  - name: a\n    severty: [high]\n    effect: deny', ['2:5 findings[0].severity is missing', '3:5 findings[0].severty there is no such key; did you mean severity?']],
    ['a wrong word', 'isolation: jobs', ['1:12 isolation must be one of job, any, not "jobs"; did you mean job?']],
    ['several at once', 'isolation: x\nfreshness:\n  scan-hours: soon\nverdict: 3', ['1:12 isolation must be one of job, any, not "x"', '3:15 freshness.scan-hours must be a whole number from 1 to 8760, not "soon"', '4:10 verdict must be a mapping of valid-days']],
    ['a number in quotes', 'version: "1"', ['1:10 version must be a whole number from 1 to 1, not "1"']],
    ['a future version', 'version: 2', ['1:10 version must be a whole number from 1 to 1, not "2"']],
    ['a duplicate key', 'isolation: any\nisolation: job', ['2:1  the key isolation stands here twice']],
    ['a duplicate key in another style', '{isolation: any, "isolation": job}', ['1:18  the key isolation stands here twice']],
    ['an anchor and an alias', 'freshness: &f {scan-hours: 1}\nverdict: *f', ['1:13  anchors are not used here; write the value out', '2:11  aliases are not used here; write the value out', '2:11 verdict must be a mapping of valid-days']],
    ['a merge key', '<<: {isolation: any}', ['1:1 << there is no such key (known: version, findings, unrated-as, evidence, freshness, isolation, provenance, exceptions, roles-overlap, chart, verdict)']],
    ['a tag', 'isolation: !!str any', ['1:12  tags are not used here']],
    ['an empty value', 'findings:', ['1:1 findings must be a list']],
    ['a key of the prototype', '__proto__: {isolation: any}', ['1:1 __proto__ there is no such key (known: version, findings, unrated-as, evidence, freshness, isolation, provenance, exceptions, roles-overlap, chart, verdict)']],
    ['a list for a file', '- a', ['1:1  must be a mapping of version, findings, unrated-as, evidence, freshness, isolation, provenance, exceptions, roles-overlap, chart, verdict']],
    ['two documents', 'version: 1\n---\nversion: 1', ['1:1  holds more than one document']],
    ['no YAML', 'a: [', [expect.stringMatching(/^1:\d+ {2}is not YAML: /)]],
    ['a bomb of depth', '['.repeat(5000), [expect.stringMatching(/is not YAML: nesting exceeded/)]],
    ['a file too large', `# ${'x'.repeat(300_000)}`, ['1:1  is larger than 262144 characters']],
  ])('%s is refused, and where it stands is said', (_, text, problems) => {
    expect(problemsOf(() => parsePolicy(text))).toEqual(problems);
  });
  test('what refuses a chart by default, and what a policy makes of it', () => {
    expect(parsePolicy('').chart).toMatchObject({ refuse: ['IMAGE_NOT_PINNED', 'PRIVILEGED', 'HOST_ACCESS', 'READINESS_PROBE_MISSING'], silence: [] });
    expect(parsePolicy('chart: {refuse: [RUNS_AS_ROOT], silence: [SINGLE_REPLICA]}').chart).toMatchObject({ refuse: ['RUNS_AS_ROOT'], silence: ['SINGLE_REPLICA'] });
    expect(problemsOf(() => parsePolicy('chart: {refuse: [PRIVILEGED, HOST_ACCESS], silence: [HOST_ACCESS, SINGLE_REPLICA]}'))).toEqual(['1:8 chart HOST_ACCESS is in refuse and in silence']);
  });
  test('a list has an end, the file a name, and a tag is seen where the file begins', () => {
    const refs = (count: number): string => `provenance: {refs: [${'a,'.repeat(count)}]}`;
    expect(problemsOf(() => parsePolicy(refs(1000)))).toEqual([]);
    expect(problemsOf(() => parsePolicy(refs(1001)))).toEqual(['1:20 provenance.refs must have 0 to 1000 items']);
    expect(problemsOf(() => parsePolicy('!!map {}'))).toEqual(['1:1  tags are not used here']);
    expect(() => parsePolicy('findings: [')).toThrow('policy.yaml:1:12 is not YAML');
    expect(() => parseTrust('x: 1')).toThrow('trust.yaml:1:1 x there is no such key');
    expect(problemsOf(() => parseTrust('build: [text]'))).toEqual([expect.stringMatching(/^1:9 build\[0\] must be a mapping/)]);
  });
  test('Windows line ends and a byte order mark do not move the lines', () => {
    expect(problemsOf(() => parsePolicy('\uFEFFversion: 1\r\n\r\nisolation: x\r\n'))).toEqual(['3:12 isolation must be one of job, any, not "x"']);
  });
  test('never throws anything but a failure', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      problemsOf(() => parsePolicy(text));
    }));
  });
});

describe('trust.yaml', () => {
  const signer = (lines: string): string => `gate:\n  - issuer: https://token.actions.githubusercontent.com\n    ${lines.replaceAll('; ', '\n    ')}\n`;
  test.each([
    ['an exact workflow', signer('identity: https://github.com/a/b/.github/workflows/x.yml@refs/heads/main; repository-id: 42; refs: [refs/heads/main]; triggers: [push]; runner: any')],
    ['a pattern', signer('identity-pattern: https://github\\.com/a/.*/\\.github/workflows/x\\.yml@.*; owner-id: "7"')],
    ['a person', 'policy: [{issuer: https://accounts.google.com, identity: alice@contoso.com, not-after: 2026-12-31}]'],
    ['a key', `policy: [{fingerprint: "sha256:${'0'.repeat(64)}", not-before: 2026-01-01T00:00:00Z}]`],
    ['nothing', ''],
  ])('%s is read', (_, text) => {
    expect(problemsOf(() => parseTrust(text))).toEqual([]);
  });
  test.each([
    ['neither identity nor pattern', signer('repository-id: 42'), '2:5 gate[0] needs either identity or identity-pattern'],
    ['both', signer('identity: a; identity-pattern: a'), '2:5 gate[0] needs either identity or identity-pattern'],
    ['no regular expression', signer('identity-pattern: "a)|(b"'), '2:5 gate[0] identity-pattern is not a regular expression'],
    ['a workflow that anybody could call', signer('identity: https://github.com/a/b/.github/workflows/x.yml@refs/heads/main'), '2:5 gate[0] a workflow needs repository-id or owner-id: a reusable workflow has the same identity whoever calls it'],
    ['a day that does not exist', 'gate: [{issuer: https://x.y, identity: a, not-after: 2026-02-30}]', '1:54 gate[0].not-after must be a date such as 2026-12-01, not "2026-02-30"'],
    ['a period that ends before it begins', 'gate: [{issuer: https://x.y, identity: a, not-after: 2026-02-03, not-before: 2026-03-01}]', '1:8 gate[0] not-before is later than not-after'],
    ['a short fingerprint', 'gate: [{fingerprint: sha256:00}]', '1:22 gate[0].fingerprint must be sha256: and 64 hex digits, not "sha256:00"'],
    ['keyless settings on a key', `gate: [{fingerprint: "sha256:${'0'.repeat(64)}", runner: any}]`, '1:97 gate[0].runner there is no such key (known: name, fingerprint, not-before, not-after)'],
    ['a role that does not exist', 'gates: []', '1:1 gates there is no such key; did you mean gate?'],
  ])('%s is refused', (_, text, problem) => {
    expect(problemsOf(() => parseTrust(text))).toEqual([problem]);
  });
});

describe('exceptions.yaml', () => {
  const entry = 'exceptions:\n  - {id: CVE-2026-1, package: a, version: 1, owner: alice, reason: r, approver: bob, expires: 2026-12-01}\n';
  test('a last day counts to its end', () => {
    expect(parseExceptions(entry).exceptions).toMatchObject([{ id: 'CVE-2026-1', version: '1', expires: new Date('2026-12-01T23:59:59.999Z'), at: { line: 2 } }]);
  });
  test.each([
    ['a misspelt end', entry.replace('expires', 'expired_at'), ['2:5 exceptions[0].expires is missing', '2:86 exceptions[0].expired_at there is no such key (known: id, purl, package, version, owner, reason, added, expires, approver)']],
    ['no end', entry.replace(', expires: 2026-12-01', ''), ['2:5 exceptions[0].expires is missing']],
    ['no owner, no reason, no approver', 'exceptions: [{id: CVE-1, package: a, version: 1, expires: 2026-12-01}]', ['1:14 exceptions[0].owner is missing', '1:14 exceptions[0].reason is missing', '1:14 exceptions[0].approver is missing']],
    ['an empty reason', entry.replace('reason: r', 'reason: " "'), ['2:68 exceptions[0].reason must be text, not " "']],
    ['no version', entry.replace('version: 1, ', ''), ['2:5 exceptions[0] needs the version that it is about, or version: any']],
    ['a package URL without version', entry.replace('package: a, version: 1', 'purl: "pkg:npm/%40a/b"'), ['2:5 exceptions[0] needs the version that it is about, or version: any']],
    ['neither package nor package URL', entry.replace('package: a, ', ''), ['2:5 exceptions[0] needs either purl or package']],
    ['a version beside the one in the package URL', entry.replace('package: a', 'purl: "pkg:npm/a@1"'), ['2:5 exceptions[0] the version belongs into the purl: pkg:…@version']],
    ['an end before the beginning', entry.replace('expires: 2026-12-01', 'added: 2026-12-02, expires: 2026-12-01'), ['2:5 exceptions[0] expires before it was added']],
    ['a package URL whose only @ is a scope', entry.replace('package: a, version: 1', 'purl: "pkg:npm/@a/b"'), ['2:5 exceptions[0] needs the version that it is about, or version: any']],
    ['an owner who approves', entry.replace('approver: bob', 'approver: Alice'), ['2:5 exceptions[0] owner and approver must be two people']],
  ])('%s is refused', (_, text, problems) => {
    expect(problemsOf(() => parseExceptions(text))).toEqual(problems);
  });
});

test('any version of a package URL, and a day that begins and ends an exception, are read', () => {
  const entry = (about: string): string => `exceptions: [{id: CVE-2026-1, ${about}, owner: alice, reason: r, approver: bob}]`;
  expect(problemsOf(() => parseExceptions(entry('purl: "pkg:npm/a", version: any, expires: 2026-12-01')))).toEqual([]);
  expect(problemsOf(() => parseExceptions(entry('package: a, version: any, added: 2026-12-01, expires: 2026-12-01')))).toEqual([]);
  expect(problemsOf(() => parseExceptions(entry('package: a, version: any, added: 2026-12-01T08:00:00Z, expires: 2026-12-01T08:00:00Z')))).toEqual([]);
});

describe('the message', () => {
  test('of one problem is one line', () => {
    expect(() => parsePolicy('isolation: x')).toThrow(expect.objectContaining({ message: 'policy.yaml:1:12 isolation must be one of job, any, not "x"' }));
  });
  test('of several is a list, in the order of the file', () => {
    expect(() => parsePolicy('verdict: 3\n? [a]\n: 1\n')).toThrow(expect.objectContaining({
      message: 'policy.yaml has 2 problems:\n- policy.yaml:1:10 verdict must be a mapping of valid-days\n- policy.yaml:2:3 a key must be text',
    }));
  });
});

test('the JSON Schemas follow from what reads the files', () => {
  expect(policyJsonSchema()).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    additionalProperties: false, properties: { freshness: { additionalProperties: false, properties: { 'scan-hours': { type: 'integer', minimum: 1, maximum: 8760, default: 24 } } }, findings: { items: { required: ['name', 'severity', 'effect'], properties: { fixable: { enum: ['any', 'true', true, 'false', false] } } } } },
  });
  expect(trustJsonSchema()).toMatchObject({ properties: { gate: { items: { oneOf: [{ required: ['fingerprint'] }, { required: ['issuer'] }] } } } });
  expect(exceptionsJsonSchema()).toMatchObject({ properties: { exceptions: { items: { required: ['id', 'owner', 'reason', 'expires', 'approver'] } } } });
});

test.each<readonly [string, readonly string[]]>([
  ['gate: [{issuer: https://i.example, identity-pattern: "https://github.com/a/.*/workflows/x"}]', ['1:8 gate[0] a workflow needs repository-id or owner-id: a reusable workflow has the same identity whoever calls it']],
  ['gate: [{issuer: https://i.example, identity: a, not-before: 2026-11-21T12:00:00Z, not-after: 2026-11-21T12:00:00Z}]', []],
  ['gate: [{issuer: https://i.example, identity: a, not-before: 2026-11-21}]', []],
  ['gate: [{issuer: http://i.example, identity: a}]', ['1:17 gate[0].issuer must be an https address, not "http://i.example"']],
  ['gate: [{issuer: https://i.example, identity: a, repository-id: a1}]', ['1:64 gate[0].repository-id must be a numeric id, not "a1"']],
  ['gate: [{issuer: https://i.example, identity: a, refs: []}]', ['1:55 gate[0].refs must have 1 to 1000 items']],
  ['gate: [{issuer: https://i.example, identity: a, triggers: []}]', ['1:59 gate[0].triggers must have 1 to 1000 items']],
  ['gate: [{issuer: https://i.example, identity: a, runner: mine}]', ['1:57 gate[0].runner must be one of github-hosted, self-hosted, any, not "mine"']],
])('the trust %s has the problems %j', (text, problems) => {
  expect(problemsOf(() => parseTrust(text))).toEqual(problems);
});

test.each<readonly [string, readonly string[]]>([
  ['freshness: {scan-hours: 0}', ['1:25 freshness.scan-hours must be a whole number from 1 to 8760, not "0"']],
  ['freshness: {scan-hours: 1, database-hours: 8760}\nverdict: {valid-days: 365}\nexceptions: {maximum-days: 3650}', []],
  ['verdict: {valid-days: 366}', ['1:23 verdict.valid-days must be a whole number from 1 to 365, not "366"']],
  ['exceptions: {maximum-days: 3651}', ['1:28 exceptions.maximum-days must be a whole number from 1 to 3650, not "3651"']],
  ['freshness: {scan-hours: 1.5}', ['1:25 freshness.scan-hours must be a whole number from 1 to 8760, not "1.5"']],
  ['findings: [{name: a, severity: [], effect: deny}]', ['1:32 findings[0].severity must have 1 to 1000 items']],
  ['findings: [{name: a, severity: [unknown], effect: deny}]', ['1:33 findings[0].severity[0] must be one of critical, high, medium, low, negligible, not "unknown"']],
  ['provenance: {source: "http://x"}', ['1:22 provenance.source must be an https address of a repository, not "http://x"']],
  ['evidence: {scanners: [Trivy]}', ['1:23 evidence.scanners[0] must be the name of a scanner, not "Trivy"']],
  [`findings: [{name: ${'n'.repeat(120)}, severity: [low], effect: warn}]`, []],
  [`findings: [{name: ${'n'.repeat(121)}, severity: [low], effect: warn}]`, [`1:19 findings[0].name must be text, not "${'n'.repeat(80)}"`]],
  ['isolation: {}', ['1:12 isolation must be one of job, any, not a mapping']],
  ['freshness: {scan-hours: []}', ['1:25 freshness.scan-hours must be a whole number from 1 to 8760, not a list']],
])('the policy %s has the problems %j', (text, problems) => {
  expect(problemsOf(() => parsePolicy(text))).toEqual(problems);
});

test.each<readonly [string, string]>([
  ['id: "C V"', '1:19 exceptions[0].id must be the id of a vulnerability, such as CVE-2026-1234, not "C V"'],
  ['purl: "npm/a@1"', '1:21 exceptions[0].purl must be a package URL, not "npm/a@1"'],
  ['approver: "@bob"', '1:25 exceptions[0].approver must be the GitHub name of a person, not "@bob"'],
  ['added: today', '1:22 exceptions[0].added must be a date such as 2026-12-01, not "today"'],
])('the exception with %s is refused', (line, problem) => {
  expect(problemsOf(() => parseExceptions(`exceptions: [{${line}}]`))).toContain(problem);
});

test('versions and ids may be written as numbers, to an editor as well', () => {
  const number = { type: ['string', 'number'] };
  expect(exceptionsJsonSchema()).toMatchObject({ properties: { exceptions: { items: { properties: { version: number, owner: { type: 'string' } } } } } });
  expect(trustJsonSchema()).toMatchObject({ properties: { gate: { items: { oneOf: [{}, { properties: { 'repository-id': number, 'owner-id': number } }] } } } });
});
