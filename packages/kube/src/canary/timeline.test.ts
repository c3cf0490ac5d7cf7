// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { weightsFor } from '../traffic/weights.ts';
import { extendTimeline, type TimelinePoint } from './timeline.ts';

const point = (second: number, weight = 5): TimelinePoint => ({
  elapsedSeconds: second, weights: weightsFor(weight), alarm: -second, promote: second, counts: { errors: { canary: { requests: 10, failures: second % 7 === 0 ? 1 : 0 }, ...(second % 2 === 0 && { baseline: { requests: 20, failures: 0 } }) } },
});
const tellOf = (points: readonly TimelinePoint[]): readonly TimelinePoint[] => points.reduce<readonly TimelinePoint[]>((timeline, next) => extendTimeline(timeline, next), []);
const sumOf = (points: readonly TimelinePoint[], arm: 'baseline' | 'canary') => points.reduce((sum, { counts }) => sum + (counts['errors']?.[arm]?.requests ?? 0), 0);

describe('a timeline', () => {
  test('keeps each slot while there are few', () => {
    const points = Array.from({ length: 400 }, (_, index) => point(index + 1));
    expect(tellOf(points)).toEqual(points);
  });

  test('of a day has a bound, loses no count, and ends with the last slot', () => {
    const points = Array.from({ length: 17_280 }, (_, index) => point(index + 1));
    const timeline = tellOf(points);
    expect(timeline.length).toBeGreaterThan(199);
    expect(timeline.length).toBeLessThanOrEqual(400);
    expect([sumOf(timeline, 'canary'), sumOf(timeline, 'baseline')]).toEqual([sumOf(points, 'canary'), sumOf(points, 'baseline')]);
    expect(timeline.at(-1)).toMatchObject({ elapsedSeconds: 17_280, promote: 17_280 });
    expect(timeline.every(({ elapsedSeconds }, index) => index === 0 || elapsedSeconds > (timeline[index - 1]?.elapsedSeconds ?? 0))).toBe(true);
  });

  test('never joins slots of different weights', () => {
    const weights = Array.from({ length: 401 }, (_, index) => point(index + 1, index < 3 ? 5 : 10));
    expect(tellOf(weights).slice(0, 3).map(({ elapsedSeconds, weights: { canary } }) => [elapsedSeconds, canary])).toEqual([[2, 5], [3, 5], [5, 10]]);
  });
});
