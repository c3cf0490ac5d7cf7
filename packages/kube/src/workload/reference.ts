// SPDX-License-Identifier: Apache-2.0
// Every ConfigMap, Secret and ServiceAccount that a pod template names, and the same template with other names.
import { isJsonObject, type JsonObject } from '@pratique/core';
import { fieldOf, listOf, textOf } from '../client/object.ts';

/** Kinds that a pod template refers to by name. */
export type ReferencedKind = 'ConfigMap' | 'Secret' | 'ServiceAccount' | 'PersistentVolumeClaim';

/** Gives the new name of an object; the old one to leave it. */
export type Rename = (kind: ReferencedKind, name: string) => string;

// Key of the mapping that holds the name -> kind and key of the name. These keys mean the same wherever they stand in a PodSpec
// (https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.36/#podspec-v1-core).
const holders: Readonly<Record<string, readonly [kind: ReferencedKind, key: string]>> = {
  configMapKeyRef: ['ConfigMap', 'name'], secretKeyRef: ['Secret', 'name'], configMapRef: ['ConfigMap', 'name'], secretRef: ['Secret', 'name'],
  configMap: ['ConfigMap', 'name'], secret: ['Secret', 'secretName'], nodePublishSecretRef: ['Secret', 'name'], azureFile: ['Secret', 'secretName'],
  persistentVolumeClaim: ['PersistentVolumeClaim', 'claimName'],
};

/** `template` with each reference renamed. */
export function renameReferences(template: JsonObject, rename: Rename): JsonObject {
  const spec = walk(fieldOf(template, 'spec'), rename) as Record<string, unknown>;
  const account = textOf(spec, 'serviceAccountName') || textOf(spec, 'serviceAccount');
  // The old spelling of the field is filled in by the server itself.
  const { serviceAccount: _, ...rest } = spec;
  const pullSecrets = listOf(spec, 'imagePullSecrets').map((entry) => ({ ...entry, name: rename('Secret', textOf(entry, 'name')) }));
  return {
    ...template,
    spec: { ...rest, ...(account === '' ? {} : { serviceAccountName: rename('ServiceAccount', account) }), ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets }) },
  };
}

function walk(value: unknown, rename: Rename): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, rename));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => {
    const holder = Object.hasOwn(holders, key) ? holders[key] : undefined;
    if (holder === undefined || !isJsonObject(item)) return [key, walk(item, rename)];
    const [kind, nameKey] = holder;
    // A projected source spells the name of a Secret like that of a ConfigMap.
    const at = typeof item[nameKey] === 'string' ? nameKey : 'name';
    const name = item[at];
    return [key, typeof name === 'string' ? { ...item, [at]: rename(kind, name) } : item];
  }));
}

/** What `template` refers to, each once. */
export function listReferences(template: JsonObject): readonly { readonly kind: ReferencedKind; readonly name: string }[] {
  const found = new Map<string, { readonly kind: ReferencedKind; readonly name: string }>();
  renameReferences(template, (kind, name) => {
    found.set(`${kind}/${name}`, { kind, name });
    return name;
  });
  return [...found.values()];
}
