// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { compareVersions, inRange, readVersion } from './version.ts';

test.each([
  ['Version: 0.72.0\nVulnerability DB:\n  Version: 2', '0.72.0'],
  ['buildah version 1.28.2 (image-spec 1.1.0-rc2, runtime-spec 1.0.2-dev)', '1.28.2'],
  ['Docker version 28.2.2, build e6534b4', '28.2.2'],
  ['  cosign\nGitVersion:    v3.1.3\n', '3.1.3'],
  ['v24.21.0', '24.21.0'],
  ['Version: dev', undefined],
])('the version in %j', (output, version) => {
  expect(readVersion(output)).toBe(version);
});

describe('versions', () => {
  test.each([['1.10.0', '1.9.9', 1], ['1.2', '1.2.0', 0], ['0.69.3', '0.70.0', -1]])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });

  test.each([['0.69.3', true], ['0.69.4', false], ['0.72.0', true], ['1.0.0', false], ['0.69.2', false]])('%s in the range: %s', (version, fits) => {
    expect(inRange(version, { least: '0.69.3', below: '1.0.0', refused: ['0.69.4'] })).toBe(fits);
  });
});
