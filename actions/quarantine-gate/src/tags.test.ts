// SPDX-License-Identifier: Apache-2.0
// Tags on an emulated registry, with others that write at the same time.
import { Failure, type Digest } from '@pratique/core';
import { systemClock } from '@pratique/host';
import { createAcrEmulator } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, streamOf, type Manifest, type Repository } from '@pratique/oci';
import { describe, expect, test } from 'vitest';
import { holdsVerdict, recomputeTags, writeTags } from './tags.ts';

interface Stage {
  readonly repository: Repository;
  /** Called after each tag that was written, with its name. */
  afterTag: (tag: string) => Promise<void>;
  add(version: string, tag?: string): Promise<Manifest>;
  at(tag: string): Promise<Digest | undefined>;
  untag(tag: string): Promise<void>;
  lock(tag: string): Promise<void>;
}

function createStage(): Stage {
  const { handle } = createAcrEmulator({ anonymous: true });
  const route: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const reply = await handle(request);
    const tag = /\/manifests\/([^/:]+)$/.exec(new URL(request.url).pathname)?.[1];
    if (request.method === 'PUT' && tag !== undefined) await stage.afterTag(tag);
    return reply;
  };
  const registry = createRegistry({ registry: 'registry.test', fetch: route, clock: systemClock, signal: new AbortController().signal });
  const repository = registry.repository('web');
  const stage: Stage = {
    repository,
    afterTag: () => Promise.resolve(),
    async untag(tag) {
      await registry.request({ method: 'DELETE', path: `/v2/web/manifests/${tag}`, scopes: [] });
    },
    async lock(tag) {
      await registry.request({ method: 'PATCH', path: `/acr/v1/web/_tags/${tag}`, scopes: [], headers: { 'content-type': 'application/json' }, body: JSON.stringify({ writeEnabled: false }) });
    },
    async add(version, tag) {
      await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
      const written = await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: emptyBlob.descriptor, layers: [], annotations: { version } }), tag);
      return repository.readManifest(written.digest);
    },
    at: async (tag) => (await repository.resolve(tag))?.digest,
  };
  return stage;
}

const all = (): Promise<boolean> => Promise.resolve(true);
const write = (stage: Stage, version: string, manifest: Manifest, competes: (digest: Digest) => Promise<boolean> = all): Promise<readonly string[]> => writeTags({ repository: stage.repository, version, manifest, competes, moving: true });

test('a release that comes in between is seen in the next round', async () => {
  const stage = createStage();
  const [low, high] = [await stage.add('1.2.0'), await stage.add('1.3.0')];
  let once = false;
  stage.afterTag = async (tag) => {
    if (tag !== '1' || once) return;
    once = true;
    await stage.repository.tag(high, '1.3.0');
  };
  expect(await write(stage, '1.2.0', low)).toEqual(['1.2.0', '1.2']);
  expect([await stage.at('1.2'), await stage.at('1'), await stage.at('latest')]).toEqual([low.descriptor.digest, high.descriptor.digest, high.descriptor.digest]);
});

test('somebody who writes in every round is told of, and the loop ends', async () => {
  const stage = createStage();
  const [own, other] = [await stage.add('1.2.0'), await stage.add('other')];
  let busy = false;
  stage.afterTag = async (tag) => {
    if (tag !== 'latest' || busy) return;
    busy = true;
    await stage.repository.tag(other, 'latest');
    busy = false;
  };
  await expect(write(stage, '1.2.0', own)).rejects.toMatchObject({ code: 'GATE_TAGS_UNSTABLE', exitStatus: 4 });
  stage.afterTag = () => Promise.resolve();
  expect(await write(stage, '1.2.0', own)).toEqual(['1.2.0', '1.2', '1', 'latest']);
});

test('a version tag that another took, before or in between, is not touched', async () => {
  const stage = createStage();
  const own = await stage.add('1.2.0');
  const other = await stage.add('other', '1.2.0');
  await expect(write(stage, '1.2.0', own)).rejects.toMatchObject({ code: 'GATE_VERSION_TAKEN' });
  expect(await stage.at('1.2.0')).toBe(other.descriptor.digest);
  expect(await stage.at('1.2')).toBeUndefined();
  const late = await stage.add('1.4.0');
  stage.afterTag = async (tag) => {
    if (tag === '1.4') await stage.repository.tag(other, '1.4.0');
  };
  await expect(write(stage, '1.4.0', late)).rejects.toMatchObject({ code: 'GATE_VERSION_TAKEN' });
});

test('only what holds a verdict competes, and it is not asked for more than it must', async () => {
  const stage = createStage();
  await stage.add('9.9.9', '9.9.9');
  const asked: string[] = [];
  const own = await stage.add('1.2.0');
  expect(await write(stage, '1.2.0', own, async (digest) => asked.push(digest) < 0)).toEqual(['1.2.0', '1.2', '1', 'latest']);
  expect(new Set(asked).size).toBe(1);
});

