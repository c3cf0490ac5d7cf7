// SPDX-License-Identifier: Apache-2.0
// Tags of a repository.
import { readPages } from './pages.ts';
import { isTag } from './reference.ts';
import { repositoryScope } from './scope.ts';
import type { Transport } from './transport.ts';

const tagLimit = 100_000;

/** All tags of a repository, in the order of the registry; empty when it does not exist (distribution-spec 1.1, listing-tags). */
export async function listTags(transport: Transport, name: string): Promise<string[]> {
  const tags = await readPages({
    transport, path: `/v2/${name}/tags/list?n=1000`, scopes: [repositoryScope(name, 'pull')], limit: tagLimit, absent: [404],
    // Registries written in Go say `null` for an empty list.
    read: ({ tags: listed }) => (listed === null ? [] : Array.isArray(listed) ? listed.filter((tag): tag is string => typeof tag === 'string' && isTag(tag)) : undefined),
  });
  return [...new Set(tags ?? [])];
}
