// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { code, fence, folded, link, prose, shortDigest, table } from './markdown.ts';

test.each<readonly [string | undefined, string]>([
  ['https://avd.aquasec.com/nvd/cve-1', '<a href="https://avd.aquasec.com/nvd/cve-1">x</a>'],
  ['https://e.example/?a=1&b="|`<', '<a href="https://e.example/?a=1&amp;b=%22%7C%60%3C">x</a>'],
  ...['javascript:alert(1)', 'http://e.example/', 'https://user:word@e.example/', 'data:text/html,x', '/relative', `https://e.example/${'x'.repeat(600)}`].map((url) => [url, 'x'] as const),
  [undefined, 'x'],
])('%s', (url, shown) => {
  expect(link('x', url)).toBe(shown);
});

test('long text is cut, never within a character', () => {
  expect(prose('x'.repeat(700))).toBe(`${'x'.repeat(599)}…`);
  expect(code('\u{1f6a2}'.repeat(9), 4)).toBe('<code>\u{1f6a2}\ufffd…</code>');
});

test('without rows and lines there is nothing', () => {
  expect([...table(['a'], []), ...folded('t', [])]).toEqual([]);
});

test('a fence is longer than any in its text', () => {
  expect(fence(['a', '````', 'b'])).toEqual(['`````text', 'a', '````', 'b', '`````', '']);
});

test('a digest keeps its algorithm and 12 digits', () => {
  expect(shortDigest(`sha256:${'a'.repeat(64)}`)).toBe(String.raw`<code>sha256\:aaaaaaaaaaaa</code>`);
});
