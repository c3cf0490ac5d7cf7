// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { readPairs } from './inputs.ts';
import { chooseVersion, createdAt, sourceAnnotations } from './source.ts';

describe('chooseVersion', () => {
  test.each<[string, string | undefined, string, string | undefined]>([
    ['asked for', '1.2.0', 'refs/heads/main', '1.2.0'],
    ['asked for with v', 'v1.2.0', 'refs/heads/main', '1.2.0'],
    ['of the tag', undefined, 'refs/tags/v1.2.0', '1.2.0'],
    ['of a tag without v', undefined, 'refs/tags/1.2.0-rc.1', '1.2.0-rc.1'],
    ['asked for goes before the tag', '2.0.0', 'refs/tags/v1.2.0', '2.0.0'],
    ['none on a branch', undefined, 'refs/heads/v1.2.0', undefined],
    ['none of another tag', undefined, 'refs/tags/nightly', undefined],
    ['none of a moving tag', undefined, 'refs/tags/v1', undefined],
    ['with build metadata', '1.2.0+a.1', '', '1.2.0+a.1'],
  ])('%s', (_, asked, ref, version) => {
    expect(chooseVersion(asked, ref)).toBe(version);
  });
  test.each(['1.2', '1.2.3.4', '01.2.0', '1.2.0-', '1.2.0-01', 'latest', '1.2.0 ', '1.2.0\n', `1.2.0-${'a'.repeat(200)}`])('%j is refused', (asked) => {
    expect(() => chooseVersion(asked, '')).toThrow(expect.objectContaining({ code: 'VERSION_INVALID' }));
  });
});

test('what is not known is not said', () => {
  const source = { revision: '', uri: '', epoch: 1_763_632_800 };
  expect(createdAt(source)).toBe('2025-11-20T10:00:00Z');
  expect(sourceAnnotations(source)).toEqual({ 'org.opencontainers.image.created': '2025-11-20T10:00:00Z' });
});

describe('lines of NAME=value', () => {
  test('keep what follows the first =', () => {
    expect(readPairs('build-args', ['A=1=2', 'B='])).toEqual({ A: '1=2', B: '' });
    expect(readPairs('build-args', undefined)).toEqual({});
  });
  test.each([[['A']], [['=1']], [['A B=1']], [['--x=1']], [['A=1', 'A=2']]])('%j is refused', (lines) => {
    expect(() => readPairs('build-args', lines)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});
