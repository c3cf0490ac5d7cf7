// SPDX-License-Identifier: Apache-2.0
// Every failure code is used, named after its area, and explained.
import { failureCodes, type FailureCodeEntry } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { errorsPage } from '../tools/generated-files.ts';
import { readSourceFiles } from './source-files.ts';

const sources = readSourceFiles().filter((file) => !file.forTests && file.home !== 'packages/core').map((file) => file.text).join('\n');
// INPUT_INVALID and a few more are raised in core itself, by the words of the domain.
const core = readSourceFiles().filter((file) => !file.forTests && file.home === 'packages/core' && !file.path.includes('/codes/')).map((file) => file.text).join('\n');

describe.each(Object.entries<FailureCodeEntry>(failureCodes))('%s', (code, entry) => {
  test('is used by the code, explained in whole sentences, and has an anchor', () => {
    expect(sources.includes(`'${code}'`) || core.includes(`'${code}'`)).toBe(true);
    expect(entry.when).toMatch(/^[A-Z].*\.$/);
    expect(entry.mend).toMatch(/^[A-Z].*\.$/);
    expect(errorsPage()).toContain(`\n## ${code}\n`);
  });
});
