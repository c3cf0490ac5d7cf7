// SPDX-License-Identifier: Apache-2.0
// Pushing an OCI layout to an empty Docker registry: one large layer, and many small ones, these also over a network.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fastest, takeTurns, type Contestant, type Row } from './measure.ts';
import { networkDelay, openSlowWay, titleOf } from './network.ts';
import { writeRandomLayout } from './random-layout.ts';
import { startDockerRegistry } from './registry.ts';
import type { World } from './world.ts';

const goal = 0.8;
const layouts = [{ title: '1 x 500 MB', count: 1, mebibytes: 500, delays: [0] }, { title: '200 x 1 MB', count: 200, mebibytes: 1, delays: [0, networkDelay] }] as const;

export async function benchPush(world: World): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { title, delays, ...shape } of layouts) {
    const layout = join(world.folder, 'layout');
    await writeRandomLayout(layout, world.quick ? smaller(shape) : shape);
    for (const delay of delays) {
      const { ours, ...others } = await takeTurns(contestants(world, layout, delay), world.rounds(3));
      rows.push({ what: `push a layout of ${title}${world.quick ? ' / 10' : ''}${titleOf(delay)}`, ours, ...fastest(others), goal });
    }
    await rm(layout, { recursive: true });
  }
  return rows;
}

function smaller({ count, mebibytes }: { readonly count: number; readonly mebibytes: number }) {
  return count > 1 ? { count: count / 10, mebibytes } : { count, mebibytes: mebibytes / 10 };
}

function contestants(world: World, layout: string, delay: number) {
  const into = (push: (repository: string) => Promise<number>): Contestant => async () => {
    const registry = await startDockerRegistry(world);
    const way = await openSlowWay(registry.host, delay);
    try {
      const time = await push(`${delay === 0 ? registry.host : way.host}/web`);
      await requirePushed(registry.host);
      return time;
    } finally {
      way.close();
      await registry.close();
    }
  };
  return {
    ours: into((repository) => world.ours(['push', layout, repository, 'v1'])),
    oras: into((repository) => world.theirs('oras', ['cp', '--from-oci-layout', `${layout}:v1`, '--to-plain-http', `${repository}:v1`])),
    crane: into((repository) => world.theirs('crane', ['push', '--insecure', layout, `${repository}:v1`])),
    skopeo: into((repository) => world.theirs('skopeo', ['copy', '--quiet', '--insecure-policy', '--dest-tls-verify=false', '--preserve-digests', `oci:${layout}:v1`, `docker://${repository}:v1`])),
  };
}

/** Nobody wins by leaving something out. */
async function requirePushed(host: string): Promise<void> {
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const reply = await fetch(`http://${host}/v2/web/manifests/v1`, { headers: { accept } });
  if (!reply.ok || reply.headers.get('content-type') !== accept) throw new Error(`the image was not pushed as it is: ${reply.status} ${reply.headers.get('content-type')}`);
}
