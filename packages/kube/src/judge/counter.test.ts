// SPDX-License-Identifier: Apache-2.0
// Every request counts once, and what was not read is not zero.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseBoundaries } from './boundary.ts';
import { noCounters, readCounters, type CounterIncrement, type CounterReading, type CounterSample } from './counter.ts';

/** `pod good failed`, with `-` for a series that is not there. */
const pod = (source: string, ok: number | undefined, failed?: number): CounterSample[] => [
  ...(ok === undefined ? [] : [{ source, series: `${source} code=200`, role: 'good', value: ok } as const]),
  ...(failed === undefined ? [] : [{ source, series: `${source} code=500`, role: 'failed', value: failed } as const]),
];
const histogram = (source: string, all: number | undefined, fast: number | undefined): CounterSample[] => [
  ...(all === undefined ? [] : [{ source, series: `${source} count`, role: 'all', value: all } as const]),
  ...(fast === undefined ? [] : [{ source, series: `${source} le=0.25`, role: 'fast', value: fast } as const]),
];
const readAll = (readings: readonly (CounterSample[] | Omit<CounterReading, 'atSeconds'>)[]): CounterIncrement[] => {
  let state = noCounters;
  return readings.map((reading, index) => {
    const step = readCounters(state, { atSeconds: 1000 + 5 * index, ...(Array.isArray(reading) ? { samples: reading } : reading) });
    ({ state } = step);
    return step;
  });
};
const none = { requests: 0, failures: 0 };

