// SPDX-License-Identifier: Apache-2.0
// Identities whose calls the API server counts apart: a service account with a flow schema of its own, by which its metrics are labelled
// (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#metrics).
import { readFile, writeFile } from 'node:fs/promises';
import type { ClusterWorld } from '../fixtures/cluster-world.ts';
import { applyObjects } from '../fixtures/flagger-world.ts';

/** One of them. */
export interface Identity {
  /** Path of a kubeconfig. */
  readonly kubeconfig: string;
  /** Requests that the API server has taken from it so far; a watch is one. */
  calls(): Promise<number>;
}

const namespace = 'bench';

/** Makes an identity that may do everything. */
export async function openIdentity(kube: ClusterWorld, name: string): Promise<Identity> {
  const rbac = 'rbac.authorization.k8s.io';
  const subject = { kind: 'ServiceAccount', name, namespace };
  const everything = { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] };
  await applyObjects(kube, [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [subject] },
    {
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name },
      spec: { matchingPrecedence: 50, priorityLevelConfiguration: { name: 'workload-high' }, rules: [{ subjects: [{ kind: 'ServiceAccount', serviceAccount: { name, namespace } }], ...everything }] },
    },
  ]);
  const { stdout: token } = await kube.kubectl('create', 'token', name, '--namespace', namespace, '--duration', '2h');
  const administrator = JSON.parse(await readFile(kube.cluster.kubeconfig, 'utf8')) as { readonly users: readonly { readonly name: string }[] };
  const kubeconfig = `${kube.cluster.kubeconfig}-${name}`;
  await writeFile(kubeconfig, JSON.stringify({ ...administrator, users: administrator.users.map((user) => ({ name: user.name, user: { token } })) }), { mode: 0o600 });
  return {
    kubeconfig,
    async calls() {
      const { stdout } = await kube.kubectl('get', '--raw', '/metrics');
      const counts = stdout.matchAll(/^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="([^"]+)",[^}]*\} (\S+)$/gm);
      return [...counts].filter(([, schema]) => schema === name).reduce((sum, [, , count]) => sum + Number(count), 0);
    },
  };
}
