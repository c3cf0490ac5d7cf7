// SPDX-License-Identifier: Apache-2.0
// From group, version and kind to the path of the API, as the server itself tells it; asked once for each group and version.
import { Failure } from '@pratique/core';
import { fieldOf, listOf, textOf, type ObjectKind } from './object.ts';
import type { KubeTransport } from './transport.ts';

/** How the API names a kind. */
export interface Resource {
  readonly group: string;
  /** Plural, lower case. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** `/api/v1` or `/apis/GROUP/VERSION`. */
  readonly root: string;
}

/** Knows resources. */
export interface Discovery {
  /** Fails with `KUBE_NOT_FOUND` when the cluster does not serve the kind. */
  find(kind: ObjectKind): Promise<Resource>;
  /** Whether the cluster serves the kind. */
  serves(kind: ObjectKind): Promise<boolean>;
}

/** Discovery with a cache for the run. A version that is not served is asked for again, since definitions may be installed meanwhile. */
export function createDiscovery(transport: KubeTransport): Discovery {
  const versions = new Map<string, Promise<ReadonlyMap<string, Resource> | undefined>>();
  const load = (apiVersion: string): Promise<ReadonlyMap<string, Resource> | undefined> => {
    const known = versions.get(apiVersion) ?? readVersion(transport, apiVersion);
    versions.set(apiVersion, known);
    known.then((found) => found ?? versions.delete(apiVersion), () => versions.delete(apiVersion));
    return known;
  };
  return {
    serves: async ({ apiVersion, kind }) => (await load(apiVersion))?.has(kind) ?? false,
    async find({ apiVersion, kind }) {
      const found = (await load(apiVersion))?.get(kind);
      if (found !== undefined) return found;
      throw new Failure({ code: 'KUBE_NOT_FOUND', message: `the cluster does not serve ${kind} of ${apiVersion}`, hint: apiVersion.includes('.') ? 'Install the custom resource definitions that bring it.' : `kubectl api-resources shows what it serves.` });
    },
  };
}

async function readVersion(transport: KubeTransport, apiVersion: string): Promise<ReadonlyMap<string, Resource> | undefined> {
  if (!/^(?:[a-z0-9.-]+\/)?v[a-z0-9]+$/.test(apiVersion)) throw new Failure({ code: 'KUBE_INVALID', message: `"${apiVersion.slice(0, 100)}" is no apiVersion` });
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const root = group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  const { status, object } = await transport.send({ method: 'GET', path: root, verb: 'get', group: '', resource: '', accept: [404] });
  if (status === 404) return undefined;
  const entries = listOf(object, 'resources').filter((entry) => !textOf(entry, 'name').includes('/'));
  return new Map(entries.map((entry) => [textOf(entry, 'kind'), { group, root, plural: textOf(entry, 'name'), namespaced: fieldOf(entry, 'namespaced') === true }]));
}
