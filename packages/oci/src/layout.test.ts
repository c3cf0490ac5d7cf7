// SPDX-License-Identifier: Apache-2.0
// Layouts, graph copy and images: what is whole passes, what is not is refused.
import type { Files } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import {
  buildManifest, copyGraph, createLayout, createRegistry, emptyBlob, hashBytes, mediaTypes, openLayout, parseReference, readImage, streamOf,
  type ContentTarget, type Descriptor, type Layout,
} from './index.ts';
import { parseChallenge } from './challenge.ts';
import { createMemoryFiles, createQuickClock, createStandIn } from './registry-stand-in.ts';

const text = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

async function writeBytes(target: ContentTarget, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor: Descriptor = { mediaType, digest: hashBytes(bytes), size: bytes.byteLength };
  await target.writeBlob(descriptor, () => Promise.resolve(streamOf(bytes)));
  return descriptor;
}

async function writePlatform(target: ContentTarget, os: string, architecture: string, layerText = `layer of ${architecture}`): Promise<Descriptor> {
  const layer = await writeBytes(target, text(layerText), mediaTypes.layer);
  const config = await writeBytes(target, text({ os, architecture, rootfs: { type: 'layers', diff_ids: [layer.digest] } }), mediaTypes.config);
  return target.writeManifest(buildManifest({ schemaVersion: 2, config, layers: [layer] }, mediaTypes.manifest));
}

async function writeIndex(target: ContentTarget, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return target.writeManifest(buildManifest({ schemaVersion: 2, manifests, annotations: { 'org.opencontainers.image.version': '1.2.0' } }, mediaTypes.index));
}

