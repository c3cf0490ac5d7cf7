// SPDX-License-Identifier: Apache-2.0
import { parseInputs } from '@pratique/step';
import { describe, expect, test } from 'vitest';
import { countersOf, countsPods, requireCounters } from './counters.ts';
import { inputs, type Inputs } from './inputs.ts';

const read = (values: Record<string, string>): Inputs => parseInputs(inputs, { image: `r.example/shop@sha256:${'a'.repeat(64)}`, chart: './chart', release: 'shop', namespace: 'web', ...values });
const own = { counters: 'application', 'counters-requests': 'http_requests_total{pod=~"$pods"}' };
const byService = { counters: 'application', 'counters-requests': 'http_requests_total{service="$service"}' };

test('are those of the gateway, or of the application', () => {
  expect([countersOf(read({})).name, countersOf(read(own)).name, countsPods(read(own)), countsPods(read(byService))]).toEqual(['traefik', 'application', true, false]);
  const { status, buckets } = countersOf(read({ ...own, 'counters-status': 'result', 'counters-failed': 'error|timeout' }));
  expect([status.label, status.failed.test('timeout'), status.failed.test('no timeout'), buckets]).toEqual(['result', true, false, undefined]);
  expect(countersOf(read(own)).status.failed.test('503')).toBe(true);
});

describe('are refused', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['without a selector', { counters: 'application' }, /counters-requests: is required/],
    ['when a selector is given for a gateway', { 'counters-requests': own['counters-requests'] }, /belong to counters: application/],
    ['as an expression', { ...own, 'counters-requests': 'sum(x{pod=~"$pods"})' }, /no selector of raw counters/],
    ['of a gateway with a split by pods', { split: 'replicas' }, /counters: traefik counts by Service/],
    ['by Service with a split by pods', { split: 'replicas', ...byService }, /counters-requests: without \$pods/],
    ['by Service for latency with a split by pods', { split: 'replicas', ...own, 'counters-buckets': 'x_bucket{service="$service"}' }, /counters-buckets: without \$pods/],
    ['with blue-green by pods', { split: 'replicas', strategy: 'blue-green', ...own }, /cannot switch everything at once/],
  ])('%s', (_, values, message) => {
    expect(() => requireCounters(read(values))).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringMatching(message) as string }));
  });
  test('not when they fit', () => {
    for (const values of [{}, own, byService, { split: 'replicas', ...own }, { split: 'ingress-nginx', counters: 'nginx' }]) expect(() => requireCounters(read(values))).not.toThrow();
  });
});

test('a pattern that is none is refused', () => {
  expect(() => read({ 'counters-failed': '5(' })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
});
