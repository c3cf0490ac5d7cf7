// SPDX-License-Identifier: Apache-2.0
// Lists of /acr/v1, which come in pages linked by `Link: <...>; rel="next"`.
import { Failure, isJsonObject, parseJsonObject, type JsonObject } from '@pratique/core';
import { repositoryScope, type Registry } from '@pratique/oci';

const pageSize = 100;
const mostPages = 50;

/** What is listed. */
export interface MetadataList {
  readonly repository: string;
  readonly list: 'manifests' | 'tags';
  /** Further query, for example `&digest=...`. */
  readonly query?: string;
}

/** Every item of a list, as it came. Fails with `REGISTRY_TOO_LARGE` above 5,000, `REGISTRY_NOT_FOUND`, `REGISTRY_*`, `ACR_ROLE_MISSING`. */
export async function readMetadataList(oci: Registry, { repository, list, query = '' }: MetadataList): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  let path: string | undefined = `/acr/v1/${encodeURIComponent(repository)}/_${list}?n=${pageSize}${query}`;
  for (let page = 0; path !== undefined; page += 1) {
    if (page === mostPages) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${oci.registry}/${repository} has more than ${mostPages * pageSize} ${list}` });
    const reply = await oci.request({ method: 'GET', path, scopes: [repositoryScope(repository, 'metadata_read')] });
    const items: unknown = parseJsonObject(await reply.text(), `the ${list} of ${oci.registry}/${repository}`, 'REGISTRY_PROTOCOL')[list];
    found.push(...(Array.isArray(items) ? items.filter(isJsonObject) : []));
    path = /^<(\/[^>]+)>;\s*rel="?next"?/.exec(reply.headers.get('link') ?? '')?.[1];
  }
  return found;
}
