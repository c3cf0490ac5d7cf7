// SPDX-License-Identifier: Apache-2.0
// What a pod may do to its node and its cluster, by the restricted profile (https://kubernetes.io/docs/concepts/security/pod-security-standards/) and a little more.
import type { JsonObject } from '@pratique/core';
import { fieldOf, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import { nameContainer, nameWorkload, securityOf, type ChartFinding, type PodTemplate } from './pod-template.ts';

type Found = Omit<ChartFinding, 'object'> | undefined;

/** Everything about one workload. `objects`: the manifest, in which its service account may stand. */
export function lintSecurity(pod: PodTemplate, objects: readonly KubeObject[]): readonly ChartFinding[] {
  const containers = [...pod.initial, ...pod.running];
  const ofPod = [hostAccess(pod, containers), mountedToken(pod, objects)].flatMap(named(nameWorkload(pod.workload)));
  return [...ofPod, ...containers.flatMap((container) => containerRules.map((rule) => rule(container, pod)).flatMap(named(nameContainer(pod, container))))];
}

const named = (object: string) => (found: Found): readonly ChartFinding[] => (found === undefined ? [] : [{ ...found, object }]);

const containerRules: readonly ((container: JsonObject, pod: PodTemplate) => Found)[] = [
  (container) => (/@sha256:[0-9a-f]{64}$/.test(textOf(container, 'image')) ? undefined : {
    code: 'IMAGE_NOT_PINNED', problem: `its image ${textOf(container, 'image').slice(0, 200) || '(none)'} has no digest: other bytes can run tomorrow`, mend: 'image: REGISTRY/REPOSITORY@sha256:DIGEST',
  }),
  (container) => (fieldOf(container, 'securityContext', 'privileged') !== true ? undefined : { code: 'PRIVILEGED', problem: 'it is privileged: it owns the node', mend: 'securityContext: { privileged: false }' }),
  (container, pod) => {
    const user = securityOf(pod, container, 'runAsUser');
    if (user !== 0 && (securityOf(pod, container, 'runAsNonRoot') === true)) return undefined;
    return { code: 'RUNS_AS_ROOT', problem: user === 0 ? 'it runs as root (runAsUser: 0)' : 'nothing keeps it from running as root', mend: 'securityContext: { runAsNonRoot: true }' };
  },
  (container) => (fieldOf(container, 'securityContext', 'allowPrivilegeEscalation') === false ? undefined : {
    code: 'PRIVILEGE_ESCALATION', problem: 'a set-uid program could give it more rights', mend: 'securityContext: { allowPrivilegeEscalation: false }',
  }),
  (container) => {
    const added = textsOf(container, 'add').filter((name) => name !== 'NET_BIND_SERVICE');
    if (added.length === 0 && textsOf(container, 'drop').includes('ALL')) return undefined;
    return { code: 'CAPABILITIES_KEPT', problem: added.length > 0 ? `it adds the capabilities ${added.join(', ').slice(0, 200)}` : 'it keeps the default capabilities', mend: 'securityContext: { capabilities: { drop: [ALL] } }' };
  },
  (container, pod) => (['RuntimeDefault', 'Localhost'].includes(String(securityOf(pod, container, 'seccompProfile', 'type'))) ? undefined : {
    code: 'SECCOMP_MISSING', problem: 'all system calls are open to it', mend: 'securityContext: { seccompProfile: { type: RuntimeDefault } }',
  }),
  (container) => (fieldOf(container, 'securityContext', 'readOnlyRootFilesystem') === true ? undefined : {
    code: 'ROOT_WRITABLE', problem: 'who gets in can change its files', mend: 'securityContext: { readOnlyRootFilesystem: true }, and an emptyDir where it writes',
  }),
  (container) => {
    const literal = listOf(container, 'env').filter((variable) => /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY)$/i.test(textOf(variable, 'name')) && textOf(variable, 'value') !== '').map((variable) => textOf(variable, 'name'));
    return literal.length === 0 ? undefined : { code: 'SECRET_IN_ENVIRONMENT', problem: `${literal.slice(0, 5).join(', ')} stands in clear text in the manifest, and in every revision that helm keeps`, mend: 'env: [{ name: NAME, valueFrom: { secretKeyRef: { name: SECRET, key: KEY } } }]' };
  },
];

function hostAccess({ spec }: PodTemplate, containers: readonly JsonObject[]): Found {
  const used = [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((key) => fieldOf(spec, key) === true),
    ...listOf(spec, 'volumes').filter((volume) => fieldOf(volume, 'hostPath') !== undefined).map((volume) => `hostPath ${textOf(volume, 'hostPath', 'path')}`),
    ...containers.flatMap((container) => listOf(container, 'ports')).flatMap((port) => { const host = numberOf(port, 'hostPort'); return host === undefined || host === 0 ? [] : [`hostPort ${host}`]; }),
  ];
  return used.length === 0 ? undefined : { code: 'HOST_ACCESS', problem: `it reaches into the node: ${used.join(', ').slice(0, 300)}`, mend: 'Remove it; a Service instead of a host port, a claim instead of a host path.' };
}

/** The pod's own word counts before its account's (https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/). */
function mountedToken({ spec }: PodTemplate, objects: readonly KubeObject[]): Found {
  const account = objects.find(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === textOf(spec, 'serviceAccountName'));
  if ((fieldOf(spec, 'automountServiceAccountToken') ?? fieldOf(account, 'automountServiceAccountToken')) === false) return undefined;
  return { code: 'TOKEN_MOUNTED', problem: 'its containers get a token for the Kubernetes API', mend: 'spec: { automountServiceAccountToken: false }, unless the program talks to the API' };
}

function textsOf(container: JsonObject, key: 'add' | 'drop'): readonly string[] {
  const found = fieldOf(container, 'securityContext', 'capabilities', key);
  return Array.isArray(found) ? found.filter((name): name is string => typeof name === 'string') : [];
}
