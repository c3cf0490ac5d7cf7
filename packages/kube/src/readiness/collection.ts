// SPDX-License-Identifier: Apache-2.0
// The objects of one query as they are now, kept up to date by a watch.
import type { Cluster } from '../client/cluster.ts';
import type { KubeObject, ObjectQuery } from '../client/object.ts';

/** How long, and who is told. */
export interface FollowOptions {
  /** Ends it quietly. */
  readonly signal: AbortSignal;
  /** Told of all objects whenever one changes; first of the list. */
  readonly onChange: (objects: readonly KubeObject[]) => void;
}

/** Follows the objects until the signal. Fails as watches do (`KUBE_*`). */
export async function followObjects(cluster: Pick<Cluster, 'watch'>, query: ObjectQuery, { signal, onChange }: FollowOptions): Promise<void> {
  const known = new Map<string, KubeObject>();
  for await (const change of cluster.watch(query, { signal })) {
    if (change.type === 'listed') {
      known.clear();
      for (const item of change.items) known.set(item.metadata.name, item);
    } else if (change.type === 'gone') known.delete(change.object.metadata.name);
    else known.set(change.object.metadata.name, change.object);
    onChange([...known.values()]);
  }
}
