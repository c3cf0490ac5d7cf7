// SPDX-License-Identifier: Apache-2.0
// Label selectors, and which objects of a namespace select a pod (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
import { isJsonObject } from '@pratique/core';
import { fieldOf, formatObject, listOf, textMapOf, textOf, type KubeObject } from '../client/object.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether a LabelSelector (`matchLabels`, `matchExpressions`) selects `labels`. An empty one selects everything; an operator that is not known nothing. */
export function selects(selector: unknown, labels: Labels): boolean {
  const exact = Object.entries(textMapOf(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return exact && listOf(selector, 'matchExpressions').every((expression) => {
    const key = textOf(expression, 'key');
    const given = fieldOf(expression, 'values');
    const values: readonly unknown[] = Array.isArray(given) ? given : [];
    const value = labels[key];
    switch (textOf(expression, 'operator')) {
      case 'In': return value !== undefined && values.includes(value);
      case 'NotIn': return value === undefined || !values.includes(value);
      case 'Exists': return value !== undefined;
      case 'DoesNotExist': return value === undefined;
      default: return false;
    }
  });
}

/** Every key that a LabelSelector asks for. */
export function selectorKeys(selector: unknown): string[] {
  return [...Object.keys(textMapOf(selector, 'matchLabels')), ...listOf(selector, 'matchExpressions').map((expression) => textOf(expression, 'key'))];
}

const selectorPlaces: Readonly<Record<string, readonly string[]>> = {
  Service: ['spec', 'selector'], Deployment: ['spec', 'selector'], StatefulSet: ['spec', 'selector'], DaemonSet: ['spec', 'selector'], ReplicaSet: ['spec', 'selector'],
  PodDisruptionBudget: ['spec', 'selector'], NetworkPolicy: ['spec', 'podSelector'],
};

/** The selector of an object as a LabelSelector; `undefined` when it has none, or one that selects all pods of the namespace. */
export function selectorOf(object: KubeObject): unknown {
  const selector = fieldOf(object, ...(selectorPlaces[object.kind] ?? ['none']));
  if (!isJsonObject(selector)) return undefined;
  const asLabels = object.kind === 'Service' ? { matchLabels: selector } : selector;
  return selectorKeys(asLabels).length === 0 ? undefined : asLabels;
}

/** The objects among `objects` that would take pods with `labels` for their own, as people call them. Empty is what a canary must have. */
export function findSelectors(objects: readonly KubeObject[], labels: Labels): string[] {
  return objects.filter((object) => {
    const selector = selectorOf(object);
    return selector !== undefined && selects(selector, labels);
  }).map(formatObject);
}
