// SPDX-License-Identifier: Apache-2.0
// docs/faults.md names codes and tests that exist.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureCodes } from '@pratique/core';
import { expect, test } from 'vitest';
import { checkout } from '../tools/runtime.mjs';

const rows = readFileSync(join(checkout, 'docs/faults.md'), 'utf8').split('\n').filter((line) => line.startsWith('| ')).slice(1).map((line) => {
  const [what = '', code = '', , , proof = ''] = line.slice(2, -2).split(' | ');
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(proof) ?? [];
  return { what, code: code.replaceAll('`', ''), file, title };
});

test('there are rows', () => {
  expect(rows.length).toBeGreaterThan(25);
});

test.each(rows)('$what: $code', ({ code, file, title }) => {
  expect(Object.keys(failureCodes)).toContain(code);
  expect(existsSync(join(checkout, file))).toBe(true);
  expect(readFileSync(join(checkout, file), 'utf8')).toContain(title);
});
