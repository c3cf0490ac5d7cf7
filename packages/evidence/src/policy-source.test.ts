// SPDX-License-Identifier: Apache-2.0
// Where a policy comes from, as people write it.
import { describe, expect, test } from 'vitest';
import { parsePolicySource } from './policy-source.ts';

describe('the place of a policy', () => {
  const github = { kind: 'github', owner: 'contoso', repository: 'web', folder: '.pratique' };
  test.each<readonly [string, object]>([
    ['github://contoso/web', github],
    ['github://contoso/web/', github],
    ['github://contoso/web@v1', { ...github, ref: 'v1' }],
    ['github://contoso/web/.pratique@refs/heads/a@b', { ...github, ref: 'refs/heads/a@b' }],
    ['github://contoso/web//a/b//@main', { ...github, folder: 'a/b', ref: 'main' }],
    ['github://contoso/web///a', { ...github, folder: 'a' }],
    ['github://A-1_b.c/d-2_e.f/x y~', { kind: 'github', owner: 'A-1_b.c', repository: 'd-2_e.f', folder: 'x y~' }],
    ['github://contoso/web/a..b@c..d', { ...github, folder: 'a..b', ref: 'c..d' }],
    ['.pratique', { kind: 'workspace', folder: '.pratique' }],
    ['policies//', { kind: 'workspace', folder: 'policies' }],
    ['a//b', { kind: 'workspace', folder: 'a//b' }],
    ['/', { kind: 'workspace', folder: '.' }],
    ['C:/policies', { kind: 'workspace', folder: 'C:/policies' }],
    ['a/oci://b', { kind: 'workspace', folder: 'a/oci://b' }],
  ])('%s is read', (text, source) => {
    expect(parsePolicySource(text)).toStrictEqual(source);
  });
  test.each<readonly [string, string]>([
    ['', 'INPUT_INVALID'], ['  ', 'INPUT_INVALID'], ['https://contoso.test/policy', 'INPUT_INVALID'], ['GITHUB://contoso/web', 'INPUT_INVALID'],
    ['github://contoso', 'INPUT_INVALID'], ['github://contoso/we b', 'INPUT_INVALID'], ['github://contoso/web@', 'INPUT_INVALID'],
    ['github://contoso/web/../api', 'INPUT_INVALID'], ['github://contoso/web/a/..', 'INPUT_INVALID'], ['github://contoso/web@..', 'INPUT_INVALID'], ['github://contoso/web@a/../b', 'INPUT_INVALID'],
    ['github://contoso/web/\u0007', 'INPUT_INVALID'], ['github://contoso/web/a\u00e9', 'INPUT_INVALID'], ['github://contoso/web@a\u007f', 'INPUT_INVALID'],
    ['oci://registry.test/policy@sha256:00', 'POLICY_UNTRUSTED'],
  ])('%j is refused with %s', (text, code) => {
    expect(() => parsePolicySource(text)).toThrow(expect.objectContaining({ code }));
  });
});
