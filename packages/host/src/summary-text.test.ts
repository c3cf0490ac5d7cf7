// SPDX-License-Identifier: Apache-2.0
import { escapeMarkdown } from '@pratique/core';
import { code, fence, folded, link, table } from '@pratique/step';
import { expect, test } from 'vitest';
import { summaryText } from './summary-text.ts';

test('a summary reads well in a terminal', () => {
  const markdown = [
    `## ⛔ Refused: ${code('1.2.0-rc.1')}`, '', '**2 reasons** against it', '',
    ...table(['severity', 'what'], [['🔴&nbsp;critical', `${link(code('CVE-2021-1'), 'https://e.example/')}<br><sub>${escapeMarkdown('a *bold* title')}</sub>`], ['low', 'x']]),
    ...fence(['pratique verify \\', '  a_b'], 'sh'), ...folded('More', ['> a note', '']),
  ].join('\n');
  expect(summaryText(markdown)).toBe([
    '⛔ Refused: 1.2.0-rc.1', '', '2 reasons against it', '',
    'severity     what', '🔴 critical  CVE-2021-1 (a *bold* title)', 'low          x', '',
    '    pratique verify \\', '      a_b', '', 'More', '', 'a note',
  ].join('\n'));
});

test.each(['a|b', '<b>x</b>', '**x**', 'a\\*b', '`code`', '&amp;', 'www.e.example', 'a@b', '<br>', '| --- |'])('%s comes out as it went in', (text) => {
  expect(summaryText(table(['', 'name'], [['x', code(text)]]).join('\n')).split('\n').at(-1)).toBe(`x  ${text}`);
});
