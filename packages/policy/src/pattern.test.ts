// SPDX-License-Identifier: Apache-2.0
// Patterns speak of the whole text, and of nothing that is too long to be one.
import { expect, test } from 'vitest';
import { isExpression, matchesIdentity, matchesRef } from './pattern.ts';

test.each<readonly [string, string, boolean]>([
  ['refs/heads/main', 'refs/heads/main', true],
  ['refs/heads/main', 'refs/heads/main2', false],
  ['refs/heads/main', 'xrefs/heads/main', false],
  ['refs/tags/v*', 'refs/tags/v1.0', true],
  ['refs/tags/v*', 'refs/tags/v', true],
  ['refs/tags/v*', 'refs/tags/v1/x', false],
  ['refs/**/x', 'refs/a/b/x', true],
  ['refs/**', 'refs/heads/a', true],
  ['v1.0', 'v1.0', true],
  ['v1.0', 'v1x0', false],
  ['v1.0', 'v10', false],
  ['a+(b)[c]{d}|e^f$g?h\\i', 'a+(b)[c]{d}|e^f$g?h\\i', true],
  ['a|b', 'a', false],
  ['**', 'a'.repeat(1024), true],
  ['**', 'a'.repeat(1025), false],
])('the ref pattern %s on %s: %s', (pattern, ref, fits) => {
  expect(matchesRef(pattern, ref)).toBe(fits);
});

test.each<readonly [string, string, boolean]>([
  ['a|b', 'b', true],
  ['a|b', 'ab', false],
  ['a', 'xa', false],
  ['a', 'ax', false],
  ['.', '\u{1F6A2}', true],
  ['a*', 'a'.repeat(1024), true],
  ['a*', 'a'.repeat(1025), false],
])('the expression %s on %s: %s', (expression, identity, fits) => {
  expect(matchesIdentity(expression, identity)).toBe(fits);
});

test.each<readonly [string, boolean]>([['a.*', true], ['', true], ['(', false], ['a)|(b', false], ['a\\-b', false]])('%j is an expression: %s', (text, is) => {
  expect(isExpression(text)).toBe(is);
});
