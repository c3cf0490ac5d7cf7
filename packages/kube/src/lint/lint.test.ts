// SPDX-License-Identifier: Apache-2.0
// A chart without fault, one thing broken at a time.
import { chartFindingCodes, type JsonObject } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../client/object.ts';
import { lintManifest } from './lint.ts';

const labels = { app: 'shop' };
const web = {
  name: 'web', image: `r.example/shop@sha256:${'a'.repeat(64)}`, ports: [{ containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/ready', port: 8080 } }, livenessProbe: { httpGet: { path: '/alive', port: 8080 } },
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
};
const podSpec = { automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, containers: [web] };

interface Change { readonly container?: JsonObject; readonly pod?: JsonObject; readonly workload?: JsonObject; readonly budget?: JsonObject | null; readonly more?: readonly KubeObject[] }

function codesOf({ container = {}, pod = {}, workload = {}, budget = {}, more = [] }: Change): readonly string[] {
  const deployment: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop' }, spec: { replicas: 2, template: { metadata: { labels }, spec: { ...podSpec, containers: [{ ...web, ...container }], ...pod } }, ...workload } };
  const service: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'shop' }, spec: { selector: labels } };
  const budgets: readonly KubeObject[] = budget === null ? [] : [{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'shop' }, spec: { selector: { matchLabels: labels }, maxUnavailable: 1, ...budget } }];
  return lintManifest([deployment, service, ...budgets, ...more]).map(({ code, object }) => `${code} ${object}`);
}

const on = (code: string): string => `${code} Deployment shop`;
const onWeb = (code: string): string => `${on(code)}, container web`;
const withSecurity = (context: JsonObject): Change => ({ container: { securityContext: { ...web.securityContext, ...context } } });
const job = (spec: JsonObject): KubeObject => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template: { spec: { ...podSpec, ...spec } } } });

describe('a chart', () => {
  test.each<readonly [string, Change]>([
    ['with nothing wrong', {}], ['that says for one container what it does not say for the pod', { pod: { securityContext: {} }, ...withSecurity({ runAsNonRoot: true, seccompProfile: { type: 'Localhost' } }) }],
    ['that binds a low port', withSecurity({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })], ['whose limits stand for requests', { container: { resources: { limits: { cpu: '1', memory: '64Mi' } } } }],
    ['whose liveness is more patient', { container: { livenessProbe: { ...web.readinessProbe, failureThreshold: 10 } } }], ['whose account mounts no token', { pod: { automountServiceAccountToken: undefined, serviceAccountName: 'shop' }, more: [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'shop' }, automountServiceAccountToken: false }] }],
    ['that an autoscaler scales', { workload: { replicas: undefined }, more: [{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'shop' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'shop' } } }] }],
    ['that is scaled to nothing', { workload: { replicas: 0 }, budget: null }], ['whose secret comes from a Secret', { container: { env: [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }, { name: 'TOKENS_PER_SECOND', value: '5' }] } }],
    ['with a job, which needs no probe and no second pod', { more: [job({})] }], ['whose sidecar is asked instead', { container: { readinessProbe: undefined }, pod: { initContainers: [{ ...web, name: 'proxy', restartPolicy: 'Always' }] } }],
  ])('%s has no finding', (_name, change) => {
    expect(codesOf(change)).toEqual([]);
  });
  const cases: readonly (readonly [string, Change, readonly string[]])[] = [
    ['an image by tag', { container: { image: 'r.example/shop:1.0' } }, [onWeb('IMAGE_NOT_PINNED')]], ['an init container by tag', { pod: { initContainers: [{ ...web, name: 'move', image: 'r.example/move' }] } }, [`${on('IMAGE_NOT_PINNED')}, container move`]],
    ['a job by tag', { more: [job({ containers: [{ ...web, image: 'x' }] })] }, ['IMAGE_NOT_PINNED Job once, container web']], ['a privileged container', withSecurity({ privileged: true }), [onWeb('PRIVILEGED')]],
    ['the network of the node', { pod: { hostNetwork: true } }, [on('HOST_ACCESS')]], ['a path of the node', { pod: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } }, [on('HOST_ACCESS')]], ['a port of the node', { container: { ports: [{ containerPort: 80, hostPort: 80 }] } }, [on('HOST_ACCESS')]],
    ['no word about root', { pod: { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } } }, [onWeb('RUNS_AS_ROOT')]], ['root by number, whatever the pod says', withSecurity({ runAsUser: 0 }), [onWeb('RUNS_AS_ROOT')]],
    ['more rights by set-uid', withSecurity({ allowPrivilegeEscalation: undefined }), [onWeb('PRIVILEGE_ESCALATION')]], ['default capabilities', withSecurity({ capabilities: {} }), [onWeb('CAPABILITIES_KEPT')]], ['one capability more', withSecurity({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }), [onWeb('CAPABILITIES_KEPT')]],
    ['all system calls', { pod: { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Unconfined' } } } }, [onWeb('SECCOMP_MISSING')]], ['a root that can be written', withSecurity({ readOnlyRootFilesystem: false }), [onWeb('ROOT_WRITABLE')]],
    ['a password in clear text', { container: { env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] } }, [onWeb('SECRET_IN_ENVIRONMENT')]], ['a token for the API', { pod: { automountServiceAccountToken: undefined } }, [on('TOKEN_MOUNTED')]],
    ['no requests', { container: { resources: { limits: { memory: '1Gi' } } } }, [onWeb('REQUESTS_MISSING')]], ['no limit', { container: { resources: { requests: { cpu: '1', memory: '1Gi' } } } }, [onWeb('MEMORY_LIMIT_MISSING')]],
    ['no readiness', { container: { readinessProbe: undefined } }, [onWeb('READINESS_PROBE_MISSING')]], ['one probe for both', { container: { livenessProbe: { ...web.readinessProbe, failureThreshold: 3 } } }, [onWeb('LIVENESS_PROBE_HARSH')]],
    ['one pod', { workload: { replicas: 1 } }, [on('SINGLE_REPLICA')]], ['one pod by default', { workload: { replicas: undefined } }, [on('SINGLE_REPLICA')]], ['no budget', { budget: null }, [on('DISRUPTION_BUDGET_MISSING')]], ['a budget for others', { budget: { selector: { matchLabels: { app: 'other' } } } }, [on('DISRUPTION_BUDGET_MISSING')]],
    ['a budget of nothing', { budget: { maxUnavailable: 0 } }, [on('DISRUPTION_BUDGET_BLOCKS')]], ['a budget of all', { budget: { maxUnavailable: undefined, minAvailable: 2 } }, [on('DISRUPTION_BUDGET_BLOCKS')]],
    ['Recreate', { workload: { strategy: { type: 'Recreate' } } }, [on('UPDATE_INTERRUPTS')]], ['all pods at once', { workload: { strategy: { rollingUpdate: { maxUnavailable: '100%' } } } }, [on('UPDATE_INTERRUPTS')]],
  ];
  test.each(cases)('with %s has that finding', (_name, change, found) => {
    expect(codesOf(change)).toEqual(found);
  });
  test('every code is found in one of these cases', () => {
    expect(new Set(cases.flatMap(([, , found]) => found.map((text) => text.split(' ')[0])))).toEqual(new Set(chartFindingCodes));
  });
  test('a secret is named, never shown', () => {
    const [finding] = lintManifest([job({ containers: [{ ...web, env: [{ name: 'API_KEY', value: 'hunter2' }] }] })]);
    expect(JSON.stringify(finding)).toContain('API_KEY');
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });
});