describe('increments', () => {
  const cases: readonly { name: string; readings: Parameters<typeof readAll>[0]; counts: (object | undefined)[]; last?: Partial<CounterIncrement> }[] = [
    { name: 'the first reading only sets where counting begins', readings: [pod('a', 100, 5), pod('a', 130, 7)], counts: [none, { requests: 32, failures: 2 }] },
    { name: 'pods are summed', readings: [[...pod('a', 1, 0), ...pod('b', 1, 0)], [...pod('a', 11, 1), ...pod('b', 21, 3)]], counts: [none, { requests: 34, failures: 4 }] },
    { name: 'a counter that went back began again at zero', readings: [pod('a', 100, 5), pod('a', 7, 1)], counts: [none, { requests: 8, failures: 1 }], last: { restarted: ['a'] } },
    { name: 'after a restart nothing failed yet', readings: [pod('a', 100, 5), pod('a', 7)], counts: [none, { requests: 7, failures: 0 }], last: { restarted: ['a'] } },
    { name: 'with one counter of a process all of them began again', readings: [pod('a', 100, 1), pod('a', 7, 3)], counts: [none, { requests: 10, failures: 3 }], last: { restarted: ['a'] } },
    { name: 'the first failure of a pod is born at zero, and counts', readings: [pod('a', 100), pod('a', 109, 1)], counts: [none, { requests: 10, failures: 1 }] },
    { name: 'a pod that comes later counts from its first reading', readings: [pod('a', 100), [...pod('a', 110), ...pod('b', 50, 50)], [...pod('a', 120), ...pod('b', 52, 51)]], counts: [none, { requests: 10, failures: 0 }, { requests: 13, failures: 1 }] },
    { name: 'a missed scrape makes the next window larger', readings: [pod('a', 100, 0), [], pod('a', 130, 2)], counts: [none, undefined, { requests: 32, failures: 2 }] },
    { name: 'one pod of two cannot be read: nothing is counted, nothing is lost', readings: [[...pod('a', 0), ...pod('b', 0)], pod('a', 10), [...pod('a', 20), ...pod('b', 20)]], counts: [none, undefined, { requests: 40, failures: 0 }] },
    { name: 'a pod that is gone is said to be', readings: [[...pod('a', 0), ...pod('b', 0)], { samples: pod('a', 10), gone: ['b'] }], counts: [none, { requests: 10, failures: 0 }], last: { ended: ['b'] } },
    { name: 'a series of several that vanished is missing, not zero', readings: [pod('a', 100, 5), pod('a', 130)], counts: [none, undefined], last: { missing: ['a'] } },
    { name: 'NaN', readings: [pod('a', 1, 1), pod('a', 5, Number.NaN)], counts: [none, undefined], last: { missing: ['a'] } },
    { name: 'infinite', readings: [pod('a', 1, 1), pod('a', Number.POSITIVE_INFINITY, 1)], counts: [none, undefined], last: { missing: ['a'] } },
    { name: 'named twice', readings: [pod('a', 1, 1), [...pod('a', 5, 1), ...pod('a', 9)]], counts: [none, undefined], last: { missing: ['a'] } },
    { name: 'never anything', readings: [[], []], counts: [undefined, undefined] },
    { name: 'slow is all without fast', readings: [histogram('a', 100, 90), histogram('a', 200, 183)], counts: [none, { requests: 100, failures: 7 }] },
    { name: 'a histogram without the bucket is missing, not all slow', readings: [histogram('a', 100, 90), histogram('a', 200, undefined)], counts: [none, undefined], last: { missing: ['a'] } },
    { name: 'from the start on', readings: [histogram('a', 100, undefined)], counts: [undefined], last: { missing: ['a'] } },
    { name: 'a histogram began again, though its count seems to go on', readings: [histogram('a', 10, 9), histogram('a', 12, 7)], counts: [none, { requests: 12, failures: 5 }], last: { restarted: ['a'] } },
    { name: 'a bucket that was read before its count', readings: [histogram('a', 10, 10), histogram('a', 20, 21)], counts: [none, { requests: 10, failures: 0 }] },
  ];
  test.each(cases)('$name', ({ readings, counts, last }) => {
    const steps = readAll(readings);
    expect(steps.map((step) => step.counts)).toEqual(counts);
    expect(steps.at(-1)).toMatchObject(last ?? {});
  });

  test('the first 30 s of a pod are left out, all of them', () => {
    const startedAt = { a: 1002 };
    const steps = readAll([0, 10, 20, 30, 40, 50, 60, 70, 80].map((value) => ({ samples: pod('a', value, value), startedAt })));
    // 1035 is the first reading after the warm-up; what it shows still belongs partly to it.
    expect(steps.map((step) => step.counts?.requests)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 20]);
  });

  test('however the scrapes fall, the sum is what happened between the first and the last', () => {
    const reading = fc.record({ ok: fc.nat(50), failed: fc.nat(5), missed: fc.boolean() });
    fc.assert(fc.property(fc.array(reading, { minLength: 1, maxLength: 30 }), (steps) => {
      let [ok, failed] = [1000, 10];
      const readings = steps.map((step) => {
        ok += step.ok;
        failed += step.failed;
        return step.missed ? [] : pod('a', ok, failed);
      });
      const seen = readAll([pod('a', 1000, 10), ...readings, pod('a', ok, failed)]).map((step) => step.counts ?? none);
      expect(seen.reduce((sum, step) => sum + step.failures, 0)).toBe(failed - 10);
      expect(seen.reduce((sum, step) => sum + step.requests, 0)).toBe(ok + failed - 1010);
    }), { seed: 20_261_121 });
  });
});

describe('boundaries', () => {
  const buckets = [{ le: 0.1, count: 500 }, { le: 0.25, count: 940 }, { le: 0.5, count: 985 }, { le: 1, count: 995 }, { le: Number.POSITIVE_INFINITY, count: 1000 }];
  test.each([
    { name: 'at or above the percentiles', of: buckets, chosen: [0.1, 0.5, 1] },
    { name: 'each once', of: [{ le: 1, count: 1000 }, { le: Number.POSITIVE_INFINITY, count: 1000 }], chosen: [1] },
    { name: 'a percentile above the last boundary has none', of: [{ le: 0.1, count: 600 }, { le: Number.POSITIVE_INFINITY, count: 1000 }], chosen: [0.1] },
    { name: 'in any order', of: buckets.toReversed(), chosen: [0.1, 0.5, 1] },
    { name: 'no requests', of: buckets.map(({ le }) => ({ le, count: 0 })), chosen: [] },
    { name: 'no bucket for all', of: buckets.slice(0, 4), chosen: [] },
    { name: 'NaN', of: [...buckets.slice(0, 4), { le: Number.POSITIVE_INFINITY, count: Number.NaN }], chosen: [] },
    { name: 'nothing', of: [], chosen: [] },
  ])('$name', ({ of, chosen }) => {
    expect(chooseBoundaries(of)).toEqual(chosen);
  });
});
