// SPDX-License-Identifier: Apache-2.0
// Promoting an image of two platforms with 30 referrers into another repository of the same registry: the emulator, which has the referrers API as ACR has.
import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '@pratique/host';
import { createAcrEmulator, serve } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { writeSampleImage } from '../fixtures/debian-image.ts';
import { run, takeTurns, type Row } from './measure.ts';
import { answerAfter, networkDelay, titleOf } from './network.ts';
import type { World } from './world.ts';

const goal = 0.5;
const referrers = 30;
const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** Without a network between, and with what ACR takes at least to answer; and, for scale, what Node takes for one request. */
export async function benchPromotion(world: World): Promise<Row[]> {
  return [...await promoteOver(world, 0), ...await promoteOver(world, networkDelay)];
}

async function promoteOver(world: World, delay: number): Promise<Row[]> {
  const served = await serve(answerAfter(delay, createAcrEmulator({ storage: 'memory', anonymous: true }).handle));
  try {
    const host = new URL(served.url).host;
    const registry = createRegistry({ registry: host, fetch, clock: systemClock, signal: new AbortController().signal, plainHttp: true });
    const { index } = await writeReferredImage(registry.repository('quarantine/web'));
    let turn = 0;
    const into = (promote: (repository: string) => Promise<number>) => async (): Promise<number> => {
      turn += 1;
      const time = await promote(`app/web-${turn}`);
      const { length } = await registry.repository(`app/web-${turn}`).listReferrers(index.digest);
      if (length !== referrers) throw new Error(`${length} of ${referrers} referrers were promoted`);
      return time;
    };
    const { ours, theirs, node } = await takeTurns({
      node: async () => (await run({ file: process.execPath, args: ['-e', `fetch('${served.url}/v2/').then((reply) => reply.text())`] })).milliseconds,
      ours: into((to) => world.ours(['promote', `${host}/quarantine/web`, `${host}/${to}`, index.digest])),
      theirs: into((to) => world.theirs('oras', ['cp', '--recursive', '--from-plain-http', '--to-plain-http', `${host}/quarantine/web@${index.digest}`, `${host}/${to}`])),
    }, world.rounds(5));
    const peer = { peer: 'oras cp -r', theirs };
    return [{ what: `for scale: Node starts and fetches once${titleOf(delay)}`, ours: node, ...peer }, { what: `promote an image with ${referrers} referrers${titleOf(delay)}`, ours, ...peer, goal }];
  } finally {
    await served.close();
  }
}

/** As sign-and-attest leaves it: each referrer one bundle of some kilobytes. */
async function writeReferredImage(repository: Repository): Promise<{ readonly index: Descriptor }> {
  const { index } = await writeSampleImage(repository);
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  for (let count = 0; count < referrers; count += 1) {
    const bundle = randomBytes(8192);
    const layer: Descriptor = { mediaType: bundleType, digest: `sha256:${createHash('sha256').update(bundle).digest('hex')}`, size: bundle.length };
    await repository.writeBlob(layer, async () => streamOf(bundle));
    await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: bundleType, config: emptyBlob.descriptor, layers: [layer], subject: index }));
  }
  return { index };
}
