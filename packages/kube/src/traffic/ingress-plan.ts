// SPDX-License-Identifier: Apache-2.0
// The canary Ingress beside an Ingress of ingress-nginx: pure functions from what stands in the cluster to what is created
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary). Stable's Ingress is never written.
import { canonicalJson, Failure, type JsonObject } from '@pratique/core';
import type { PatchOperation } from '../client/cluster.ts';
import { fieldOf, formatObject, kinds, listOf, numberOf, textMapOf, textOf, type KubeObject } from '../client/object.ts';
import { armLabels, armName } from '../workload/arm.ts';
import type { SplitServices } from './weights.ts';

/** The Ingress that is created, and what it rests on; JSON, for the journal. */
export interface IngressSplit {
  readonly kind: 'ingress-nginx';
  /** Stable's, with the rules of it that lead to stable as they were, and the Service and port (as it is written) of the first. */
  readonly main: { readonly name: string; readonly namespace: string; readonly service: string; readonly port: number | string; readonly rules: readonly JsonObject[] };
  readonly canary: KubeObject;
}

/** What an Ingress is planned with. */
export interface IngressOptions {
  readonly services: SplitServices;
  /** The main release: its canary's labels are put on what is created. */
  readonly release: string;
  /** Every other Ingress of the namespace. */
  readonly others: readonly KubeObject[];
}

const prefix = 'nginx.ingress.kubernetes.io/';
const canaryKey = `${prefix}canary`;
const weightKey = `${prefix}canary-weight`;
/** What ingress-nginx reads of a canary Ingress beside its weight: how requests are spread over the pods. */
const spreading = [`${prefix}load-balance`, `${prefix}upstream-hash-by`];

const annotationsOf = (ingress: KubeObject): Readonly<Record<string, string>> => textMapOf(ingress, 'metadata', 'annotations');
const isCanary = (ingress: KubeObject): boolean => annotationsOf(ingress)[canaryKey] === 'true';
const pathsOf = (rule: JsonObject): readonly JsonObject[] => listOf(rule, 'http', 'paths');
const serviceIn = (path: JsonObject): string => textOf(path, 'backend', 'service', 'name');

/** Whether an Ingress sends traffic to a Service, and is no canary itself. */
export function ingressLeadsTo(ingress: KubeObject, service: string): boolean {
  return !isCanary(ingress) && (textOf(ingress, 'spec', 'defaultBackend', 'service', 'name') === service || rulesTo(ingress, service).length > 0);
}

/** Name of its class, by field or by the older annotation; `''` when it has none. */
export function classOf(ingress: KubeObject): string {
  return textOf(ingress, 'spec', 'ingressClassName') || (annotationsOf(ingress)['kubernetes.io/ingress.class'] ?? '');
}

/** Only those rules and paths that lead to `service`. */
function rulesTo(ingress: KubeObject, service: string): readonly JsonObject[] {
  return listOf(ingress, 'spec', 'rules').flatMap((rule) => {
    const paths = pathsOf(rule).filter((path) => serviceIn(path) === service);
    return paths.length === 0 ? [] : [{ ...rule, http: { paths } }];
  });
}

const refused = (ingress: KubeObject, message: string, hint: string): Failure => new Failure({ code: 'ROUTE_REFUSED', message: `${formatObject(ingress)}: ${message}`, hint });

