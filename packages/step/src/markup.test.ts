// SPDX-License-Identifier: Apache-2.0
// What is put into a template ends as text; addresses become links only where a browser may follow them.
import { describe, expect, test } from 'vitest';
import { clip, html, htmlLink } from './markup.ts';

describe('html', () => {
  test('escapes what is not markup, in elements and attributes', () => {
    const evil = '"><script>alert(1)</script>';
    expect(html`<p title="${evil}">${evil}${html`<b>${3}</b>`}${[html`<i>${'&'}</i>`]}${undefined}</p>`.markup)
      .toBe('<p title="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;<b>3</b><i>&amp;</i></p>');
  });
});

test.each([
  ['https://github.com/acme/app/actions/runs/7', '<a href="https://github.com/acme/app/actions/runs/7" rel="noopener noreferrer">https://github.com/acme/app/actions/runs/7</a>'],
  ['https://x.example/"onclick="alert(1)', '<a href="https://x.example/&quot;onclick=&quot;alert(1)" rel="noopener noreferrer">https://x.example/&quot;onclick=&quot;alert(1)</a>'],
  ['javascript:alert(1)', 'javascript:alert(1)'],
  ['data:text/html,<b>', 'data:text/html,&lt;b&gt;'],
  ['http://x.example/', 'http://x.example/'],
  ['//x.example/', '//x.example/'],
  ['', ''],
])('link %s', (address, markup) => {
  expect(htmlLink(address).markup).toBe(markup);
});

test('long text is cut, and says so', () => {
  expect(clip('x'.repeat(5), 5)).toBe('xxxxx');
  expect(clip('x'.repeat(6), 5)).toBe('xxxxx… (6 characters)');
});
