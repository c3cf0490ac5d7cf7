// SPDX-License-Identifier: Apache-2.0
// One arm of a canary, made from a rendered manifest: the routed workload, its Service, and the configuration that it refers to, all under names and
// labels of their own, so that nothing of stable selects them and configuration is part of what is judged.
import { createHash } from 'node:crypto';
import { Failure, isJsonObject, type JsonObject } from '@pratique/core';
import { fieldOf, formatObject, listOf, textMapOf, textOf, type KubeObject } from '../client/object.ts';
import type { Arm } from '../judge/slot.ts';
import { explainLeftOut, type LeftOut } from './left-out.ts';
import { makeTemplate } from './template.ts';
import { listReferences, type Rename } from './reference.ts';
import { findSelectors, selectorKeys, selectorOf, selects } from './selector.ts';

/** How an arm is made. */
export interface ArmOptions {
  readonly arm: Arm;
  /** The main release. */
  readonly release: string;
  readonly namespace: string;
  /** The Service that the route sends traffic to. */
  readonly service: string;
  /** Pods of this arm; the same for both, at least 1. */
  readonly replicas: number;
  /** Image references to replace, for example a tag by the digest that stable's pods run. */
  readonly pins?: Readonly<Record<string, string>>;
}

/** An arm, ready to be wrapped as a chart. */
export interface ArmWorkload {
  readonly arm: Arm;
  readonly objects: readonly KubeObject[];
  /** The Deployment that it is made from. */
  readonly original: string;
  readonly deployment: string;
  readonly service: string;
  /** Labels of its pods; the first two are the selector. */
  readonly podLabels: Readonly<Record<string, string>>;
  readonly leftOut: readonly LeftOut[];
  /** Referred to, but not rendered by the chart: shared with stable under the same name. */
  readonly shared: readonly string[];
  /** Images of its containers that are named by tag only. */
  readonly unpinned: readonly string[];
}

/** Keys of the labels by which the pods of an arm are known. */
export const armLabels = { release: 'pratique.dev/release', arm: 'pratique.dev/arm' } as const;

const invalid = (message: string, hint: string): Failure => new Failure({ code: 'WORKLOAD_INVALID', message, hint });

