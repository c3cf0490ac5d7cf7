// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { formatObject, type KubeObject } from '../client/object.ts';
import { armName, makeArm, type ArmOptions } from './arm.ts';
import { wrapChart } from './chart.ts';
import { readManifest } from './manifest.ts';
import { findSelectors, selects } from './selector.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const chart = `
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-config, annotations: {meta.helm.sh/release-name: shop, team: checkout}}
data: {mode: "on", template: "{{ .Values }}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unused}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-secret}
stringData: {password: hunter2}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-tls}
---
apiVersion: v1
kind: Secret
metadata: {name: shop-pull}
type: kubernetes.io/dockerconfigjson
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: shop}
imagePullSecrets: [{name: shop-pull}]
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  type: NodePort
  clusterIP: 10.0.0.9
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: web, nodePort: 30080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, labels: {app: shop}}
spec:
  replicas: 5
  paused: true
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      labels: {app: shop, tier: front, azure.workload.identity/use: "true"}
      annotations: {prometheus.io/scrape: "true"}
    spec:
      serviceAccountName: shop
      serviceAccount: shop
      initContainers: [{name: i, image: "busybox:1", envFrom: [{secretRef: {name: shop-secret}}]}]
      containers:
      - name: web
        image: r.io/shop@${digest}
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: shop-config, key: mode}}}
        - {name: B, valueFrom: {secretKeyRef: {name: outside, key: x}}}
        envFrom: [{configMapRef: {name: shop-config}}]
      volumes:
      - {name: c, configMap: {name: shop-config, defaultMode: 0440}}
      - {name: t, secret: {secretName: shop-tls}}
      - {name: p, projected: {sources: [{secret: {name: shop-secret}}, {configMap: {name: shop-config}}, {serviceAccountToken: {path: t}}]}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: shop}}}]
      affinity:
        podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: host, labelSelector: {matchLabels: {app: cache}}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop}
