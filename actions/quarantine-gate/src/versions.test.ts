// SPDX-License-Identifier: Apache-2.0
// Versions: precedence, the tags that move, and the tags that do not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareVersions, competitors, movingTags, readVersion, versionTag, type Version } from './versions.ts';

const read = (text: string): Version => readVersion(text) ?? expect.fail(`${text} is no version`);

test('the order of semver.org section 11', () => {
  const order = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.9.0', '1.10.0', '2.0.0'];
  expect(order.toReversed().map(read).toSorted(compareVersions).map((version) => version.text)).toEqual(order);
});

test.each([`1.2.3-${'a'.repeat(123)}`, `1.2.${'9'.repeat(16)}`, '1.2', 'v1.2.3', '1.2.3.4', '01.2.3', '1.2.3-', '1.2.3-01', 'latest', '1.2.3 ', ''])('"%s" is no version', (text) => {
  expect(readVersion(text)).toBeUndefined();
});

describe('moving tags', () => {
  test.each([
    ['1.2.0', ['1.2', '1', 'latest']],
    ['0.4.1', ['0.4', 'latest']],
    ['2.0.0-rc.1', []],
  ])('of %s are %j', (text, tags) => expect(movingTags(read(text))).toEqual(tags));

  test('a backport competes for its own line and loses the rest', () => {
    const tags = ['1.2.0', '1.1.8', '1.1.9', '1.2', '1', 'latest', '1.3.0-rc.1', 'sha256-abc', '9.9'];
    expect(competitors('1.1', tags)[0]?.text).toBe('1.1.9');
    expect(competitors('1', tags)[0]?.text).toBe('1.2.0');
    expect(competitors('latest', tags)[0]?.text).toBe('1.2.0');
  });

  test('build metadata is written with an underscore, and read back', () => {
    expect(versionTag('1.2.3+build.5')).toBe('1.2.3_build.5');
    expect(competitors('1.2', ['1.2.3_build.5'])[0]?.text).toBe('1.2.3_build.5');
  });
});

test('numbers of a prerelease may have any length', () => {
  expect(compareVersions(read(`1.0.0-rc.${'8'.repeat(40)}`), read(`1.0.0-rc.${'9'.repeat(40)}`))).toBeLessThan(0);
  expect(compareVersions(read('1.0.0-rc.10'), read('1.0.0-rc.9'))).toBeGreaterThan(0);
});

test('the owner of a moving tag does not depend on the order of the listing', () => {
  const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.constantFrom('', '_1', '_2')).map(([major, minor, patch, build]) => `${major}.${minor}.${patch}${build}`);
  fc.assert(fc.property(fc.array(version, { minLength: 1 }), (tags) => {
    expect(competitors('latest', tags)[0]?.text).toBe(competitors('latest', tags.toReversed())[0]?.text);
  }));
});
