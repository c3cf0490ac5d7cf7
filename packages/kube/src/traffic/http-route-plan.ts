// SPDX-License-Identifier: Apache-2.0
// How traffic of an HTTPRoute is split between stable, baseline and canary: pure functions from the route as it is to JSON Patches
// (https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec). `rules` and `backendRefs` are atomic lists, so that server-side apply cannot own a weight.
import { canonicalJson, Failure, type JsonObject } from '@pratique/core';
import type { PatchOperation } from '../client/cluster.ts';
import { fieldOf, formatObject, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import { stateOf } from '../readiness/object-state.ts';
import { allStable, type SplitServices, type Weights } from './weights.ts';

/** A split and what the route was before; JSON, for the journal. */
export interface RouteSplit {
  readonly kind: 'gateway-api';
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly services: SplitServices;
  /** The rules that send traffic to the Service, with their backendRefs as they were. */
  readonly rules: readonly { readonly index: number; readonly original: readonly JsonObject[] }[];
  /** `metadata.managedFields` as they were: who owns the rules. */
  readonly owners: readonly JsonObject[];
}

/** Our field manager while a route is split. */
export const routeManager = 'pratique-canary';

const refused = (route: KubeObject, message: string, hint: string): Failure => new Failure({ code: 'ROUTE_REFUSED', message: `${formatObject(route)}: ${message}`, hint });

const isService = (ref: JsonObject, namespace: string): boolean => (textOf(ref, 'kind') || 'Service') === 'Service' && textOf(ref, 'group') === '' && (textOf(ref, 'namespace') || namespace) === namespace;

/** Whether a route sends traffic to a Service of its namespace. */
export function routesTo(route: KubeObject, service: string): boolean {
  const namespace = route.metadata.namespace ?? '';
  return listOf(route, 'spec', 'rules').some((rule) => listOf(rule, 'backendRefs').some((ref) => ref['name'] === service && isService(ref, namespace)));
}

const reconcilers: readonly (readonly [key: RegExp, who: string])[] = [[/^argocd\.argoproj\.io\//, 'Argo CD'], [/^(?:kustomize|helm)\.toolkit\.fluxcd\.io\//, 'Flux'], [/^flagger\.app\//, 'Flagger']];

/** Plans a split. Fails with `ROUTE_REFUSED` when the gateway does not accept the route, when something else writes it, or when it splits already. */
export function planSplit(route: KubeObject, services: SplitServices): RouteSplit {
  const namespace = route.metadata.namespace ?? '';
  const state = stateOf(route);
  if (state.state !== 'ready') throw refused(route, state.message, 'Mend the route first: a split of a route that does not work proves nothing.');
  const owner = listOf(route, 'metadata', 'ownerReferences')[0];
  const marks = [...Object.keys(route.metadata.labels ?? {}), ...Object.keys(route.metadata.annotations ?? {})];
  const writer = owner === undefined ? reconcilers.find(([pattern]) => marks.some((mark) => pattern.test(mark)))?.[1] : `${textOf(owner, 'kind')} ${textOf(owner, 'name')}`;
  if (writer !== undefined) throw refused(route, `${writer} writes it, and would take the weights back`, 'Let that tool ignore backendRefs of this route, or let that tool deploy.');
  const rules = listOf(route, 'spec', 'rules').flatMap((rule, index) => {
    const original = listOf(rule, 'backendRefs');
    return original.some((ref) => ref['name'] === services.stable && isService(ref, namespace)) ? [{ index, original }] : [];
  });
  if (rules.length === 0) throw refused(route, `no rule sends traffic to the Service "${services.stable}"`, 'Name the route in the input route.');
  const shared = rules.find(({ original }) => original.length !== 1);
  if (shared !== undefined) throw refused(route, `rule ${shared.index} splits its traffic already (${shared.original.map((ref) => textOf(ref, 'name')).join(', ')})`, 'When an earlier run left it so: pratique canary recover.');
  return { kind: 'gateway-api', name: route.metadata.name, namespace, uid: route.metadata.uid ?? '', services, rules, owners: listOf(route, 'metadata', 'managedFields') };
}

const path = (index: number): string => `/spec/rules/${index}/backendRefs`;
const sameRoute = ({ uid }: RouteSplit): PatchOperation => ({ op: 'test', path: '/metadata/uid', value: uid });

/** Attaches the arms at weight 0. Holds only while the rules are as they were read. */
export function attachOperations(split: RouteSplit): PatchOperation[] {
  return [sameRoute(split), ...split.rules.flatMap(({ index, original }): PatchOperation[] => {
    const [stable = {}] = original;
    const arm = (name: string): PatchOperation => ({ op: 'add', path: `${path(index)}/-`, value: { ...stable, name, weight: 0 } });
    return [{ op: 'test', path: path(index), value: original }, { op: 'add', path: `${path(index)}/0/weight`, value: allStable.stable }, ...armsOf(split).map(arm)];
  })];
}

const order = ['stable', 'baseline', 'canary'] as const;

/** In the order in which they stand in the route. */
const partsOf = ({ services }: RouteSplit): readonly (readonly [part: keyof Weights, service: string])[] => order.flatMap((part) => (services[part] === undefined ? [] : [[part, services[part]] as const]));
const armsOf = (split: RouteSplit): readonly string[] => partsOf(split).slice(1).map(([, service]) => service);

/** Changes weights. Holds only while each ref is where it was put and has the weight that this run gave it. */
export function shiftOperations(split: RouteSplit, from: Weights, to: Weights): PatchOperation[] {
  return [sameRoute(split), ...split.rules.flatMap(({ index }) => partsOf(split).flatMap(([part, service], at): PatchOperation[] => [
    { op: 'test', path: `${path(index)}/${at}/name`, value: service }, { op: 'test', path: `${path(index)}/${at}/weight`, value: from[part] },
    ...(from[part] === to[part] ? [] : [{ op: 'replace', path: `${path(index)}/${at}/weight`, value: to[part] } as const]),
  ]))];
}

/** What taking the arms out comes to, for the route as it is now. */
export interface Restoration {
  /** Empty when no arm is attached any more. */
  readonly operations: readonly PatchOperation[];
  /** Rules that are not as this run left them, in words; the arms are taken out all the same. */
  readonly foreign: readonly string[];
}

/**
 * Takes the arms out of every rule of the route, and gives the original back where nobody else changed it. Always succeeds in sending traffic
 * back to stable: also rules that were added or moved meanwhile are mended.
 */
export function restoreOperations(route: KubeObject, split: RouteSplit): Restoration {
  const arms = armsOf(split);
  const operations: PatchOperation[] = [];
  const foreign: string[] = [];
  for (const [index, rule] of listOf(route, 'spec', 'rules').entries()) {
    const current = listOf(rule, 'backendRefs');
    const kept = current.filter((ref) => !arms.includes(textOf(ref, 'name')));
    if (kept.length === current.length) continue;
    const original = split.rules.find((known) => known.index === index)?.original;
    const stable = kept.find((ref) => ref['name'] === split.services.stable);
    const asLeft = original !== undefined && kept.length === 1 && stable !== undefined && canonicalJson({ ...stable, weight: 0 }) === canonicalJson({ ...original[0], weight: 0 });
    // Somebody else's refs keep their weights; stable must not be left at a weight of 0 among them.
    const mended = asLeft ? original : kept.length === 0 ? [{ ...current[0], name: split.services.stable, weight: 1 }] : kept.map((ref) => (ref === stable && kept.length === 1 ? { ...ref, weight: 1 } : ref));
    if (!asLeft) foreign.push(`rule ${index} has ${current.map((ref) => `${textOf(ref, 'name')}=${numberOf(ref, 'weight') ?? 1}`).join(', ')}`);
    operations.push({ op: 'test', path: path(index), value: fieldOf(rule, 'backendRefs') }, { op: 'replace', path: path(index), value: mended });
  }
  return { operations: operations.length === 0 ? [] : [{ op: 'test', path: '/metadata/uid', value: route.metadata.uid }, ...operations], foreign };
}

/**
 * Gives the ownership of the rules back as well: otherwise the next `helm upgrade` of the chart that owns the route would find a conflict with a
 * manager that is long gone (https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership). Empty when there is nothing to give back.
 */
export function disownOperations(route: KubeObject, split: RouteSplit): PatchOperation[] {
  const current = listOf(route, 'metadata', 'managedFields');
  const others = current.filter((entry) => entry['manager'] !== routeManager);
  if (others.length === current.length) return [];
  const owners = split.owners.filter((entry) => fieldOf(entry, 'fieldsV1', 'f:spec', 'f:rules') !== undefined);
  const same = (a: JsonObject, b: JsonObject): boolean => ['manager', 'operation', 'apiVersion', 'subresource'].every((key) => a[key] === b[key]);
  const given = others.map((entry) => ({ ...entry, ...(owners.some((owner) => same(owner, entry)) && { fieldsV1: owners.find((owner) => same(owner, entry))?.['fieldsV1'] }) }));
  const missing = owners.filter((owner) => !others.some((entry) => same(owner, entry)));
  return [{ op: 'test', path: '/metadata/resourceVersion', value: route.metadata.resourceVersion }, { op: 'replace', path: '/metadata/managedFields', value: [...given, ...missing] }];
}
