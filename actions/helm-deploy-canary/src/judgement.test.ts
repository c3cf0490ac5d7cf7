// SPDX-License-Identifier: Apache-2.0
// What the judge is told by stable's past: how often it looks, and how much bursts are reckoned with.
import type { Context } from '@pratique/core';
import { rhoWithoutHistory, routeManner } from '@pratique/kube';
import { parseInputs } from '@pratique/step';
import { expect, test } from 'vitest';
import { inputs } from './inputs.ts';
import { planJudgement } from './judgement.ts';

const now = Date.UTC(2026, 0, 1);
const backend = { namespace: 'web', service: 'shop', port: 80 };

/** A stable that was scraped every `seconds` for `minutes`, answered 100 requests each time, 60 of them within 0.1 s and all within 0.3 s, and never failed. */
async function plan({ seconds, minutes }: { readonly seconds: number; readonly minutes: number }, values: Readonly<Record<string, string>> = {}) {
  const notices: string[] = [];
  const count = Math.floor((minutes * 60) / seconds);
  const counter = (each: number, labels = {}) => ({ metric: { code: '200', instance: 'a', ...labels }, values: Array.from({ length: count }, (_, index) => [now / 1000 - (count - index) * seconds + 0.2, String(index * each)]) });
  const buckets = [counter(60, { le: '0.1' }), counter(100, { le: '0.3' }), counter(100, { le: '+Inf' })];
  const ctx = {
    fetch: (_: string, { body }: { readonly body: URLSearchParams }) => Promise.resolve(Response.json({ status: 'success', data: { resultType: 'matrix', result: minutes === 0 ? [] : body.get('query')?.includes('_bucket') ? buckets : [counter(100)] } })), clock: { now: () => new Date(now), sleep: () => Promise.resolve() }, signal: new AbortController().signal,
    log: { notice: ({ message }: { readonly message: string }) => void notices.push(message) },
  } as unknown as Context;
  const given = parseInputs(inputs, { image: `r.example/shop@sha256:${'a'.repeat(64)}`, chart: './chart', release: 'shop', namespace: 'web', metrics: 'http://prometheus.test:9090', latency: 'false', ...values });
  const { settings, forecast } = await planJudgement(given, ctx, { backends: { stable: backend, canary: { ...backend, service: 'shop-canary' }, baseline: { ...backend, service: 'shop-baseline' } }, manner: routeManner(['baseline', 'canary']) });
  return { slotSeconds: settings.slotSeconds, rho: settings.metrics[0]?.historyRho, slow: settings.metrics.slice(1).map(({ name, historyRho }) => `${name}: ${historyRho}`), proven: /a good canary is [^.]*/.exec(forecast)?.[0], notices };
}

test.each([[1, 59], [15, 59], [30, 59]])('the judge looks at each scrape, every %i s', async (seconds, minutes) => {
  expect(await plan({ seconds, minutes })).toMatchObject({ slotSeconds: seconds, rho: 0, notices: [] });
});

test('without a past it looks every 15 s, and reckons with bursts', async () => {
  expect(await plan({ seconds: 15, minutes: 0 })).toMatchObject({ slotSeconds: 15, rho: rhoWithoutHistory, notices: [] });
});

test('a quiet half of an hour does not show that there are no bursts', async () => {
  expect((await plan({ seconds: 15, minutes: 30 })).rho).toBe(rhoWithoutHistory);
});

test('looks between two scrapes are told to be of no use', async () => {
  const { slotSeconds, notices } = await plan({ seconds: 30, minutes: 59 }, { 'slot-seconds': '5' });
  expect(slotSeconds).toBe(5);
  expect(notices).toEqual([expect.stringContaining('scraped every 30 s')]);
});

test('an hour of slow requests that come evenly shows that they do not come in bursts either', async () => {
  const [long, short] = [await plan({ seconds: 5, minutes: 59 }, { latency: 'true' }), await plan({ seconds: 5, minutes: 30 }, { latency: 'true' })];
  expect(long.slow).toEqual(['requests slower than 0.1 s: 0', 'requests slower than 0.3 s: 0']);
  expect(short.slow).toEqual([`requests slower than 0.1 s: ${rhoWithoutHistory}`, `requests slower than 0.3 s: ${rhoWithoutHistory}`]);
  expect([long.proven, short.proven]).toEqual(['a good canary is proven after about 5 min', 'a good canary is proven after about 7 min']);
});
