// SPDX-License-Identifier: Apache-2.0
import type { Clock, Log } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { bucketsOf, historyOf, slowHistoryOf } from './counters.ts';
import { createObserver, failureMetric, slowMetric } from './observer.ts';
import { findPreset, ownPreset, type Backend } from './preset.ts';
import { connectMetrics, isAzureMonitor, type MetricsServer, type Series } from './prometheus.ts';

const { signal } = new AbortController();
const clock: Clock = { now: () => new Date(), sleep: () => Promise.resolve() };
const log: Log = { line: () => undefined, notice: () => undefined, group: (_title, work) => work() };
const traefik = findPreset('traefik');

function serverOf(answer: (request: Request) => Response | Promise<Response>, token?: () => Promise<string>): MetricsServer {
  const reach: typeof fetch = async (input, init) => answer(new Request(input, init));
  return connectMetrics({ ctx: { fetch: reach, clock }, url: 'http://prometheus.test:9090/', ...(token !== undefined && { token }) });
}

const matrix = (result: unknown, more = {}): Response => Response.json({ status: 'success', data: { resultType: 'matrix', result }, ...more });

describe('the metrics server', () => {
  test('is asked for raw samples, by POST', async () => {
    const seen: string[] = [];
    const server = serverOf(async (request) => {
      seen.push(`${request.method} ${request.url} ${await request.text()}`);
      return matrix([{ metric: { a: 'b' }, values: [[1.5, '3'], [6.5, 'NaN'], [11.5, '+Inf']] }]);
    });
    expect(await server.samples('up{a="b"}', 14.2, signal)).toEqual([{ labels: { a: 'b' }, samples: [{ at: 1.5, value: 3 }, { at: 6.5, value: Number.NaN }, { at: 11.5, value: Number.POSITIVE_INFINITY }] }]);
    expect(seen).toEqual(['POST http://prometheus.test:9090/api/v1/query query=up%7Ba%3D%22b%22%7D%5B15s%5D']);
  });

  test.each([
    ['a 503', () => new Response('', { status: 503 }), 'METRICS_UNAVAILABLE'], ['a 429', () => new Response('', { status: 429 }), 'METRICS_UNAVAILABLE'],
    ['a connection that breaks', () => Promise.reject(new TypeError('fetch failed')), 'METRICS_UNAVAILABLE'],
    ['a 400', () => Response.json({ status: 'error', errorType: 'bad_data', error: 'parse error at char 3' }, { status: 400 }), 'METRICS_REFUSED'], ['a 403', () => new Response('no', { status: 403 }), 'METRICS_REFUSED'],
    ['a redirect', () => new Response('', { status: 302, headers: { location: 'http://elsewhere.test' } }), 'METRICS_REFUSED'],
    ['a page', () => new Response('<html>'), 'METRICS_INVALID'], ['a vector', () => Response.json({ status: 'success', data: { resultType: 'vector', result: [] } }), 'METRICS_INVALID'],
    ['values that are numbers', () => matrix([{ metric: {}, values: [[1, 3]] }]), 'METRICS_INVALID'], ['a series without values', () => matrix([{ metric: {} }]), 'METRICS_INVALID'],
  ])('that answers with %s is a clear failure', async (_name, answer, code) => {
    await expect(serverOf(answer).samples('up', 5, signal)).rejects.toMatchObject({ code });
  });

  test.each([
    ['https://shop-a1b2.westeurope.prometheus.monitor.azure.com', true], ['http://shop-a1b2.westeurope.prometheus.monitor.azure.com', false],
    ['https://prometheus.monitor.azure.com.evil.test', false], ['https://x.prometheus.monitor.azure.com.evil.test', false], ['https://shop.westeurope.prometheus.monitor.azure.com@evil.test', false],
  ])('%s gets an Entra token: %s', (url, yes) => {
    expect(isAzureMonitor(url)).toBe(yes);
  });

  test.each(['prometheus:9090', 'file:///etc/passwd', 'http://user:secret@prometheus.test', 'http://prometheus.test/?token=a'])('is not reached at %s', (url) => {
    expect(() => connectMetrics({ ctx: { fetch, clock }, url })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});

describe('a preset', () => {
  test.each([
    ['traefik', 'traefik_service_requests_total{service=~"(?:web-shop-canary-[a-z0-9]+-80|.+-[0-9a-f]{20}-svc-web-shop-canary-[0-9]+)@kubernetesgateway"}'],
    ['istio', 'istio_requests_total{reporter="source",destination_service_name="shop-canary",destination_service_namespace="web"}'],
    ['nginx', 'nginx_ingress_controller_requests{exported_namespace="web",exported_service="shop-canary"}'],
  ])('%s', (name, query) => {
    expect(findPreset(name).requests({ namespace: 'web', service: 'shop-canary', port: 80 })).toBe(query);
  });

  const rule = 'httproute-web-shop-gw-gateway-lab-ep-web-0-af329269dd38031b03e3';
  test.each([
    // As traefik 3.5 and 3.7.6 name them.
    ['web-shop-http-80@kubernetesgateway', true], [`${rule}-svc-web-shop-0@kubernetesgateway`, true], ['grpcroute-a-b-gw-c-d-ep-e-1-00000000000000000000-svc-web-shop-2@kubernetesgateway', true],
    ['web-shop-http-8080@kubernetesgateway', false], ['web-shop-canary-http-80@kubernetesgateway', false], [`${rule}-svc-web-shop-canary-1@kubernetesgateway`, false], [`${rule}-svc-a-svc-web-shop-0@kubernetesgateway`, false],
    [`${rule}-wrr@kubernetesgateway`, false], ['web-shop-shop-80@kubernetesingressnginx', false], ['web-shop-http-80@kubernetescrd', false],
  ])('of traefik takes %s for web/shop:80: %s', (service, yes) => {
    const [, pattern = ''] = /=~"(.+)"/.exec(traefik.requests({ namespace: 'web', service: 'shop', port: 80 })) ?? [];
    expect(new RegExp(`^(?:${pattern})$`).test(service)).toBe(yes);
  });

  const ingress = { name: 'shop.example', service: 'shop', port: 'http' };
  test.each([
    ['traefik', 'shop', 'traefik_service_requests_total{service="web-shop-example-shop-http@kubernetesingressnginx"}'],
    ['traefik', 'shop-canary', 'traefik_service_requests_total{service="web-shop-example-shop-http-canary@kubernetesingressnginx"}'],
    ['nginx', 'shop', 'nginx_ingress_controller_requests{exported_namespace="web",exported_service="shop",ingress="shop.example",canary=""}'],
    ['nginx', 'shop-canary', 'nginx_ingress_controller_requests{exported_namespace="web",exported_service="shop",ingress="shop.example",canary="web-shop-canary-http"}'],
  ])('%s of %s, where Ingresses split, goes by the name of the main one', (name, service, query) => {
    expect(findPreset(name).requests({ namespace: 'web', service, port: 80, ingress })).toBe(query);
  });

  test('of ones own is a selector by service', () => {
    const own = ownPreset({ requests: 'http_requests_total{ns="$namespace",app="$service"}', statusLabel: 'code', failed: /^5/ });
    expect(own.requests({ namespace: 'web', service: 'shop', port: 80 })).toBe('http_requests_total{ns="web",app="shop"}');
  });

  test.each(['rate(http_requests_total{app="$service"}[1m])', 'http_requests_total{app="shop"}', 'sum(x{app="$service"})', 'x{app="$service"} or y{app="$service"}'])('%s is no raw counter by service', (requests) => {
    expect(() => ownPreset({ requests, statusLabel: 'code', failed: /^5/ })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });

  test('takes no name that would change the query', () => {
    const refused = expect.objectContaining({ code: 'INPUT_INVALID' });
    const evil = 'a"} or up{';
    expect(() => traefik.requests({ namespace: 'web', service: evil, port: 80 })).toThrow(refused);
    for (const name of ['traefik', 'nginx']) {
      expect(() => findPreset(name).requests({ namespace: 'web', service: 'b', port: 80, ingress: { ...ingress, name: evil } })).toThrow(refused);
      expect(() => findPreset(name).requests({ namespace: 'web', service: 'b', port: 80, ingress: { ...ingress, port: evil } })).toThrow(refused);
    }
  });
});

const backend = (service: string): Backend => ({ namespace: 'web', service, port: 80 });
const series = (code: string, samples: readonly (readonly [number, number])[], labels = {}): Series => ({ labels: { instance: 'gw', code, ...labels }, samples: samples.map(([at, value]) => ({ at, value })) });

/** A server whose counters are those of `now`, by service. */
function counterWorld(state: { now: number; counters: Record<string, readonly Series[]>; broken?: boolean }) {
  const server: MetricsServer = {
    samples(selector) {
      if (state.broken) return Promise.resolve([]);
      const [, service = ''] = /web-([a-z]+)-\[/.exec(selector) ?? [];
      const kind = selector.startsWith('traefik_service_requests_total') ? '' : ' buckets';
      return Promise.resolve(state.counters[service + kind] ?? []);
    },
  };
  return createObserver({ server, preset: traefik, log, now: () => state.now, freshSeconds: 15, boundaries: [0.3], backends: { stable: backend('stable'), baseline: backend('baseline'), canary: backend('canary') } });
}

describe('an observer', () => {
  test('counts each request once, and a backend from its first request', async () => {
    const state = { now: 100, counters: { stable: [series('200', [[99, 50]])] } as Record<string, readonly Series[]> };
    const look = counterWorld(state);
    expect(await look(signal)).toEqual({ metrics: { [failureMetric]: {}, [slowMetric(0.3)]: {} }, requests: { stable: 0, baseline: 0, canary: 0 } });
    state.now = 105;
    state.counters = { stable: [series('200', [[99, 50], [104, 60]])], baseline: [series('200', [[104, 9]])], canary: [series('200', [[104, 7]]), series('500', [[104, 2]])] };
    expect(await look(signal)).toMatchObject({ metrics: { [failureMetric]: { baseline: { requests: 9, failures: 0 }, canary: { requests: 9, failures: 2 } } }, requests: { stable: 10, baseline: 9, canary: 9 } });
    expect(await look(signal)).toMatchObject({ metrics: { [failureMetric]: { canary: { requests: 0, failures: 0 } } } });
  });

  test('takes what is old or gone for absent, never for zero', async () => {
    const state = { now: 100, broken: false, counters: { stable: [series('200', [[99, 50]])], baseline: [series('200', [[99, 5]])], canary: [series('200', [[99, 5]])] } };
    const look = counterWorld(state);
    await look(signal);
    state.now = 130;
    expect(await look(signal)).toEqual({ metrics: { [failureMetric]: {}, [slowMetric(0.3)]: {} } });
    state.broken = true;
    expect(await look(signal)).toEqual({ metrics: { [failureMetric]: {}, [slowMetric(0.3)]: {} } });
  });

  test('takes NaN for absent', async () => {
    const state = { now: 100, counters: { canary: [series('200', [[99, 5]])] } };
    const look = counterWorld(state);
    await look(signal);
    state.counters = { canary: [series('200', [[100, Number.NaN]])] };
    expect((await look(signal)).metrics[failureMetric]).toEqual({});
  });

  test('counts what is slower than a boundary', async () => {
    const buckets = (fast: number, all: number): readonly Series[] => [series('200', [[100, 0]], { le: '0.1' }), series('200', [[100, fast]], { le: '0.3' }), series('200', [[100, all]], { le: '+Inf' })];
    const state = { now: 100, counters: { 'canary buckets': buckets(10, 20) } };
    const look = counterWorld(state);
    await look(signal);
    state.counters = { 'canary buckets': buckets(15, 40) };
    expect((await look(signal)).metrics[slowMetric(0.3)]).toEqual({ canary: { requests: 20, failures: 15 } });
  });
});

describe('the past of stable', () => {
  test('is slots of increments, through a restart', () => {
    const past = historyOf([series('200', [[0, 10], [5, 20], [10, 4], [15, 10]]), series('503', [[5, 0], [10, 1]])], traefik, 5);
    expect(past.slots).toEqual([{ requests: 10, failures: 0 }, { requests: 5, failures: 1 }, { requests: 6, failures: 0 }]);
    expect([past.requestsPerSecond, past.share]).toEqual([21 / 15, 1 / 21]);
  });
  test('that is empty is nothing', () => {
    expect(historyOf([], traefik, 5)).toEqual({ slots: [], requestsPerSecond: 0, share: 0 });
  });
  test('is slots of what was slower than a boundary', () => {
    const buckets = [series('200', [[0, 0], [5, 6], [10, 8]], { le: '0.1' }), series('200', [[0, 0], [5, 8], [10, 12]], { le: '0.3' }), series('200', [[0, 0], [5, 10], [10, 14]], { le: '+Inf' }), series('503', [[5, 0], [10, 1]], { le: '+Inf' })];
    expect(slowHistoryOf(buckets, traefik, { boundary: 0.1, slotSeconds: 5 }).slots).toEqual([{ requests: 10, failures: 4 }, { requests: 5, failures: 3 }]);
    expect(slowHistoryOf(buckets, traefik, { boundary: 0.3, slotSeconds: 5 })).toMatchObject({ share: 3 / 15, requestsPerSecond: 1.5 });
  });
  test('has one histogram, in seconds whatever the unit', () => {
    const istio = findPreset('istio');
    expect(bucketsOf([series('200', [[0, 0], [5, 8]], { le: '250' }), series('404', [[0, 0], [5, 1]], { le: '250' }), series('200', [[0, 0], [5, 10]], { le: '+Inf' })], istio)).toEqual([{ le: 0.25, count: 9 }, { le: Number.POSITIVE_INFINITY, count: 10 }]);
  });
});
