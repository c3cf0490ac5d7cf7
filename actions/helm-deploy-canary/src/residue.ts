// SPDX-License-Identifier: Apache-2.0
// Proofs at the end: nothing of the canary is left, and every pod runs exactly the digest.
import { Failure, formatImage, type PinnedImage } from '@pratique/core';
import { armLabels, formatObject, kinds, listOf, textMapOf, textOf, type Cluster, type KubeObject, type ObjectKind } from '@pratique/kube';
import { imagesOf, workloadsOf } from './plan.ts';

const beside = [kinds.deployment, kinds.replicaSet, kinds.service, kinds.configMap, kinds.secret, { apiVersion: 'v1', kind: 'ServiceAccount' }] as const;

/** Everything that carries the labels of an arm of the release; unless it is the `whole`, only its pods while there are any, since they end last. Foreground deletion means that it is gone, not only going. */
export async function listResidue(cluster: Pick<Cluster, 'list'>, release: string, { whole } = { whole: false }): Promise<readonly string[]> {
  const labelSelector = `${armLabels.release}=${release}`;
  const listed = async (kind: ObjectKind): Promise<readonly KubeObject[]> => (await cluster.list({ ...kind, labelSelector })).items;
  const pods = await listed(kinds.pod);
  if (pods.length > 0 && !whole) return pods.map(formatObject);
  const others = await Promise.all([...beside.map(listed), listed(kinds.ingress).catch(notAllowed)]);
  return [...pods, ...others.flat()].map(formatObject);
}

/** Who may not list Ingresses has made none. */
function notAllowed(thrown: unknown): readonly KubeObject[] {
  if (thrown instanceof Failure && thrown.code === 'KUBE_FORBIDDEN') return [];
  throw thrown;
}

/** Every ready pod of the workloads that run the image has it by digest. Fails with `CANARY_NOT_READY`. */
export async function requireRunning(cluster: Pick<Cluster, 'list'>, { image, objects }: { readonly image: PinnedImage; readonly objects: readonly KubeObject[] }): Promise<void> {
  for (const workload of workloadsOf(objects).filter((one) => imagesOf(one).includes(formatImage(image)))) await requirePods(cluster, { image, labels: textMapOf(workload, 'spec', 'selector', 'matchLabels') });
}

/** Every pod with these labels that is not on its way out runs the image by digest, and there are `least` of them. Fails with `CANARY_NOT_READY`. */
export async function requirePods(cluster: Pick<Cluster, 'list'>, { image, labels, least = 0 }: { readonly image: PinnedImage; readonly labels: Readonly<Record<string, string>>; readonly least?: number }): Promise<void> {
  const labelSelector = Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(',');
  const { items } = await cluster.list({ ...kinds.pod, labelSelector });
  const alive = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const wrong = alive.filter((pod) => !listOf(pod, 'status', 'containerStatuses').some((status) => textOf(status, 'imageID').endsWith(`@${image.digest}`)));
  const hint = `kubectl get pods --selector ${labelSelector} -o jsonpath='{..imageID}'`;
  if (wrong.length > 0) throw new Failure({ code: 'CANARY_NOT_READY', message: `${wrong.map(formatObject).slice(0, 5).join(', ')} do not run ${image.digest}`, hint });
  if (alive.length < least) throw new Failure({ code: 'CANARY_NOT_READY', message: `${alive.length} pods run ${image.digest}, not ${least}`, hint });
}
