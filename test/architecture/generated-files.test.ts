// SPDX-License-Identifier: Apache-2.0
// What is derived from the code stands in the checkout as it would be derived now.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateFiles } from '../tools/generated-files.ts';
import { checkout } from '../tools/runtime.mjs';

const generated = await generateFiles();

test.each([...generated.keys()])('%s is current (npm run generate)', (path) => {
  expect(readFileSync(join(checkout, path), 'utf8')).toBe(generated.get(path));
});