spec: {selector: {matchLabels: {app: shop}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop}
---
`;
const options: ArmOptions = { arm: 'canary', release: 'shop', namespace: 'web', service: 'shop', replicas: 2, pins: { 'busybox:1': `busybox@${digest}` } };
const make = (text = chart, changes: Partial<ArmOptions> = {}) => makeArm(readManifest(text, 'the chart'), { ...options, ...changes });
const find = (objects: readonly KubeObject[], kind: string) => objects.find((object) => object.kind === kind);

describe('an arm', () => {
  test('is the routed workload, its Service and its configuration under names of their own', () => {
    expect(make().objects.map(formatObject)).toEqual(['ConfigMap web/shop-config-canary', 'Secret web/shop-secret-canary', 'Secret web/shop-tls-canary', 'Secret web/shop-pull-canary', 'ServiceAccount web/shop-canary', 'Service web/shop-canary', 'Deployment web/shop-canary']);
  });
  test('has a Deployment with its own number of pods, selector, references and spreading', () => {
    const selector = { 'pratique.dev/release': 'shop', 'pratique.dev/arm': 'canary' };
    expect(find(make().objects, 'Deployment')).toEqual({
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop-canary', namespace: 'web', labels: selector },
      spec: {
        replicas: 2, revisionHistoryLimit: 1, selector: { matchLabels: selector },
        template: {
          metadata: { labels: { tier: 'front', 'azure.workload.identity/use': 'true', ...selector }, annotations: { 'prometheus.io/scrape': 'true' } },
          spec: {
            serviceAccountName: 'shop-canary',
            initContainers: [{ name: 'i', image: `busybox@${digest}`, envFrom: [{ secretRef: { name: 'shop-secret-canary' } }] }],
            containers: [{
              name: 'web', image: `r.io/shop@${digest}`,
              env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'shop-config-canary', key: 'mode' } } }, { name: 'B', valueFrom: { secretKeyRef: { name: 'outside', key: 'x' } } }],
              envFrom: [{ configMapRef: { name: 'shop-config-canary' } }],
            }],
            volumes: [
              { name: 'c', configMap: { name: 'shop-config-canary', defaultMode: 0o440 } }, { name: 't', secret: { secretName: 'shop-tls-canary' } },
              { name: 'p', projected: { sources: [{ secret: { name: 'shop-secret-canary' } }, { configMap: { name: 'shop-config-canary' } }, { serviceAccountToken: { path: 't' } }] } },
            ],
            topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: selector } }],
            affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'host', labelSelector: { matchLabels: { app: 'cache' } } } }] } },
          },
        },
      },
    });
  });
  test('has a Service without what belongs to stable, and annotations without those of helm', () => {
    const { objects } = make();
    expect(find(objects, 'Service')?.['spec']).toEqual({ type: 'ClusterIP', selector: { 'pratique.dev/release': 'shop', 'pratique.dev/arm': 'canary' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] });
    expect(find(objects, 'ServiceAccount')?.['imagePullSecrets']).toEqual([{ name: 'shop-pull-canary' }]);
    expect(find(objects, 'ConfigMap')?.metadata.annotations).toEqual({ team: 'checkout' });
  });
  test('says what it left out and why, what it shares, and what is pinned', () => {
    const arm = make();
    expect(Object.fromEntries(arm.leftOut.map(({ object, reason }) => [object, reason]))).toEqual({
      'ConfigMap unused': 'the routed workload does not refer to it', 'HTTPRoute shop': 'routes stay those of stable', 'HorizontalPodAutoscaler shop': 'both arms have the same fixed number of pods',
      'PodDisruptionBudget shop': 'it protects stable', 'Job migrate': 'hooks run once, with the release itself', 'ClusterRole shop': 'it is cluster-scoped',
    });
    expect([arm.shared, arm.unpinned, make(chart, { pins: {} }).unpinned]).toEqual([['Secret outside'], [], ['busybox:1']]);
  });
  test('no selector of stable matches its pods', () => {
    expect(findSelectors(readManifest(chart, 'c'), make().podLabels)).toEqual([]);
    expect(findSelectors(readManifest(chart, 'c'), { app: 'shop' })).toEqual(['Service shop', 'Deployment shop', 'PodDisruptionBudget shop']);
  });
  test.each([
    ['a cloud identity', chart.replace('metadata: {name: shop}\nimagePull', 'metadata: {name: shop, annotations: {azure.workload.identity/client-id: x}}\nimagePull')],
    ['a role binding', `${chart}\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b}\nsubjects: [{kind: ServiceAccount, name: shop}]\n`],
  ])('a service account whose name is known to %s stays shared', (_, text) => {
    const arm = make(text);
    expect(arm.shared).toContain('ServiceAccount shop');
    expect(find(arm.objects, 'Deployment')).toMatchObject({ spec: { template: { spec: { serviceAccountName: 'shop' } } } });
  });
  test.each([
    ['no such Service', chart, { service: 'cart' }, /no Service "cart"/],
    ['a Service without a selector', chart.replace('selector: {app: shop}\n  ports', 'ports'), {}, /no selector/],
    ['no workload behind it', chart.replace('selector: {app: shop}\n  ports', 'selector: {app: x}\n  ports'), {}, /no workload/],
    ['a StatefulSet behind it', chart.replace('kind: Deployment', 'kind: StatefulSet'), {}, /side by side/],
    ['a claim', chart.replace('configMap: {name: shop-config, defaultMode: 0440}', 'persistentVolumeClaim: {claimName: data}'), {}, /mounts the claim "data"/],
    ['a selector that only excludes', `${chart}\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n}\nspec: {podSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}}\n`, {}, /NetworkPolicy n would take/],
    ['a document that is no object', `${chart}\nhello: 1\n`, {}, /no object/],
    ['broken YAML', 'a: [', {}, /not YAML/],
  ])('is refused with %s', (_, text, changes, message) => {
    expect(() => make(text, changes)).toThrow(expect.objectContaining({ code: 'WORKLOAD_INVALID', message: expect.stringMatching(message) as string }));
  });
  test('long names stay apart and within 63 characters', () => {
    const names = ['a', 'b'].map((end) => armName(`${'x'.repeat(62)}${end}`, 'baseline'));
    expect(new Set(names).size).toBe(2);
    expect(names.map((name) => name.length)).toEqual([63, 63]);
  });
});

describe('selectors', () => {
  test.each([
    ['all labels', { matchLabels: { a: '1' } }, true], ['another value', { matchLabels: { a: '2' } }, false], ['nothing', {}, true],
    ['In', { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] }, true], ['NotIn', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1'] }] }, false],
    ['Exists', { matchExpressions: [{ key: 'b', operator: 'Exists' }] }, false], ['DoesNotExist', { matchExpressions: [{ key: 'b', operator: 'DoesNotExist' }] }, true],
    ['an unknown operator', { matchExpressions: [{ key: 'a', operator: 'Near' }] }, false],
  ])('%s', (_, selector, result) => {
    expect(selects(selector, { a: '1' })).toBe(result);
  });
});

describe('a manifest', () => {
  test('is read as Kubernetes reads it', () => {
    const [object] = readManifest('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, n: 0x10, o: 0644, yes: on, y: n, d: 2026-01-01, t: 22:22, e: 1_000, i: 08, s: "on", v: 1.10}', 'm');
    expect(object?.metadata).toEqual({ name: 'a', n: 16, o: 420, true: true, y: 'n', d: '2026-01-01', t: '22:22', e: 1000, i: 8, s: 'on', v: 1.1 });
  });
  test('lists are opened, empty documents skipped, keys of the language no danger', () => {
    expect(readManifest('---\n# nothing\n---\nkind: List\nitems: [{apiVersion: v1, kind: A, metadata: {name: a, __proto__: {x: 1}}}]\n---\n', 'm').map(formatObject)).toEqual(['A a']);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

test('a chart is static: nothing in it is a template', () => {
  const files = wrapChart(readManifest(chart, 'c').slice(0, 1), { name: 'shop-canary', version: '0.0.1', appVersion: digest });
  expect(files['templates/objects.yaml']).toContain('"template":"{{"{{"}} .Values }}"');
  // What helm prints for the only action that is left.
  expect(JSON.parse((files['templates/objects.yaml'] ?? '').slice(4).replaceAll('{{"{{"}}', '{{'))).toEqual(readManifest(chart, 'c')[0]);
  expect(JSON.parse(files['Chart.yaml'] ?? '')).toEqual({ apiVersion: 'v2', type: 'application', name: 'shop-canary', version: '0.0.1', appVersion: digest });
});
