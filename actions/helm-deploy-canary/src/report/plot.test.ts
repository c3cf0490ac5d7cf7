// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { plot, type Plot } from './plot.ts';

const given: Plot = {
  title: 'Share', description: 'It rises.', right: 100, top: 0.5, columns: [{ at: 0, text: '0' }, { at: 50, text: '50 s' }, { at: 100, text: '100 s' }], rows: [{ at: 0, text: '' }, { at: 0.5, text: '50 %' }],
  lines: [{ name: 'canary', look: 'canary', points: [{ x: 0, y: 0 }, { x: 50, y: 0.25 }, { x: 100, y: 0.5 }] }],
};
const paths = (one: Plot): string[] => [...plot(one).markup.matchAll(/<path class="([^"]*)" d="([^"]*)">/g)].map(([, look, d]) => `${look}: ${d}`);

describe('a plot', () => {
  test('puts values into thousandths of its area, from below', () => {
    expect(paths(given)).toEqual(['line canary: M0 1000L500 500L1000 0']);
    expect(plot(given).markup).toContain('<svg class="frame" role="img" aria-label="Share. It rises.">');
    expect(plot(given).markup).toContain('<text class="tick" x="50%" y="100%" dy="17" text-anchor="middle">50 s</text>');
  });

  test.each([
    ['steps hold what was since the point before', { drawn: 'steps' as const }, 'line canary: M0 1000H0V500H500V0H1000'],
    ['dots stand alone', { drawn: 'dots' as const }, 'dots canary: M0 1000h0M500 500h0M1000 0h0'],
    ['what is beyond stands at the edge', { points: [{ x: -5, y: -1 }, { x: 500, y: 9 }] }, 'line canary: M0 1000L1000 0'],
    ['what is no number is left out', { points: [{ x: 0, y: 0 }, { x: 50, y: NaN }, { x: Infinity, y: 0 }, { x: 100, y: 0.5 }] }, 'line canary: M0 1000L1000 0'],
  ])('%s', (_name, change, expected) => {
    const [line] = given.lines;
    expect(paths({ ...given, lines: line === undefined ? [] : [{ ...line, ...change }] })).toEqual([expected]);
  });

  test('a line without points is neither drawn nor in the legend', () => {
    const markup = plot({ ...given, lines: [{ name: 'baseline', look: 'baseline', points: [{ x: 1, y: NaN }] }] }).markup;
    expect(markup).not.toContain('<path');
    expect(markup).not.toContain('baseline');
  });

  test('levels are drawn where they are, with hostile names as text', () => {
    const { markup } = plot({ ...given, title: '<script>', levels: [{ y: 0.125, text: '"><b>', look: 'alarm' }] });
    expect(markup).toContain('<line class="level alarm" x1="0" x2="100%" y1="75%" y2="75%">');
    expect(markup).not.toMatch(/<script|<b>/);
  });
});
