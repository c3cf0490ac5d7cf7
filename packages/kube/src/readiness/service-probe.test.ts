// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, status } from '../api-stand-in.ts';
import type { KubeObject } from '../client/object.ts';
import { requestTo, requireAnswer } from './service-probe.ts';

const arm = (port: object, container: object) => ({
  service: 'shop-canary', deployment: 'shop-canary',
  objects: [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop-canary' }, spec: { ports: [port] } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop-canary' }, spec: { template: { spec: { containers: [{ name: 'proxy' }, { name: 'app', ...container }] } } } },
  ] satisfies KubeObject[],
});
const named = { ports: [{ name: 'http', containerPort: 8080 }], readinessProbe: { httpGet: { path: '/healthz', port: 'http' } } };

describe('a Service is asked', () => {
  test.each<[string, Parameters<typeof requestTo>[0], object | undefined]>([
    ['what its readiness probe asks, by names', arm({ port: 80, targetPort: 'http' }, named), { port: 80, path: '/healthz', tls: false }],
    ['the same by number', arm({ port: 80, targetPort: 8080 }, named), { path: '/healthz' }],
    ['the same without targetPort', arm({ port: 8080 }, named), { port: 8080, path: '/healthz' }],
    ['for / when the probe is on another port', arm({ port: 80, targetPort: 8080 }, { readinessProbe: { httpGet: { path: '/ready', port: 9000 } } }), { path: '/' }],
    ['for / when the probe is no GET', arm({ port: 80 }, { readinessProbe: { tcpSocket: { port: 80 } } }), { path: '/' }],
    ['over TLS', arm({ port: 443, targetPort: 'http' }, { ...named, readinessProbe: { httpGet: { ...named.readinessProbe.httpGet, scheme: 'HTTPS' } } }), { tls: true }],
    ['not at all when it speaks gRPC', arm({ port: 80, appProtocol: 'kubernetes.io/h2c' }, named), undefined],
  ])('%s', (_, given, wanted) => {
    const request = requestTo(given);
    if (wanted === undefined) expect(request).toBeUndefined();
    else expect(request).toMatchObject({ service: 'shop-canary', ...wanted });
  });
});

describe('its answer', () => {
  const request = { service: 'shop-canary', port: 80, path: '/healthz?full=1', tls: false };
  const clock = { now: () => new Date(0), sleep: () => Promise.resolve() };
  const ask = async (...answers: readonly Response[]): Promise<readonly string[]> => {
    const api = createApiStandIn();
    const left = [...answers];
    api.intercept = ({ url }) => (url.includes('/proxy/') ? left.shift() ?? new Response('', { status: 500 }) : undefined);
    await requireAnswer(connectTo(api.handle), request, { clock, signal: new AbortController().signal });
    return api.requests.filter((sent) => sent.includes('/proxy'));
  };
  const nobody = (): Response => status(503, 'ServiceUnavailable', 'no endpoints available for service "http:shop-canary:80"');

  test('may be any below 500, by the proxy of the API server', async () => {
    expect(await ask(new Response('not here', { status: 404 }))).toEqual(['GET /api/v1/namespaces/web/services/http:shop-canary:80/proxy/healthz?full=1']);
  });
  test('may take a moment', async () => {
    expect(await ask(nobody(), new Response('ok'))).toHaveLength(2);
  });
  test('that never comes is told with what was said instead', async () => {
    await expect(ask(...Array.from({ length: 5 }, nobody))).rejects.toMatchObject({ code: 'CANARY_UNREACHABLE', message: expect.stringMatching(/GET \/healthz.* at port 80 .*503: .*no endpoints available/) as string });
  });
  test('that is forbidden names the rule', async () => {
    await expect(ask(status(403, 'Forbidden', 'services "http:shop-canary:80" is forbidden'))).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN', hint: expect.stringContaining('resources: ["services/proxy"]\n  verbs: ["get"]') as string });
  });
  test('is not looked for elsewhere in the API', async () => {
    const api = createApiStandIn();
    api.intercept = ({ url }) => (url.includes('/proxy/') ? new Response('ok') : undefined);
    await connectTo(api.handle).askService({ ...request, path: '/../../../secrets' });
    expect(api.requests.at(-1)).toBe('GET /api/v1/namespaces/web/services/http:shop-canary:80/proxy/secrets');
  });
});
