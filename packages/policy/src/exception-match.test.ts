// SPDX-License-Identifier: Apache-2.0
// Which exception speaks of which finding, and the moments between which it counts.
import type { Finding } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { speaksOf, whyNot } from './exception-match.ts';
import { parseExceptions, type ExceptionEntry } from './exceptions-file.ts';
import { parsePolicy } from './policy-file.ts';
import { critical } from './sample.ts';

function exception(about: string, more = 'expires: 2026-12-01'): ExceptionEntry {
  const [entry] = parseExceptions(`exceptions:\n  - {id: CVE-2026-0001, owner: alice, reason: not reachable, approver: bob, ${about}, ${more}}\n`).exceptions;
  if (entry === undefined) throw new Error('no exception was read');
  return entry;
}

describe('an exception', () => {
  const scoped: Finding = { ...critical, package: '@a/b', installed: '1.0', purl: 'pkg:npm/@a/b@1.0' };
  const { purl: _, ...nameless } = critical;
  const cases: readonly (readonly [string, string, Finding, boolean])[] = [
    ['by name and version', 'package: openssl, version: 3.0.11', critical, true],
    ['by another name', 'package: zlib, version: 3.0.11', critical, false],
    ['by another version', 'package: openssl, version: 3.0.10', critical, false],
    ['by name, any version', 'package: openssl, version: any', critical, true],
    ['by an alias of the finding', 'package: openssl, version: any', { ...critical, id: 'GHSA-1', aliases: ['CVE-2026-0001'] }, true],
    ['of another vulnerability', 'package: openssl, version: any', { ...critical, id: 'CVE-2026-0009' }, false],
    ['of another vulnerability, whatever its aliases', 'package: openssl, version: any', { ...critical, id: 'CVE-2026-0009', aliases: ['GHSA-1'] }, false],
    ['by package URL', 'purl: "pkg:deb/debian/openssl@3.0.11"', critical, true],
    ['by package URL with the qualifier that was found', 'purl: "pkg:deb/debian/openssl@3.0.11?arch=amd64"', critical, true],
    ['by package URL with another qualifier', 'purl: "pkg:deb/debian/openssl@3.0.11?arch=arm64"', critical, false],
    ['by package URL with one qualifier more', 'purl: "pkg:deb/debian/openssl@3.0.11?arch=amd64&distro=debian-12"', critical, false],
    ['by package URL with one of two qualifiers', 'purl: "pkg:deb/debian/openssl@3.0.11?arch=amd64"', { ...critical, purl: 'pkg:deb/debian/openssl@3.0.11?arch=amd64&distro=debian-12' }, true],
    ['by package URL of another version', 'purl: "pkg:deb/debian/openssl@3.0.10"', critical, false],
    ['by package URL of another package', 'purl: "pkg:deb/debian/openssl1@3.0.11"', critical, false],
    ['by package URL, any version', 'purl: "pkg:deb/debian/openssl", version: any', critical, true],
    ['by package URL of another package, any version', 'purl: "pkg:deb/debian/zlib", version: any', critical, false],
    ['by package URL with a scope', 'purl: "pkg:npm/@a/b@1.0"', scoped, true],
    ['by package URL with a scope, any version', 'purl: "pkg:npm/@a/b", version: any', scoped, true],
    ['by package URL with another scope, any version', 'purl: "pkg:npm/@c/b", version: any', scoped, false],
    ['by package URL with a subpath', 'purl: "pkg:npm/@a/b@1.0#lib"', scoped, true],
    ['by package URL without a slash, any version', 'purl: "pkg:a", version: any', { ...critical, purl: 'pkg:b' }, false],
    ['by package URL, of a finding that has none', 'purl: "pkg:deb/debian/openssl@3.0.11"', nameless, false],
  ];
  test.each(cases)('%s', (_, about, finding, speaks) => {
    expect(speaksOf(exception(about), finding)).toBe(speaks);
  });
});

describe('an exception counts', () => {
  const strict = parsePolicy('exceptions: {maximum-days: 10}');
  const at = (now: string, approval: 'approved' | 'unproven' = 'approved', policy = strict) => ({ policy, now: new Date(now), approvals: () => approval });
  const any = 'package: openssl, version: any';

  test.each([
    ['to the last moment of its last day', 'expires: 2026-12-01', '2026-12-01T23:59:59.999Z', undefined],
    ['not a moment longer', 'expires: 2026-12-01', '2026-12-02T00:00:00.000Z', { code: 'POLICY_EXCEPTION_EXPIRED', why: 'expired on 2026-12-01' }],
    ['from the moment it was added', 'expires: 2026-12-01, added: 2026-11-25', '2026-11-25T00:00:00.000Z', undefined],
    ['not before', 'expires: 2026-12-01, added: 2026-11-25', '2026-11-24T23:59:59.999Z', { code: 'POLICY_EXCEPTION_INVALID', why: 'was added on 2026-11-25, which is yet to come' }],
    ['as long as the policy allows', 'expires: 2026-12-01, added: 2026-11-21', '2026-11-30T00:00:00.000Z', undefined],
    ['not a day longer', 'expires: 2026-12-01, added: 2026-11-20', '2026-11-30T00:00:00.000Z', { code: 'POLICY_EXCEPTION_INVALID', why: 'lasts 12 days, the policy allows 10' }],
    ['without a first day from now on, to the millisecond', 'expires: 2026-12-01', '2026-11-20T23:59:59.999Z', undefined],
    ['without a first day, not longer from now on', 'expires: 2026-12-01', '2026-11-20T23:59:59.998Z', { code: 'POLICY_EXCEPTION_INVALID', why: 'lasts 12 days, the policy allows 10' }],
  ])('%s', (_, more, now, why) => {
    expect(whyNot(exception(any, more), at(now))).toEqual(why);
  });

  test('only when it is proven to be approved, unless the policy wants no proof', () => {
    const relaxed = parsePolicy('exceptions: {maximum-days: 10, require-approval: false}');
    expect(whyNot(exception(any), at('2026-11-30T00:00:00Z', 'unproven'))).toEqual({ code: 'POLICY_EXCEPTION_INVALID', why: 'is not proven to be approved by bob' });
    expect(whyNot(exception(any), at('2026-11-30T00:00:00Z', 'unproven', relaxed))).toBeUndefined();
  });
});