test('a rival on every moving tag is asked for once a round', async () => {
  const stage = createStage();
  const rival = await stage.add('1.2.9', '1.2.9');
  const asked: string[] = [];
  const own = await stage.add('1.2.0');
  expect(await write(stage, '1.2.0', own, async (digest) => asked.push(digest) < 0)).toEqual(['1.2.0', '1.2', '1', 'latest']);
  // The round that writes, and the one that changes nothing.
  expect(asked).toEqual([rival.descriptor.digest, rival.descriptor.digest]);
});

test('build metadata stands in the tag behind an underscore', async () => {
  const stage = createStage();
  const own = await stage.add('1.2.0+5');
  expect(await write(stage, '1.2.0+5', own)).toEqual(['1.2.0_5', '1.2', '1', 'latest']);
  await expect(write(stage, '1.2', own)).rejects.toMatchObject({ code: 'VERSION_INVALID' });
});

describe('a revoked release', () => {
  async function released(): Promise<{ readonly stage: Stage; readonly low: Digest; readonly high: Digest }> {
    const stage = createStage();
    const [low, high] = [await stage.add('1.1.0'), await stage.add('1.2.0')];
    await write(stage, '1.1.0', low);
    await write(stage, '1.2.0', high);
    return { stage, low: low.descriptor.digest, high: high.descriptor.digest };
  }
  const revoke = ({ repository, untag }: Stage, digest: Digest): Promise<readonly string[]> => recomputeTags({
    repository, digest, untag, standing: (asked) => (asked === digest ? Promise.reject(new Failure({ code: 'VERDICT_REFUSED', message: 'revoked' })) : Promise.resolve()),
  });

  test('loses its moving tags to the next best, or they go', async () => {
    const { stage, low, high } = await released();
    expect([...await revoke(stage, high)].sort()).toEqual(['1', '1.2', 'latest']);
    expect([await stage.at('1.2'), await stage.at('1'), await stage.at('latest'), await stage.at('1.2.0')]).toEqual([undefined, low, low, high]);
    expect(await revoke(stage, high)).toEqual([]);
  });

  test('loses them to a release that comes in between', async () => {
    const { stage, high } = await released();
    const newer = await stage.add('1.3.0');
    let once = false;
    stage.afterTag = async (tag) => {
      if (tag !== 'latest' || once) return;
      once = true;
      await write(stage, '1.3.0', newer);
      // The answer of the registry to this write was late: it undoes what the other has done.
      await stage.repository.tag(await stage.repository.readManifest('1.1.0'), 'latest');
    };
    await revoke(stage, high);
    expect([await stage.at('1'), await stage.at('latest')]).toEqual([newer.descriptor.digest, newer.descriptor.digest]);
  });

  test('killed after a tag was moved to the wrong place, the next attempt puts it right', async () => {
    const { stage, low, high } = await released();
    const newer = await stage.add('1.3.0', '1.3.0');
    for (const tag of ['1', 'latest']) await stage.repository.tag(await stage.repository.readManifest(low), tag);
    await revoke(stage, high);
    expect([await stage.at('1'), await stage.at('latest')]).toEqual([newer.descriptor.digest, newer.descriptor.digest]);
  });
});

test('a version tag that another run took and locked in between is ours when it names our image', async () => {
  const stage = createStage();
  const [own, other] = [await stage.add('1.2.0'), await stage.add('other')];
  const behind = (manifest: Manifest): Repository => ({
    ...stage.repository,
    async tag(written, tag) {
      if (await stage.at(tag) === undefined) {
        await stage.repository.tag(manifest, tag);
        await stage.lock(tag);
      }
      await stage.repository.tag(written, tag);
    },
  });
  const release = (version: string, quicker: Manifest): Promise<readonly string[]> => writeTags({ repository: behind(quicker), version, manifest: own, competes: all, moving: false });
  expect(await release('1.2.0', own)).toEqual(['1.2.0']);
  await expect(release('1.4.0', other)).rejects.toMatchObject({ code: 'GATE_VERSION_TAKEN' });
});

test.each([
  ['holds', undefined, true],
  ['has expired', new Failure({ code: 'VERDICT_EXPIRED', message: 'old' }), true],
  ['was revoked', new Failure({ code: 'VERDICT_REFUSED', message: 'no' }), false],
  ['is missing', new Failure({ code: 'VERDICT_MISSING', message: 'none' }), false],
])('a verdict that %s', async (_, failure, competes) => {
  expect(await holdsVerdict(() => (failure ? Promise.reject(failure) : Promise.resolve()))).toBe(competes);
});

test('a registry that does not answer is no missing verdict', async () => {
  const down = new Failure({ code: 'REGISTRY_UNAVAILABLE', message: 'down' });
  await expect(holdsVerdict(() => Promise.reject(down))).rejects.toBe(down);
});
