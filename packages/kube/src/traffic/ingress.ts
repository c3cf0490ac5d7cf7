// SPDX-License-Identifier: Apache-2.0
// Splits the traffic of an Ingress of ingress-nginx by one Ingress beside it, of which only the weight changes; in the end it is deleted.
import { Failure } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { formatObject, kinds, refOf, textOf, type KubeObject } from '../client/object.ts';
import { classOf, ingressLeadsTo, isOurs, isUnchanged, planIngress, weighOperations, weightIn, type IngressSplit } from './ingress-plan.ts';
import { routeManager } from './http-route-plan.ts';
import type { TrafficSplit } from './split.ts';
import type { SplitServices } from './weights.ts';

type Api = Pick<Cluster, 'get' | 'list' | 'create' | 'patch' | 'remove'>;

/** ingress-nginx, also under a controller class of its own, and the application routing of AKS, which is the same. */
const controllers = /^(?:k8s\.io\/[a-z0-9.-]*ingress-nginx[a-z0-9.-]*|webapprouting\.kubernetes\.azure\.com\/nginx(?:\/.+)?)$/;
/** Their usual class names, for those who may not read classes: these belong to the cluster, not to a namespace. */
const classNames: readonly string[] = ['nginx', 'webapprouting.kubernetes.azure.com'];

/** An Ingress that sends traffic to a Service. */
export interface LeadingIngress {
  readonly ingress: KubeObject;
  /** Why its annotations split nothing; absent when ingress-nginx serves it. */
  readonly problem?: string;
}

/** Those of `ingresses` that send traffic to `service`. */
export function leadingIngresses(cluster: Pick<Cluster, 'get'>, ingresses: readonly KubeObject[], service: string): Promise<readonly LeadingIngress[]> {
  return Promise.all(ingresses.filter((ingress) => ingressLeadsTo(ingress, service)).map((ingress) => withProblem(cluster, ingress)));
}

async function withProblem(cluster: Pick<Cluster, 'get'>, ingress: KubeObject): Promise<LeadingIngress> {
  const problem = await classProblem(cluster, ingress);
  return { ingress, ...(problem !== undefined && { problem }) };
}

/** The only Ingress of ingress-nginx in the namespace that sends traffic to `service`, or the one called `name`; `undefined` when there is none. Fails with `ROUTE_REFUSED`. */
export async function findIngress(cluster: Pick<Cluster, 'get' | 'list'>, service: string, name?: string): Promise<KubeObject | undefined> {
  const { items } = await cluster.list(kinds.ingress);
  const found = name === undefined ? await leadingIngresses(cluster, items, service) : await Promise.all(items.filter((ingress) => ingress.metadata.name === name).map((ingress) => withProblem(cluster, ingress)));
  const known = found.filter(({ problem }) => problem === undefined);
  if (known.length > 1) throw new Failure({ code: 'ROUTE_REFUSED', message: `several Ingresses send traffic to the Service "${service}": ${known.map(({ ingress }) => ingress.metadata.name).join(', ')}`, hint: 'Name the one to split in the input route.' });
  const [first] = [...known, ...found];
  if (first?.problem === undefined) return first?.ingress;
  throw new Failure({ code: 'ROUTE_REFUSED', message: `${formatObject(first.ingress)}: ${first.problem}`, hint: 'Annotations split traffic only where ingress-nginx, or what reads them in its place, serves the Ingress: set spec.ingressClassName.' });
}

async function classProblem(cluster: Pick<Cluster, 'get'>, ingress: KubeObject): Promise<string | undefined> {
  const name = classOf(ingress);
  if (name === '') return 'it has no class, so that nobody can say who serves it';
  const found = await readClass(cluster, name);
  const holds = found === undefined ? classNames.includes(name) : controllers.test(textOf(found, 'spec', 'controller'));
  if (holds) return undefined;
  return `its class "${name}" ${found === undefined ? 'is not known to be one of ingress-nginx' : `is of ${textOf(found, 'spec', 'controller')}, not of ingress-nginx`}`;
}

async function readClass(cluster: Pick<Cluster, 'get'>, name: string): Promise<KubeObject | undefined> {
  try {
    return await cluster.get({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', name });
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'KUBE_FORBIDDEN') return undefined;
    throw thrown;
  }
}

/** Plans the split of `ingress`. Fails with `ROUTE_REFUSED`. */
export async function openIngress(cluster: Api, ingress: KubeObject, options: { readonly services: SplitServices; readonly release: string }): Promise<TrafficSplit & { readonly plan: IngressSplit }> {
  const { items } = await cluster.list(kinds.ingress);
  return resumeIngress(cluster, planIngress(ingress, { ...options, others: items.filter((other) => other.metadata.name !== ingress.metadata.name) }));
}

const restoreTries = 6;

/** A split that an earlier run planned, as its journal has it. */
export function resumeIngress(cluster: Api, plan: IngressSplit): TrafficSplit & { readonly plan: IngressSplit } {
  const ref = refOf(plan.canary);
  let uid: string | undefined;
  const changed = (what: string, cause?: unknown): Failure => new Failure({ code: 'ROUTE_CHANGED', message: `Ingress ${plan.main.namespace}/${what}`, hint: 'Who wrote it: kubectl get ingress --output yaml --show-managed-fields', cause });
  return {
    plan,
    async attach() {
      try {
        ({ uid } = (await cluster.create(plan.canary, { manager: routeManager })).metadata);
      } catch (thrown) {
        if (!isStale(thrown)) throw thrown;
        throw changed(`${ref.name} is there already, and this run did not make it`, thrown);
      }
    },
    async shift(from, to) {
      const main = await cluster.get({ ...kinds.ingress, name: plan.main.name, namespace: plan.main.namespace });
      if (!isUnchanged(main, plan)) throw changed(`${plan.main.name} is not as it was when this run began: the weights were not changed`);
      try {
        await cluster.patch(ref, weighOperations(uid, String(from.canary), String(to.canary)), { manager: routeManager });
      } catch (thrown) {
        if (!isStale(thrown)) throw thrown;
        throw changed(`${ref.name} is not as this run left it: the weights were not changed`, thrown);
      }
    },
    async restore() {
      for (let attempt = 1; ; attempt += 1) {
        const canary = await cluster.get(ref);
        if (canary === undefined) return [];
        if (!isOurs(canary, plan)) return [`${formatObject(canary)} is not of this canary, and was left as it is`];
        try {
          // Users first: an Ingress on its way out may serve for as long as somebody holds it.
          if (weightIn(canary) !== '0') await cluster.patch(ref, weighOperations(canary.metadata.uid, weightIn(canary), '0'), { manager: routeManager });
          await cluster.remove(ref, { ...(canary.metadata.uid !== undefined && { uid: canary.metadata.uid }) });
          return [];
        } catch (thrown) {
          if (!isStale(thrown) || attempt === restoreTries) throw thrown;
        }
      }
    },
  };
}

/** Another has come first. */
const isStale = (thrown: unknown): boolean => thrown instanceof Failure && (thrown.code === 'KUBE_CONFLICT' || thrown.code === 'KUBE_NOT_FOUND');
