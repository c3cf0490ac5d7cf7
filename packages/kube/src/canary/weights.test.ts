// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { splitProblem } from './split.ts';
import { parseSteps } from './weights.ts';

describe('steps', () => {
  test('are a weight and seconds, with or without their signs', () => {
    expect(parseSteps(['5% 60s', ' 10 30 ', '50 %  1s'])).toEqual([{ weight: 5, seconds: 60 }, { weight: 10, seconds: 30 }, { weight: 50, seconds: 1 }]);
  });
  test.each([
    ['nothing', []], ['no seconds', ['5%']], ['no weight at all', ['0% 60s']], ['more than a half', ['51% 60s']], ['another unit', ['5% 1m']], ['a fraction', ['0.5% 60s']], ['a step down', ['10% 60s', '5% 60s']],
    ['a step that changes nothing', ['10% 60s', '10% 60s']], ['no time', ['5% 0s']], ['too many', Array.from({ length: 21 }, (_, index) => `${index + 1}% 1s`)],
  ])('of %s are refused', (_name, lines) => {
    expect(() => parseSteps(lines)).toThrow(/step|must be/);
  });
});

describe('the split', () => {
  const weights = { stable: 80, baseline: 10, canary: 10 };
  test.each([
    ['as it was told', { stable: 800, baseline: 105, canary: 95 }, undefined], ['from too few requests', { stable: 50, baseline: 0, canary: 0 }, undefined],
    ['with everything to stable', { stable: 1000, baseline: 0, canary: 0 }, 'of 1000 requests stable got 100.0 % instead of 80 %, baseline got 0.0 % instead of 10 %, canary got 0.0 % instead of 10 %'],
    ['with nothing to the canary', { stable: 870, baseline: 130, canary: 0 }, 'of 1000 requests canary got 0.0 % instead of 10 %'],
  ])('%s', (_name, requests, problem) => {
    expect(splitProblem(requests, weights)).toBe(problem);
  });
});