async function writeSample(target: ContentTarget): Promise<{ root: Descriptor; amd64: Descriptor; arm64: Descriptor }> {
  const amd64 = await writePlatform(target, 'linux', 'amd64');
  const arm64 = await writePlatform(target, 'linux', 'arm64');
  const attestation = await writePlatform(target, 'unknown', 'unknown', '{}');
  const root = await writeIndex(target, [
    { ...amd64, platform: { os: 'linux', architecture: 'amd64' } }, { ...arm64, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...attestation, platform: { os: 'unknown', architecture: 'unknown' }, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
  ]);
  return { root, amd64, arm64 };
}

const emptyLayout = (files: Files = createMemoryFiles()): Promise<Layout> => createLayout(files, 'l');

describe('layout', () => {
  test('lists roots and referrers, verifies whole, opens again', async () => {
    const files = createMemoryFiles();
    const layout = await createLayout(files, 'l');
    const { root } = await writeSample(layout);
    await layout.writeBlob(emptyBlob.descriptor, () => Promise.resolve(streamOf(emptyBlob.bytes)));
    const referrer = await layout.writeManifest(buildManifest({ schemaVersion: 2, artifactType: 'x/y', config: emptyBlob.descriptor, layers: [], subject: root }, mediaTypes.manifest));
    const opened = await openLayout(files, 'l');
    expect((await opened.readIndex()).manifests?.map((one) => one.digest)).toEqual([root.digest, referrer.digest]);
    // index + 3 manifests + 3 configs + 3 layers; the layer of the attestation is the empty blob; + the referrer
    await expect(opened.verify()).resolves.toMatchObject({ blobs: 11 });
    await layout.writeManifest(await layout.readManifest(root.digest).then(({ bytes, descriptor }) => ({ bytes, mediaType: descriptor.mediaType })), 'v1');
    await expect(opened.readManifest('v1')).resolves.toMatchObject({ descriptor: root });
  });

  const tamperings: readonly (readonly [string, (blobs: Map<string, Uint8Array>, path: string) => unknown, string])[] = [
    ['a blob is missing', (blobs, path) => blobs.delete(path), 'LAYOUT_INVALID'],
    ['a byte is flipped', (blobs, path) => blobs.set(path, Uint8Array.from(blobs.get(path) ?? [], (byte, index) => (index === 0 ? byte ^ 1 : byte))), 'REGISTRY_DIGEST_MISMATCH'],
    ['a blob is cut', (blobs, path) => blobs.set(path, (blobs.get(path) ?? new Uint8Array()).slice(0, 1)), 'REGISTRY_DIGEST_MISMATCH'],
    ['a blob is longer', (blobs, path) => blobs.set(path, new Uint8Array([...(blobs.get(path) ?? []), 0])), 'REGISTRY_DIGEST_MISMATCH'],
  ];
  test.each(tamperings)('verify refuses when %s, whichever blob it is', async (_, tamper, wanted) => {
    const whole = createMemoryFiles();
    await writeSample(await createLayout(whole, 'l'));
    for (const path of [...whole.content.keys()].filter((key) => key.includes('/blobs/'))) {
      const files = createMemoryFiles();
      for (const [key, bytes] of whole.content) files.content.set(key, bytes);
      tamper(files.content, path);
      await expect((await openLayout(files, 'l')).verify(), path).rejects.toEqual(code(wanted));
    }
  });

  test.each([
    ['no marker', (files: Files) => files.remove('l/oci-layout')],
    ['another version', (files: Files) => files.write('l/oci-layout', '{"imageLayoutVersion":"2.0.0"}')],
    ['no index', (files: Files) => files.remove('l/index.json')],
    ['an index that is none', (files: Files) => files.write('l/index.json', '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x"}]}')],
  ])('a folder with %s is no layout', async (_, spoil) => {
    const files = createMemoryFiles();
    await createLayout(files, 'l');
    await spoil(files);
    await expect(openLayout(files, 'l')).rejects.toEqual(code('LAYOUT_INVALID'));
  });
  test('a new layout wants an empty folder', async () => {
    const files = createMemoryFiles();
    await files.write('l/other', 'x');
    await expect(createLayout(files, 'l')).rejects.toEqual(code('LAYOUT_INVALID'));
  });
});

describe('readImage', () => {
  test('gives the runnable platforms of an index', async () => {
    const layout = await emptyLayout();
    const { root, amd64, arm64 } = await writeSample(layout);
    await expect(readImage(layout, root.digest)).resolves.toMatchObject({
      annotations: { 'org.opencontainers.image.version': '1.2.0' },
      platforms: [{ platform: { os: 'linux', architecture: 'amd64' }, digest: amd64.digest }, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' }, digest: arm64.digest }],
    });
    await expect(readImage(layout, amd64.digest)).resolves.toMatchObject({ platforms: [{ platform: { os: 'linux', architecture: 'amd64' }, diffIds: [hashBytes(text('layer of amd64'))] }] });
  });
  test('an annotation does not hide a runnable child; an artifact is no platform', async () => {
    const layout = await emptyLayout();
    const child = await writePlatform(layout, 'linux', 'amd64');
    const artifact = await layout.writeManifest(buildManifest({ schemaVersion: 2, config: emptyBlob.descriptor, layers: [] }, mediaTypes.manifest));
    const root = await writeIndex(layout, [{ ...child, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }, artifact]);
    await expect(readImage(layout, root.digest)).resolves.toMatchObject({ platforms: [{ digest: child.digest }] });
  });
  test.each([
    ['another architecture than the config', { os: 'linux', architecture: 'arm64' }, 'BUILD_PLATFORM_MISMATCH'],
    ['another system than the config', { os: 'windows', architecture: 'amd64' }, 'BUILD_PLATFORM_MISMATCH'],
  ])('a child that stands for %s is refused', async (_, platform, wanted) => {
    const layout = await emptyLayout();
    const root = await writeIndex(layout, [{ ...(await writePlatform(layout, 'linux', 'amd64')), platform }]);
    await expect(readImage(layout, root.digest)).rejects.toEqual(code(wanted));
  });
  test('one platform twice is refused', async () => {
    const layout = await emptyLayout();
    const platform = { os: 'linux', architecture: 'amd64' };
    const root = await writeIndex(layout, [{ ...(await writePlatform(layout, 'linux', 'amd64')), platform }, { ...(await writePlatform(layout, 'linux', 'amd64', 'other')), platform }]);
    await expect(readImage(layout, root.digest)).rejects.toEqual(code('BUILD_PLATFORM_MISMATCH'));
  });
});

describe('copyGraph', () => {
  test('carries a graph from folder to registry to folder, byte for byte; the second time everything is there', async () => {
    const layout = await emptyLayout();
    const { root } = await writeSample(layout);
    const standIn = createStandIn({ referrers: true });
    const repository = createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock: createQuickClock(), signal: new AbortController().signal }).repository('a');
    await expect(copyGraph({ from: layout, to: repository, roots: [root.digest], tag: 'v1' })).resolves.toMatchObject({ manifests: 4, blobs: 6, mounted: 0, present: 0 });
    const puts = standIn.requests.filter((one) => one.method === 'PUT' && one.url.includes('/manifests/')).map((one) => one.url.split('/').at(-1));
    expect(puts.slice(-2)).toEqual([root.digest, 'v1']);
    await expect(copyGraph({ from: layout, to: repository, roots: [root.digest] })).resolves.toMatchObject({ present: 10, bytes: 0 });
    const back = await emptyLayout();
    await copyGraph({ from: repository, to: back, roots: [root.digest] });
    expect(await back.readIndex()).toMatchObject({ manifests: [root] });
    await expect(back.verify()).resolves.toEqual(await layout.verify());
  });
  test('mounts inside one registry', async () => {
    const standIn = createStandIn();
    const registry = createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock: createQuickClock(), signal: new AbortController().signal });
    const { root } = await writeSample(registry.repository('quarantine'));
    await expect(copyGraph({ from: registry.repository('quarantine'), to: registry.repository('released'), roots: [root.digest] })).resolves.toMatchObject({ mounted: 6 });
  });
  test('a source that lies is noticed and nothing is tagged', async () => {
    const files = createMemoryFiles();
    const layout = await createLayout(files, 'l');
    const { root } = await writeSample(layout);
    const path = `l/blobs/${hashBytes(text('layer of arm64')).replace(':', '/')}`;
    files.content.set(path, text('LAYER of arm64'));
    const standIn = createStandIn();
    const repository = createRegistry({ registry: 'r.example', fetch: standIn.fetch, clock: createQuickClock(), signal: new AbortController().signal }).repository('a');
    await expect(copyGraph({ from: layout, to: repository, roots: [root.digest], tag: 'v1' })).rejects.toEqual(code('REGISTRY_DIGEST_MISMATCH'));
    expect(standIn.manifests.size).toBe(0);
  });
});

test.each([
  ['Bearer realm="https://r/oauth2/token",service="r",scope="repository:a:pull,push",error="insufficient_scope"', { scheme: 'bearer', realm: 'https://r/oauth2/token', service: 'r', scope: 'repository:a:pull,push', error: 'insufficient_scope' }],
  ['Basic realm="a, Bearer b", Bearer realm="https://t" , service=s', { scheme: 'bearer', realm: 'https://t', service: 's' }],
  ['basic', { scheme: 'basic' }],
  ['Negotiate', undefined],
])('challenge %s', (header, challenge) => {
  expect(parseChallenge(header)).toEqual(challenge);
});

test.each([
  ['r.io/a/b', 'latest'], ['r.io:5000/a:1.0', '1.0'], [`r.io/a:1@${emptyBlob.descriptor.digest}`, emptyBlob.descriptor.digest],
])('%s refers to %s', (given, reference) => {
  expect(parseReference(given).reference).toBe(reference);
});
test.each(['a', 'r.io/a:', 'r.io/a@sha256:00', 'r.io/a:b c'])('%s is no reference', (given) => {
  expect(() => parseReference(given)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
});