/** `shop-canary`; names that would be longer than 63 characters are shortened and told apart by a hash. */
export function armName(name: string, arm: Arm): string {
  const whole = `${name}-${arm}`;
  if (whole.length <= 63) return whole;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, 63 - hash.length - arm.length - 2)}-${hash}-${arm}`;
}

/** Makes an arm. Fails with `WORKLOAD_INVALID` when there is no such Service, no single Deployment behind it, or when it holds data. */
export function makeArm(rendered: readonly KubeObject[], options: ArmOptions): ArmWorkload {
  const objects = rendered.filter((object) => textMapOf(object, 'metadata', 'annotations')['helm.sh/hook'] === undefined && (object.metadata.namespace ?? options.namespace) === options.namespace);
  const service = findService(objects, options.service);
  const deployment = findDeployment(objects, service);
  const original = fieldOf(deployment, 'spec', 'template');
  if (!isJsonObject(original)) throw invalid(`${formatObject(deployment)} has no pod template`, 'Look at what the chart renders: helm template.');
  const references = withAccountSecrets(objects, listReferences(original));
  refuseClaims(deployment, references);
  const configuration = pickConfiguration(objects, references);
  const rename: Rename = (kind, name) => (configuration.some((object) => object.kind === kind && object.metadata.name === name) ? armName(name, options.arm) : name);
  const selector = { [armLabels.release]: options.release, [armLabels.arm]: options.arm };
  const kept = keptLabels(objects, textMapOf(original, 'metadata', 'labels'));
  const { template, unpinned } = makeTemplate(original, { labels: { ...kept, ...selector }, selector, rename, pins: options.pins ?? {} });
  const podLabels = { ...selector, ...kept };
  const takers = findSelectors(objects, podLabels);
  if (takers.length > 0) throw invalid(`${takers.join(', ')} would take pods of the ${options.arm} for its own`, 'A selector that only excludes labels selects them; name labels that the pods must have instead.');
  const name = (object: KubeObject): KubeObject['metadata'] => ({ name: armName(object.metadata.name, options.arm), namespace: options.namespace, labels: selector, ...annotationsOf(object) });
  const made = [
    ...configuration.map((object) => renameConfiguration(object, { metadata: name(object), rename })),
    makeService(service, { metadata: name(service), selector }),
    makeDeployment(deployment, { metadata: name(deployment), selector, template, replicas: options.replicas }),
  ];
  const used = new Set<KubeObject>([service, deployment, ...configuration]);
  return {
    arm: options.arm, objects: made, original: deployment.metadata.name, deployment: armName(deployment.metadata.name, options.arm), service: armName(service.metadata.name, options.arm), podLabels, unpinned,
    leftOut: rendered.filter((object) => !used.has(object)).map(explainLeftOut),
    shared: references.filter(({ kind, name }) => !configuration.some((object) => object.kind === kind && object.metadata.name === name)).map(({ kind, name }) => `${kind} ${name}`),
  };
}

function findService(objects: readonly KubeObject[], name: string): KubeObject {
  const services = objects.filter((object) => object.kind === 'Service' && object.apiVersion === 'v1');
  const found = services.find((service) => service.metadata.name === name);
  if (found === undefined) throw invalid(`the chart renders no Service "${name}", to which the route sends traffic`, `It renders: ${services.map((service) => service.metadata.name).join(', ') || 'none'}.`);
  if (selectorOf(found) === undefined) throw invalid(`the Service "${name}" has no selector`, 'Traffic can be split only between Services that select pods.');
  return found;
}

function findDeployment(objects: readonly KubeObject[], service: KubeObject): KubeObject {
  const workloads = objects.filter((object) => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind) && selects(selectorOf(service), textMapOf(object, 'spec', 'template', 'metadata', 'labels')));
  const [found] = workloads;
  if (workloads.length !== 1 || found === undefined) {
    throw invalid(`${workloads.length === 0 ? 'no workload' : `more than one workload (${workloads.map(formatObject).join(', ')})`} of the chart is selected by the Service "${service.metadata.name}"`, 'Its selector must match the pod template of exactly one Deployment.');
  }
  if (found.kind !== 'Deployment') throw invalid(`${formatObject(found)} cannot be run twice side by side`, 'A canary needs a Deployment.');
  return found;
}

function refuseClaims(deployment: KubeObject, references: ReturnType<typeof listReferences>): void {
  const claim = references.find(({ kind }) => kind === 'PersistentVolumeClaim');
  if (claim !== undefined) throw invalid(`${formatObject(deployment)} mounts the claim "${claim.name}": a canary would write to the data of stable`, 'Keep the data out of the routed workload.');
}

/** A pod also pulls with the secrets of its service account. */
function withAccountSecrets(objects: readonly KubeObject[], references: ReturnType<typeof listReferences>): ReturnType<typeof listReferences> {
  const accounts = objects.filter((object) => object.kind === 'ServiceAccount' && references.some(({ kind, name }) => kind === 'ServiceAccount' && name === object.metadata.name));
  const names = accounts.flatMap((account) => listOf(account, 'imagePullSecrets')).map((entry) => textOf(entry, 'name'));
  return [...references, ...names.filter((name) => !references.some((known) => known.kind === 'Secret' && known.name === name)).map((name) => ({ kind: 'Secret' as const, name }))];
}

/** The referenced objects that the chart renders. A service account whose name others know (cloud identity, role bindings) stays shared. */
function pickConfiguration(objects: readonly KubeObject[], references: ReturnType<typeof listReferences>): KubeObject[] {
  const bound = new Set(objects.filter((object) => /^(?:Cluster)?RoleBinding$/.test(object.kind)).flatMap((binding) => listOf(binding, 'subjects')).filter((subject) => subject['kind'] === 'ServiceAccount').map((subject) => textOf(subject, 'name')));
  const known = (object: KubeObject): boolean => bound.has(object.metadata.name) || Object.keys(textMapOf(object, 'metadata', 'annotations')).some((key) => /^(?:azure\.workload\.identity|eks\.amazonaws\.com|iam\.gke\.io)\//.test(key));
  return objects.filter((object) => references.some(({ kind, name }) => kind === object.kind && name === object.metadata.name) && !(object.kind === 'ServiceAccount' && known(object)));
}

/** Labels of the pods without those by which anything of the chart selects. */
function keptLabels(objects: readonly KubeObject[], labels: Readonly<Record<string, string>>): Record<string, string> {
  const selected = new Set(objects.flatMap((object) => selectorKeys(selectorOf(object))));
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !selected.has(key)));
}

const foreign = /^(?:meta\.helm\.sh|helm\.sh|deployment\.kubernetes\.io|kubectl\.kubernetes\.io)\//;

function annotationsOf(object: KubeObject): { annotations?: Record<string, string> } {
  const annotations = Object.fromEntries(Object.entries(textMapOf(object, 'metadata', 'annotations')).filter(([key]) => !foreign.test(key)));
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

function renameConfiguration(object: KubeObject, { metadata, rename }: { readonly metadata: KubeObject['metadata']; readonly rename: Rename }): KubeObject {
  if (object.kind !== 'ServiceAccount') return { ...object, metadata };
  const renamed = (key: string): JsonObject => {
    const entries = listOf(object, key).map((entry) => ({ ...entry, name: rename('Secret', textOf(entry, 'name')) }));
    return entries.length === 0 ? {} : { [key]: entries };
  };
  return { ...object, metadata, ...renamed('imagePullSecrets'), ...renamed('secrets') };
}

type Identity = { readonly metadata: KubeObject['metadata']; readonly selector: Readonly<Record<string, string>> };

function makeService(service: KubeObject, { metadata, selector }: Identity): KubeObject {
  const ports = listOf(service, 'spec', 'ports').map(({ nodePort: _, ...port }) => port);
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'ClusterIP', selector, ports } };
}

function makeDeployment(deployment: KubeObject, { metadata, selector, template, replicas }: Identity & { readonly template: JsonObject; readonly replicas: number }): KubeObject {
  const { paused: _, ...spec } = fieldOf(deployment, 'spec') as Record<string, unknown>;
  return { apiVersion: deployment.apiVersion, kind: deployment.kind, metadata, spec: { ...spec, replicas, revisionHistoryLimit: 1, selector: { matchLabels: selector }, template } };
}
