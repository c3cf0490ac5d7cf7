// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { connectTo, createApiStandIn, status as reply } from '../api-stand-in.ts';
import { kinds, type KubeObject } from '../client/object.ts';
import { clean, secretValues } from './clean.ts';
import { diagnose } from './diagnose.ts';
import type { DiagnosisFinding, DiagnosisInput } from './finding.ts';
import { gatherDiagnosis } from './gather.ts';
import { splitImage } from './image-pull.ts';

const image = `shop.azurecr.io/web@sha256:${'a'.repeat(64)}`;
const pod = (containerStatus: Record<string, unknown>, parts: { spec?: object; status?: object; image?: string; name?: string } = {}): KubeObject => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: parts.name ?? 'shop-1', namespace: 'web', labels: { app: 'shop' } },
  spec: { containers: [{ name: 'web', image: parts.image ?? image, resources: { limits: { memory: '64Mi' } }, readinessProbe: { httpGet: { path: '/ready', port: 8080 } } }], ...parts.spec },
  status: { phase: 'Pending', containerStatuses: [{ name: 'web', ready: false, started: false, restartCount: 0, ...containerStatus }], ...parts.status },
});
const waiting = (reason: string, message = '', more: Record<string, unknown> = {}) => ({ state: { waiting: { reason, message } }, ...more });
const crashed = (exitCode: number, reason = 'Error', more: object = {}) => waiting('CrashLoopBackOff', 'back-off 40s restarting failed container', { restartCount: 3, lastState: { terminated: { exitCode, reason, ...more } } });
const event = (message: string, reason = 'Unhealthy', kind = 'Pod', name = 'shop-1'): KubeObject => ({ apiVersion: 'v1', kind: 'Event', metadata: { name: `e-${reason}` }, involvedObject: { kind, name }, reason, message, lastTimestamp: '2026-01-01T00:00:00Z' });
// As containerd 2.1 and kubelet 1.36 write it.
const pull = (why: string) => `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${why}`;
const denied = (message: string): KubeObject => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'shop-5d', namespace: 'web' }, status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] } });
const route = (type: string, reason: string): KubeObject => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'shop', namespace: 'web' }, status: { parents: [{ parentRef: { name: 'gw' }, conditions: [{ type, status: 'False', reason, message: 'm' }] }] } });

