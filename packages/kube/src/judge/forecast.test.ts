// SPDX-License-Identifier: Apache-2.0
// The forecast against simulated times, and its words.
import { describe, expect, test } from 'vitest';
import { forecast, type Forecast, type ForecastOptions } from './forecast.ts';
import { planJudge, type MetricSettings } from './settings.ts';

const settings = planJudge({ metrics: [{ name: 'failures', historyRho: 0 }] });
const [metric] = settings.metrics as readonly [MetricSettings];
const steady = (rate: number, more: Partial<ForecastOptions> = {}): Forecast =>
  forecast({ settings, metric, steps: [{ seconds: 600, baselineRate: rate, canaryRate: rate }], baselineShare: 0.01, ...more });

describe('forecast', () => {
  test('1 to 3 % at 20 requests/s: 95 and 175 s, as simulated', () => {
    expect(steady(20, { regression: 0.02 }).rollback).toEqual({ half: 95, most: 175 });
  });

  test('ten times the traffic, a tenth of the time', () => {
    const [slow, fast] = [steady(20).rollback.most ?? 0, steady(200).rollback.most ?? 0];
    expect(slow / fast).toBeGreaterThan(8);
    expect(slow / fast).toBeLessThan(12);
  });

  test('what is between the lines is never rolled back', () => {
    expect(steady(20, { regression: 0.001 }).rollback).toEqual({});
    expect(steady(20, { regression: 0.001 }).words).toContain('a 0.1 % regression cannot be told from chance within a day');
  });

  test('without traffic nothing is seen', () => {
    expect(steady(0)).toMatchObject({ rollback: {}, promote: {}, words: 'At 0 requests/s to the canary a 1 % regression cannot be told from chance within a day; a good canary is not proven within a day. No regression is visible within 10 min.' });
  });

  test('bursts, a smaller weight and smaller steps cost time', () => {
    const plain = steady(20).rollback.most ?? 0;
    const bursts = { ...metric, historyRho: 0.01 };
    const light = { ...metric, weight: 0.1 };
    const ramp = [{ seconds: 60, baselineRate: 36, canaryRate: 4 }, { seconds: 60, baselineRate: 20, canaryRate: 20 }];
    for (const more of [{ metric: bursts }, { metric: light }, { steps: ramp }]) expect(steady(20, more).rollback.most).toBeGreaterThan(plain);
  });

  test('a first deploy needs no baseline', () => {
    const limited = planJudge({ metrics: [{ name: 'failures', limit: 0.01, historyRho: 0 }] });
    const [limit] = limited.metrics as readonly [MetricSettings];
    const result = forecast({ settings: limited, metric: limit, steps: [{ seconds: 600, baselineRate: 0, canaryRate: 20 }], baselineShare: 0.001, regression: 0.04 });
    expect(result.rollback.most).toBeLessThan(120);
    expect(result.promote.most).toBeLessThan(600);
  });

  test('the smallest visible regression is seen just within the horizon', () => {
    const { smallestVisible = 0 } = steady(20);
    expect(steady(20, { regression: smallestVisible }).rollback.most).toBeLessThanOrEqual(600);
    expect(steady(20, { regression: smallestVisible * 0.98 }).rollback.most).toBeGreaterThan(600);
  });

  test('a good canary is proven when the last of its metrics is', () => {
    const slow = { metric: { ...metric, name: 'slow requests', historyRho: 0.012 }, baselineShare: 0.05 };
    const [plain, both] = [steady(12), steady(12, { others: [slow] })];
    expect(both.promote).toEqual(steady(12, slow).promote);
    expect(both.promote.half).toBeGreaterThan(plain.promote.half ?? Infinity);
    expect(both.rollback).toEqual(plain.rollback);
  });

  test('in words', () => {
    expect(steady(12).words).toBe('At 12 requests/s to the canary you need about 19 min to see a 1 % regression; a good canary is proven after about 7 min. Within 10 min the smallest that nine runs in ten see is 1.33 %.');
  });
});
