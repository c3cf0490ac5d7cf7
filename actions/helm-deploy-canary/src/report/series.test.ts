// SPDX-License-Identifier: Apache-2.0
import { weightsFor, type SlotMetric, type TimelinePoint } from '@pratique/kube';
import { describe, expect, test } from 'vitest';
import { failureShare, gridOf, shareSoFar } from './series.ts';
import { formatSeconds, shareAxis, timeTicks } from './ticks.ts';

const metric = 'errors';
const point = (elapsedSeconds: number, counts: SlotMetric, weight = 10): TimelinePoint => ({ elapsedSeconds, weights: weightsFor(weight), alarm: 0, promote: 0, counts: { [metric]: counts } });
const canary = (requests: number, failures: number): SlotMetric => ({ canary: { requests, failures } });

describe('shares', () => {
  test.each([
    ['of what was counted', canary(10, 1), 0.1], ['of nothing are unknown', canary(0, 0), undefined], ['of an arm that was not read are unknown', {}, undefined], ['of NaN are unknown', canary(NaN, 1), undefined],
    ['never leave 0 to 1', canary(1, 7), 1],
  ])('%s', (_name, counts, share) => {
    expect(failureShare(point(5, counts), metric, 'canary')).toBe(share);
  });

  test('so far: all requests, and gaps change nothing', () => {
    expect(shareSoFar([point(5, {}), point(10, canary(10, 1)), point(15, canary(NaN, NaN)), point(20, canary(30, 1))], metric, 'canary')).toEqual([{ x: 10, y: 0.1 }, { x: 15, y: 0.1 }, { x: 20, y: 0.05 }]);
  });
});

describe('an even grid', () => {
  test('loses no request and keeps the weights in force', () => {
    const timeline = Array.from({ length: 100 }, (_, index) => point(5 * (index + 1), canary(10, index === 49 ? 10 : 0), index < 50 ? 5 : 10));
    const cells = gridOf(timeline, metric, 10);
    expect(cells.map(({ canary: share = -1 }) => share)).toEqual([0, 0, 0, 0, 0.1, 0, 0, 0, 0, 0]);
    expect(cells.map(({ weights }) => weights.canary)).toEqual([5, 5, 5, 5, 5, 10, 10, 10, 10, 10]);
  });

  test('has no share where there was no request, and no cell without a point', () => {
    expect(gridOf([point(5, {}), point(10, canary(4, 1))], metric, 40)).toEqual([{ weights: weightsFor(10) }, { weights: weightsFor(10), canary: 0.25 }]);
    expect(gridOf([], metric, 40)).toEqual([]);
  });
});

test.each([[7, ['0', '2 s', '4 s', '6 s']], [290, ['0', '1 min', '2 min', '3 min', '4 min']], [3600, ['0', '20 min', '40 min', '1 h']], [1, ['0', '1 s']]])('%i seconds have these ticks', (seconds, texts) => {
  expect(timeTicks(seconds).map(({ text }) => text)).toEqual(texts);
});

test.each([[0, '0 s'], [59.6, '1 min'], [90, '1 min 30 s'], [3661, '1 h 1 min']])('%d seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([[0, 0.001, '0.1 %'], [0.018, 0.02, '2 %'], [0.03, 0.05, '5 %'], [0.31, 0.5, '50 %'], [0.7, 1, '100 %'], [9, 1, '100 %']])('a share of %d fits below %d', (most, top, text) => {
  const axis = shareAxis(most);
  expect(axis.top).toBeCloseTo(top, 9);
  expect(axis.rows.at(-1)?.text).toBe(text);
});
