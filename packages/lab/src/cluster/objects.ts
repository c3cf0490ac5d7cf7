// SPDX-License-Identifier: Apache-2.0
// What a new cluster is given: the definitions of the Gateway API, its class and gateway, a class of Ingresses, and what the lab's own users may read.
import { labClients } from '../lab-defaults.ts';
import type { ApiObject } from './api.ts';
import { clusterPorts, nodeName } from './component.ts';
import definitions from './gateway-api.json' with { type: 'json' };

/** Where routes attach: the `parentRefs` of an HTTPRoute. */
export const gatewayReference = { namespace: 'gateway', name: 'lab' } as const;

/** Groups of the users that have tokens; the rights of the system's own come with these names (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles). */
export const users: Readonly<Record<string, { readonly name: string; readonly group?: string }>> = {
  administrator: { name: 'administrator', group: 'system:masters' },
  controllers: { name: 'system:kube-controller-manager' },
  scheduler: { name: 'system:kube-scheduler' },
  proxy: { name: 'system:kube-proxy' },
  node: { name: `system:node:${nodeName}`, group: 'system:nodes' },
  kwok: { name: 'lab:kwok', group: 'system:masters' },
  gateway: { name: 'lab:gateway' },
  prometheus: { name: 'lab:prometheus' },
};

/** Definitions of what traefik watches of the Gateway API, standard channel. */
export const gatewayDefinitions = definitions.items as unknown as readonly ApiObject[];

const reads = (...groups: readonly (readonly [group: string, ...resources: string[]])[]) => groups.map(([group, ...resources]) => ({ apiGroups: [group], resources, verbs: ['get', 'list', 'watch'] }));
const gatewayKinds = ['gatewayclasses', 'gateways', 'httproutes', 'grpcroutes', 'tlsroutes', 'backendtlspolicies'];
// As https://doc.traefik.io/traefik/v3.7/reference/dynamic-configuration/kubernetes-gateway-rbac.yml and kubernetes-ingress-nginx-rbac.yml have it.
const gatewayRules = [
  ...reads(['', 'namespaces', 'services', 'secrets', 'configmaps', 'nodes'], ['discovery.k8s.io', 'endpointslices'], ['gateway.networking.k8s.io', ...gatewayKinds, 'referencegrants'], ['networking.k8s.io', 'ingresses', 'ingressclasses']),
  { apiGroups: ['gateway.networking.k8s.io'], resources: gatewayKinds.map((kind) => `${kind}/status`), verbs: ['update'] },
  { apiGroups: ['networking.k8s.io'], resources: ['ingresses/status'], verbs: ['update'] },
];

/** A role of the whole cluster for one of the lab's own users, under its name. */
const grant = (name: string, rules: readonly object[]): ApiObject[] => {
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name }, roleRef: role, subjects: [{ apiGroup: role.apiGroup, kind: 'User', name }] },
  ];
};

/** What the gateway's user and Prometheus's may do; and the gate's identity, which deploys, may do everything. */
export const roles: readonly ApiObject[] = [
  ...grant('lab:gateway', gatewayRules),
  ...grant('lab:prometheus', reads(['', 'pods'])),
  {
    apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'lab:deployer' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: labClients.gate.objectId }],
  },
];

/** The classes and the gateway: plain HTTP at the node's address, routes and Ingresses from every namespace. */
export const gatewayObjects: readonly ApiObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: gatewayReference.namespace } },
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GatewayClass', metadata: { name: 'traefik' }, spec: { controllerName: 'traefik.io/gateway-controller' } },
  {
    apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: gatewayReference,
    spec: { gatewayClassName: 'traefik', listeners: [{ name: 'http', protocol: 'HTTP', port: clusterPorts.gateway, allowedRoutes: { namespaces: { from: 'All' } } }] },
  },
  { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } },
];
