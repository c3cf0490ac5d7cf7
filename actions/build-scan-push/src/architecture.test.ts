// SPDX-License-Identifier: Apache-2.0
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { digestOf, type ImagePlatform } from '@pratique/core';
import { buildManifest, createLayout, mediaTypes, streamOf, type Layout } from '@pratique/oci';
import { memoryFiles } from '../../../test/fixtures/memory-files.ts';
import { tar, type TarEntry } from '../../../test/fixtures/tar.ts';
import { requireOwnPrograms } from './architecture.ts';

const machine = { amd64: 62, arm64: 183, i386: 3 } as const;

/** The head of an ELF program, little-endian. */
function program(path: string, architecture: keyof typeof machine): TarEntry {
  const head = Buffer.alloc(64, 1);
  head.write('\u007fELF', 0, 'latin1');
  head.writeUInt8(1, 5);
  head.writeUInt16LE(machine[architecture], 18);
  return { path, content: head, mode: 0o755 };
}

type Layer = { readonly entries: readonly TarEntry[]; readonly mediaType?: string; readonly pack?: (bytes: Uint8Array) => Uint8Array };

async function image(architecture: string, layers: readonly Layer[]): Promise<[Layout, ImagePlatform]> {
  const layout = await createLayout(memoryFiles(), '/layout');
  const descriptors = [];
  for (const { entries, mediaType = mediaTypes.layer, pack = (bytes: Uint8Array) => gzipSync(bytes) } of layers) {
    const bytes = pack(tar(entries));
    const descriptor = { mediaType, digest: await digestOf(bytes), size: bytes.byteLength };
    await layout.writeBlob(descriptor, () => Promise.resolve(streamOf(bytes)));
    descriptors.push(descriptor);
  }
  const config = { mediaType: mediaTypes.config, digest: await digestOf(new Uint8Array()), size: 0 };
  const { digest } = await layout.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: descriptors }));
  return [layout, { platform: { os: 'linux', architecture }, digest, configDigest: config.digest, diffIds: [] }];
}

const busybox = (architecture: keyof typeof machine): TarEntry => program('./bin/busybox', architecture);
const text: TarEntry = { path: 'etc/hosts', content: 'x'.repeat(2000) };

describe('requireOwnPrograms', () => {
  test.each<[string, string, readonly Layer[], boolean]>([
    ['its own programs', 'arm64', [{ entries: [text, busybox('arm64')] }], true],
    ['the base of another platform', 'arm64', [{ entries: [busybox('amd64')] }], false],
    ['the base of another, an own program on top', 'arm64', [{ entries: [busybox('amd64')] }, { entries: [program('srv/app', 'arm64')] }], false],
    ['the base of another, replaced by a later layer', 'arm64', [{ entries: [busybox('amd64')] }, { entries: [program('bin/busybox', 'arm64')] }], true],
    ['prebuilt modules for others beside an own base', 'arm64', [{ entries: [busybox('arm64')] }, { entries: [program('app/a.node', 'amd64'), program('app/b.node', 'i386')] }], true],
    ['one program, of another platform, without a system', 'arm64', [{ entries: [program('app', 'amd64')] }], false],
    ['no programs at all', 'arm64', [{ entries: [text] }], true],
    ['32-bit programs of the predecessor', 'amd64', [{ entries: [program('usr/bin/wine', 'i386')] }], true],
    ['a platform that is not known', 'sparc64', [{ entries: [busybox('amd64')] }], true],
    ['zstd', 'arm64', [{ entries: [busybox('amd64')], mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd', pack: (bytes) => zstdCompressSync(bytes) }], false],
    ['not packed', 'arm64', [{ entries: [busybox('amd64')], mediaType: 'application/vnd.oci.image.layer.v1.tar', pack: (bytes) => bytes }], false],
    ['gzip in several members', 'arm64', [{ entries: [text, busybox('amd64')], pack: (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]) }], false],
  ])('%s', async (_, architecture, layers, fits) => {
    const check = requireOwnPrograms(...(await image(architecture, layers)));
    await (fits ? expect(check).resolves.toBeDefined() : expect(check).rejects.toMatchObject({ code: 'BUILD_PLATFORM_MISMATCH', message: expect.stringContaining('linux/arm64') as string }));
  });

  test('stops at its bounds without complaint', async () => {
    const [layout, platform] = await image('arm64', [{ entries: [text, text, busybox('amd64')] }]);
    expect(await requireOwnPrograms(layout, platform, { bytesPerLayer: 3000 })).toMatchObject({ all: { native: 0, foreign: 0 } });
    expect(await requireOwnPrograms(layout, platform, { programs: 0 })).toMatchObject({ all: { native: 0, foreign: 0 } });
  });
  test('a layer that is not what it says is refused', async () => {
    const [layout, platform] = await image('arm64', [{ entries: [text], pack: () => Buffer.from('not gzip') }]);
    await expect(requireOwnPrograms(layout, platform)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });
  test('an archive that is cut off ends the look', async () => {
    const [layout, platform] = await image('arm64', [{ entries: [busybox('arm64'), text], pack: (bytes) => gzipSync(bytes.subarray(0, 1800)) }]);
    expect(await requireOwnPrograms(layout, platform)).toMatchObject({ system: { native: 1, foreign: 0 } });
  });
});
