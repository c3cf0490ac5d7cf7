// SPDX-License-Identifier: Apache-2.0
// The pod template of an arm: own labels, renamed references, pinned images, and spreading rules that mean the arm's own pods.
import { isJsonObject, type JsonObject } from '@pratique/core';
import { fieldOf, listOf, textMapOf, textOf } from '../client/object.ts';
import { renameReferences, type Rename } from './reference.ts';
import { selects } from './selector.ts';

/** What is put in. */
export interface TemplateChanges {
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  readonly rename: Rename;
  readonly pins: Readonly<Record<string, string>>;
}

/** The changed template, and the images that are still named by tag. */
export function makeTemplate(original: JsonObject, { labels, selector, rename, pins }: TemplateChanges): { template: JsonObject; unpinned: string[] } {
  const renamed = renameReferences(original, rename);
  const before = textMapOf(original, 'metadata', 'labels');
  // Rules about "my own kind" must go on meaning it; rules about other applications stay.
  const ownSelectors = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(ownSelectors);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, key === 'labelSelector' && selects(item, before) ? { matchLabels: selector } : ownSelectors(item)]));
  };
  const spec = fieldOf(renamed, 'spec') as JsonObject;
  const containers = Object.fromEntries(['containers', 'initContainers'].filter((key) => Array.isArray(spec[key])).map((key) => [key, listOf(spec, key).map((container) => pin(container, pins))]));
  const placed = Object.fromEntries(['affinity', 'topologySpreadConstraints'].filter((key) => spec[key] !== undefined).map((key) => [key, ownSelectors(spec[key])]));
  const annotations = textMapOf(original, 'metadata', 'annotations');
  const images = ['containers', 'initContainers'].flatMap((key) => listOf(containers, key)).map((container) => textOf(container, 'image'));
  return {
    template: { metadata: { labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) }, spec: { ...spec, ...containers, ...placed } },
    unpinned: [...new Set(images)].filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image)),
  };
}

function pin(container: JsonObject, pins: Readonly<Record<string, string>>): JsonObject {
  const image = textOf(container, 'image');
  return Object.hasOwn(pins, image) ? { ...container, image: pins[image] } : container;
}