/** Plans the canary Ingress. Fails with `ROUTE_REFUSED` when there is one already, or when the Ingress cannot have one. */
export function planIngress(ingress: KubeObject, { services, release, others }: IngressOptions): IngressSplit {
  const { name, namespace = '' } = ingress.metadata;
  const rules = rulesTo(ingress, services.stable);
  const own = Object.keys(annotationsOf(ingress)).find((key) => key === canaryKey || key.startsWith(`${canaryKey}-`));
  if (own !== undefined) throw refused(ingress, `it has the annotation ${own} of a canary itself`, 'Name the Ingress of stable in the input route, or take the annotation away.');
  if (rules.length === 0) throw refused(ingress, `no rule of it sends traffic to the Service "${services.stable}"`, 'A canary is split by rules and paths, not behind a default backend: write the rule out.');
  const canary = makeCanary(ingress, { rules, service: services.canary, release });
  const wanted = new Set(placesOf(canary));
  const taken = others.find((other) => other.metadata.name === canary.metadata.name || (isCanary(other) && placesOf(other).some((place) => wanted.has(place))));
  if (taken !== undefined) {
    const [owner] = listOf(taken, 'metadata', 'ownerReferences');
    throw refused(ingress, `${formatObject(taken)}${owner === undefined ? '' : ` of ${textOf(owner, 'kind')} ${textOf(owner, 'name')}`} is a canary of it already, and a rule can have one`, 'Let that tool deploy, or take its Ingress away. When an earlier run left it: pratique canary recover.');
  }
  const port = fieldOf(rules, 0, 'http', 'paths', 0, 'backend', 'service', 'port');
  return { kind: 'ingress-nginx', main: { name, namespace, service: services.stable, port: numberOf(port, 'number') ?? textOf(port, 'name'), rules }, canary };
}

/** Host and path of each rule: one of them can have one canary. */
function placesOf(ingress: KubeObject): string[] {
  return listOf(ingress, 'spec', 'rules').flatMap((rule) => pathsOf(rule).map((path) => `${textOf(rule, 'host')} ${textOf(path, 'path') || '/'}`));
}

function makeCanary(ingress: KubeObject, { rules, service, release }: { readonly rules: readonly JsonObject[]; readonly service: string; readonly release: string }): KubeObject {
  const { name, namespace } = ingress.metadata;
  const annotations = annotationsOf(ingress);
  const field = textOf(ingress, 'spec', 'ingressClassName');
  const copied = [...spreading, ...(field === '' ? ['kubernetes.io/ingress.class'] : [])].flatMap((key) => (annotations[key] === undefined ? [] : [[key, annotations[key]]]));
  const toCanary = (path: JsonObject): JsonObject => ({ ...path, backend: { service: { ...(path['backend'] as { service: JsonObject }).service, name: service } } });
  return {
    ...kinds.ingress,
    metadata: {
      name: armName(name, 'canary'), ...(namespace !== undefined && { namespace }), labels: { [armLabels.release]: release, [armLabels.arm]: 'canary' },
      annotations: { ...Object.fromEntries(copied) as Record<string, string>, [canaryKey]: 'true', [weightKey]: '0' },
    },
    spec: { ...(field !== '' && { ingressClassName: field }), rules: rules.map((rule) => ({ ...rule, http: { paths: pathsOf(rule).map(toCanary) } })) },
  };
}

/** Whether stable's Ingress still leads to stable as it did. */
export function isUnchanged(main: KubeObject | undefined, { main: { rules, service } }: IngressSplit): boolean {
  return main !== undefined && canonicalJson(rulesTo(main, service)) === canonicalJson(rules);
}

/** Whether an Ingress is the one that a run of this release created. */
export function isOurs(ingress: KubeObject, { canary }: IngressSplit): boolean {
  return Object.entries(canary.metadata.labels ?? {}).every(([key, value]) => ingress.metadata.labels?.[key] === value);
}

/** The weight that an Ingress has; `undefined` when somebody took the annotation away. */
export function weightIn(ingress: KubeObject): string | undefined {
  return annotationsOf(ingress)[weightKey];
}

/** Changes the weight. Holds only while it is that Ingress, with that weight. */
export function weighOperations(uid: string | undefined, from: string | undefined, to: string): PatchOperation[] {
  const path = `/metadata/annotations/${weightKey.replaceAll('/', '~1')}`;
  return [{ op: 'test', path: '/metadata/uid', value: uid }, ...(from === undefined ? [] : [{ op: 'test', path, value: from } as const]), { op: 'add', path, value: to }];
}
