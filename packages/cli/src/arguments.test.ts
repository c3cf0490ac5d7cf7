// SPDX-License-Identifier: Apache-2.0
// argv: words, flags, repeated flags, switches, and what is refused.
import { expect, test } from 'vitest';
import { parseArguments, requireKnown } from './arguments.ts';

test.each([
  [['verify', 'r/a@d', '--channel', 'preview', '--json'], { words: ['verify', 'r/a@d'], flags: { channel: 'preview', json: 'true' } }],
  [['x', '--build-args=A=1', '--build-args', 'B=2'], { words: ['x'], flags: { 'build-args': 'A=1\nB=2' } }],
  [['--version'], { words: [], flags: { version: 'true' } }],
  [['build-scan-push', '--version', '1.2.0'], { words: ['build-scan-push'], flags: { version: '1.2.0' } }],
  [['-h'], { words: [], flags: { help: 'true' } }],
  [['a', '--', '--b'], { words: ['a', '--b'], flags: {} }],
])('%j', (argv, expected) => expect(parseArguments(argv)).toEqual(expected));

test('a flag without value and a misspelt flag are refused', () => {
  expect(() => parseArguments(['tree', '--trusted-root'])).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  expect(() => requireKnown({ prot: '1' }, ['port', 'data'])).toThrow(expect.objectContaining({ code: 'INPUT_UNKNOWN', message: 'there is no flag --prot; did you mean --port?' }));
});