type Case = readonly [what: string, input: Partial<DiagnosisInput>, code: string, told: Partial<Record<'cause' | 'mend', RegExp>>];
describe('the cause', () => {
  test.each<Case>([
    ['a pull that is refused with 401', { objects: [pod(waiting('ErrImagePull', pull('failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://shop.azurecr.io/oauth2/token: 401 Unauthorized')))] }, 'IMAGE_PULL_DENIED', { cause: /does not let the cluster pull web$/, mend: /ROLE shop\.azurecr\.io web/ }],
    ['a pull that is refused with 403, in back-off', { objects: [pod(waiting('ImagePullBackOff', `Back-off pulling image "${image}"`))], events: [event(`Failed to pull image "${image}": ${pull('unexpected status code 403 Forbidden')}`, 'Failed')] }, 'IMAGE_PULL_DENIED', { mend: /ROLE/ }],
    ['a digest that is not there', { objects: [pod(waiting('ErrImagePull', pull('not found')))] }, 'IMAGE_NOT_FOUND', { mend: /quarantine/ }],
    ['an image in quarantine', { objects: [pod(waiting('ErrImagePull', pull('unexpected status code 403 Forbidden')), { image: `shop.azurecr.io/quarantine/web@sha256:${'a'.repeat(64)}` })] }, 'IMAGE_QUARANTINED', { mend: /quarantine-gate/ }],
    ['a registry that does not answer', { objects: [pod(waiting('ErrImagePull', pull('dial tcp 10.1.0.4:443: i/o timeout')))] }, 'IMAGE_REGISTRY_UNREACHABLE', { mend: /DNS zone/ }],
    ['a registry whose name is unknown', { objects: [pod(waiting('ErrImagePull', pull('dial tcp: lookup shop.azurecr.io: no such host')))] }, 'IMAGE_REGISTRY_UNREACHABLE', {}],
    ['a wrong architecture', { objects: [pod(waiting('ErrImagePull', 'no match for platform in manifest: not found'))] }, 'IMAGE_PLATFORM', {}],
    ['a pull that fails otherwise', { objects: [pod(waiting('ErrImagePull', 'no space left on device'))] }, 'IMAGE_PULL_FAILED', {}],
    ['an unreadable name', { objects: [pod(waiting('InvalidImageName', 'couldn\'t parse image name'))] }, 'IMAGE_NAME_INVALID', {}],
    ['a missing ConfigMap', { objects: [pod(waiting('CreateContainerConfigError', 'configmap "shop-config" not found'))] }, 'CONFIG_MISSING', { cause: /configmap "shop-config" not found/ }],
    ['a bad mount', { objects: [pod(waiting('CreateContainerError', 'no command specified'))] }, 'CONTAINER_CREATE_FAILED', {}],
    ['a bad command', { objects: [pod(waiting('RunContainerError', 'exec: "x": executable file not found'))] }, 'CONTAINER_START_FAILED', {}],
    ['too much memory', { objects: [pod(crashed(137, 'OOMKilled'))] }, 'CRASH_OUT_OF_MEMORY', { cause: /limit of 64Mi/ }],
    ['a command that is not there', { objects: [pod(crashed(127))] }, 'CRASH_ENTRYPOINT', { cause: /not found in the image/ }],
    ['a command that cannot be executed', { objects: [pod(crashed(126))] }, 'CRASH_ENTRYPOINT', { cause: /cannot be executed/ }],
    ['a segmentation fault', { objects: [pod(crashed(139))] }, 'CRASH_SEGFAULT', {}],
    ['a kill for another reason', { objects: [pod(crashed(137))] }, 'CRASH_SIGNAL', { cause: /SIGKILL/ }],
    ['a failing liveness probe', { objects: [pod(crashed(137))], events: [event('Liveness probe failed: HTTP probe failed with statuscode: 500')] }, 'CRASH_LIVENESS', { mend: /startupProbe/ }],
    ['an exit by itself', { objects: [pod(crashed(1))] }, 'CRASH_EXIT', { cause: /exit code 1/ }],
    ['a server that ends well', { objects: [pod(crashed(0, 'Completed'))] }, 'CRASH_EXIT', { cause: /with success/ }],
    ['a program that ended by itself, and could not be probed then', { objects: [pod(crashed(2))], events: [event('Liveness probe failed: Get "http://10.0.0.1:8080/": dial tcp: connect: connection refused')] }, 'CRASH_EXIT', { cause: /exit code 2/ }],
    ['a program that ends well when its liveness probe has failed', { objects: [pod(crashed(0))], events: [event('Container web failed liveness probe, will be restarted')] }, 'CRASH_LIVENESS', { mend: /startupProbe/ }],
    ['a failing readiness probe', { objects: [pod({ state: { running: {} }, started: true }, { status: { phase: 'Running' } })], events: [event('Readiness probe failed: Get "http://10.0.0.1:8080/ready": dial tcp: connect: connection refused')] }, 'NOT_READY', { cause: /GET \/ready on port 8080/, mend: /Nothing listens/ }],
    ['no room', { objects: [pod({}, { status: { containerStatuses: [], conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient cpu. preemption: ...' }] } })] }, 'UNSCHEDULABLE', { mend: /resources\.requests\.cpu,/ }],
    ['a taint', { objects: [pod({}, { status: { containerStatuses: [], conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '1 node(s) had untolerated taint {gpu: true}' }] } })] }, 'UNSCHEDULABLE', { mend: /toleration/ }],
    ['a missing Secret of a volume', { objects: [pod({}, { status: { containerStatuses: [] } })], events: [event('MountVolume.SetUp failed for volume "t" : secret "shop-tls" not found', 'FailedMount')] }, 'VOLUME_NOT_MOUNTED', { cause: /secret "shop-tls"/ }],
    ['an eviction', { objects: [pod({}, { status: { phase: 'Failed', reason: 'Evicted', message: 'low on memory' } })] }, 'POD_EVICTED', {}],
    ['a quota', { objects: [denied('pods "shop-5d-x" is forbidden: exceeded quota: small, requested: limits.cpu=1, used: limits.cpu=2, limited: limits.cpu=2')] }, 'QUOTA_EXCEEDED', { mend: /kubectl edit resourcequota small/ }],
    ['missing limits', { objects: [denied('pods "x" is forbidden: failed quota: small: must specify limits.cpu for: web')] }, 'QUOTA_EXCEEDED', { mend: /LimitRange/ }],
    ['pod security', { objects: [denied('pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)')] }, 'POD_SECURITY', { mend: /allowPrivilegeEscalation=false/ }],
    ['a webhook', { objects: [denied('admission webhook "validate.kyverno.svc-fail" denied the request: no')] }, 'ADMISSION_DENIED', { cause: /validate\.kyverno\.svc-fail/ }],
    ['a route that is not accepted', { objects: [route('Accepted', 'NotAllowedByListeners')] }, 'ROUTE_NOT_ACCEPTED', { mend: /allowedRoutes/ }],
    ['a route to nowhere', { objects: [route('ResolvedRefs', 'BackendNotFound')] }, 'ROUTE_REFERENCE_BROKEN', {}],
    ['a Service that selects nothing', { endpoints: [{ service: 'shop', ready: 0 }] }, 'NO_ENDPOINTS', {}],
    ['a failed job', { objects: [{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate', namespace: 'web' }, status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'm' }] } }] }, 'JOB_FAILED', { mend: /kubectl logs job\/migrate --namespace web/ }],
  ])('of %s', (_, input, code, told) => {
    const findings = diagnose({ objects: [], events: [], ...input }, { pullHint: ({ registry, repository }) => `ROLE ${registry} ${repository}` });
    expect(findings.map((finding) => finding.code)).toEqual([code]);
    for (const [key, pattern] of Object.entries(told)) expect(findings[0]?.[key as 'cause' | 'mend']).toMatch(pattern);
  });
  test('is none for a healthy workload, and for init containers that are done', () => {
    const fine = pod({ ready: true, started: true, state: { running: {} }, restartCount: 1, lastState: { terminated: { exitCode: 1 } } }, { spec: { initContainers: [{ name: 'i' }] }, status: { phase: 'Running', initContainerStatuses: [{ name: 'i', ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }] } });
    expect(diagnose({ objects: [fine], events: [], endpoints: [{ service: 'shop', ready: 1 }] })).toEqual([]);
  });
  test('is told once for many pods, and a Deployment does not repeat its ReplicaSet', () => {
    const two = ['a', 'b'].map((name) => pod(crashed(1), { name }));
    expect(diagnose({ objects: two, events: [] }).map(({ object }) => object)).toEqual(['Pod web/a, container web and 1 more']);
    const message = 'exceeded quota: small, requested: cpu=1';
    expect(diagnose({ objects: [{ ...denied(message), kind: 'Deployment' }, denied(message)], events: [] })).toHaveLength(1);
  });
});

describe('what is shown', () => {
  const shown = (log: string, secrets: readonly string[] = []): DiagnosisFinding | undefined => diagnose({ objects: [pod(crashed(1))], events: [], logs: { 'shop-1/web': log } }, { secrets })[0];
  test('has the last lines of the log', () => {
    expect(shown(Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n'))?.evidence).toEqual(['exit code 1, 3 restarts', ...Array.from({ length: 8 }, (_, index) => `line ${index + 22}`)]);
  });
  test.each([
    ['a value of the chart\'s Secrets', 'cannot log in with correct-horse', ['correct-horse']], ['an assignment', 'Server=db;Password=hunter22;', []], ['JSON', '{"api_key": "hunter22"}', []],
    ['a URL', 'postgres://me:hunter22@db/x', []], ['a token', 'Authorization: Bearer hunter22hunter22', []], ['an escape', 'pass\u001b[31mword=hunter22', []],
  ])('hides %s', (_, log, secrets) => {
    expect(JSON.stringify(shown(log, secrets))).not.toMatch(/hunter22|correct-horse|\\u001b/);
  });
  test('secrets of a manifest are known in both forms', () => {
    const values = secretValues([{ kind: 'Secret', stringData: { a: 'plain-text' }, data: { b: Buffer.from('decoded-text').toString('base64') } }, { kind: 'ConfigMap', data: { c: 'not-secret' } }]);
    expect(values).toEqual(['plain-text', Buffer.from('decoded-text').toString('base64'), 'decoded-text']);
    expect(clean('x not-secret decoded-text', values)).toBe('x not-secret ***');
  });
});

test.each([
  ['web', 'docker.io', 'library/web'], ['me/web:1', 'docker.io', 'me/web'], ['r.io/a/b:1', 'r.io', 'a/b'], ['localhost:5000/a@sha256:x', 'localhost:5000', 'a'],
])('%s is split', (reference, registry, repository) => {
  expect(splitImage(reference)).toEqual({ registry, repository });
});

test('reading takes what it may read, with logs of the containers that ended', async () => {
  const api = createApiStandIn([pod({ ...crashed(1), started: false })]);
  api.intercept = (request) => (request.url.includes('/log?') ? new Response('boom\n') : request.url.includes('/events') ? reply(403, 'Forbidden', 'no') : undefined);
  const gathered = await gatherDiagnosis(connectTo(api.handle), { selector: 'app=shop', objects: [{ ...kinds.deployment, name: 'shop' }], services: ['shop'] });
  expect(gathered).toMatchObject({ logs: { 'shop-1/web': 'boom\n' }, endpoints: [{ service: 'shop', ready: 0 }], unread: [expect.stringContaining('Event: list events') as string] });
  expect(api.requests.find((line) => line.includes('/log?'))).toContain('previous=true');
  expect(diagnose(gathered)[0]).toMatchObject({ code: 'CRASH_EXIT', evidence: ['exit code 1, 3 restarts', 'boom'] });
});
