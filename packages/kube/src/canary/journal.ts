// SPDX-License-Identifier: Apache-2.0
// Keeps the record of a canary in a ConfigMap: written only over what this run has read, so that two runs never mix.
import { Failure } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import { kinds, textOf, type KubeObject } from '../client/object.ts';
import { formatRecord, readRecord } from './record.ts';
import type { CanaryWorld } from './world.ts';

/** Where the record is kept. */
export interface JournalPlace {
  readonly cluster: Pick<Cluster, 'get' | 'create' | 'update' | 'remove'>;
  readonly namespace: string;
  /** Of the main release. */
  readonly release: string;
  /** Of the lock (`Lease.fence`): a run that lost it cannot write over its successor. */
  readonly fence: number;
}

/** Name of the ConfigMap and of the Lease of a release. */
export function journalName(release: string): string {
  return `pratique-canary-${release}`;
}

/** Opens the journal; nothing is sent yet. Its methods fail with `KUBE_JOURNAL_INVALID`, `KUBE_LEASE_LOST` and what the cluster fails with. */
export function openJournal({ cluster, namespace, release, fence }: JournalPlace): CanaryWorld['journal'] {
  const ref = { ...kinds.configMap, name: journalName(release), namespace };
  let known: KubeObject | undefined;
  const read = async (): Promise<KubeObject | undefined> => {
    known = await cluster.get(ref);
    if (known !== undefined && Number(textOf(known, 'data', 'fence')) > fence) {
      throw new Failure({ code: 'KUBE_LEASE_LOST', message: `the journal ${namespace}/${ref.name} was written by a run that took the lock over` });
    }
    return known;
  };
  return {
    async read() {
      const found = await read();
      return found === undefined ? undefined : readRecord(textOf(found, 'data', 'record'));
    },
    async write(record) {
      const before = known ?? (await read());
      const data = { record: formatRecord(record), fence: String(fence) };
      const labels = { 'app.kubernetes.io/managed-by': 'pratique', 'app.kubernetes.io/instance': release };
      const object: KubeObject = { ...kinds.configMap, metadata: before?.metadata ?? { name: ref.name, namespace, labels }, data };
      known = before === undefined ? await cluster.create(object) : await cluster.update(object);
    },
    async remove() {
      const found = await read();
      if (found !== undefined) await cluster.remove(ref, { ...(found.metadata.uid !== undefined && { uid: found.metadata.uid }) });
      known = undefined;
    },
  };
}
