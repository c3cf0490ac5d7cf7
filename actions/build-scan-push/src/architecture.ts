// SPDX-License-Identifier: Apache-2.0
// Looks into the layers whether the programs of an image are for the platform that its config names.
import { Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { Failure, formatPlatform, type ImagePlatform } from '@pratique/core';
import type { ContentSource, Descriptor } from '@pratique/oci';
import { readTarFiles } from './tar-entries.ts';

/** How far the layers of one platform are read. Default 2 GiB unpacked each, 50,000 programs. */
export interface ArchitectureBounds {
  readonly bytesPerLayer?: number;
  readonly programs?: number;
}

// e_machine of the ELF header (System V ABI, chapter 4; values of the Linux kernel, include/uapi/linux/elf-em.h), by GOARCH.
// A 64-bit platform also runs the programs of its 32-bit predecessor.
const machines: Readonly<Record<string, readonly number[]>> = {
  amd64: [62, 3], arm64: [183, 40], 386: [3], arm: [40], ppc64le: [21], s390x: [22], riscv64: [243], loong64: [258],
};

// Where distributions keep programs and loaders; elsewhere an image may carry programs for others on purpose.
const systemPath = /^(?:usr\/)?(?:s?bin\/|lib(?:32|64)?\/ld-)/;

/** What was found: programs of the platform, and others, in the system's folders and in all. */
export interface ProgramCount {
  readonly system: { readonly native: number; readonly foreign: number };
  readonly all: { readonly native: number; readonly foreign: number };
  /** A program of another platform, for the message. */
  readonly example?: string;
}

/**
 * Fails with `BUILD_PLATFORM_MISMATCH` when a platform holds another's programs: as many or more in the folders of the
 * system, or no own program at all. A build that takes a base image of the wrong platform is found so; it ends well otherwise.
 */
export async function requireOwnPrograms(source: ContentSource, platform: ImagePlatform, bounds: ArchitectureBounds = {}): Promise<ProgramCount> {
  const count = await countPrograms(source, platform, bounds);
  const { system, all } = count;
  if (!(system.foreign > 0 && system.foreign >= system.native) && !(all.foreign > 0 && all.native === 0)) return count;
  const name = formatPlatform(platform.platform);
  throw new Failure({
    code: 'BUILD_PLATFORM_MISMATCH', message: `the image for ${name} holds programs of another platform, for example ${count.example}`,
    hint: 'Write FROM --platform=$TARGETPLATFORM on the final stage, and copy into it only what was built for that platform.', facts: { platform: name, ...count },
  });
}

async function countPrograms(source: ContentSource, platform: ImagePlatform, bounds: ArchitectureBounds): Promise<ProgramCount> {
  const own = machines[platform.platform.architecture];
  const nothing = { system: { native: 0, foreign: 0 }, all: { native: 0, foreign: 0 } };
  if (own === undefined || platform.platform.os !== 'linux') return nothing;
  const programs = await readPrograms(source, platform, bounds);
  const tally = (entries: readonly (readonly [string, number])[]) => {
    const native = entries.filter(([, machine]) => own.includes(machine)).length;
    return { native, foreign: entries.length - native };
  };
  const all = [...programs];
  const example = all.find(([, machine]) => !own.includes(machine));
  return { system: tally(all.filter(([path]) => systemPath.test(path))), all: tally(all), ...(example ? { example: `${example[0]} (ELF machine ${example[1]})` } : {}) };
}

/** ELF programs by path; a later layer replaces a file of an earlier one. */
async function readPrograms(source: ContentSource, platform: ImagePlatform, { bytesPerLayer = 2 * 1024 ** 3, programs: most = 50_000 }: ArchitectureBounds): Promise<Map<string, number>> {
  const programs = new Map<string, number>();
  const { content } = await source.readManifest(platform.digest);
  for (const layer of content.layers ?? []) {
    const archive = unpack(layer, await source.readBlob(layer));
    if (archive === undefined) continue;
    try {
      for await (const { path, head } of readTarFiles(archive, { headBytes: 20, mostBytes: bytesPerLayer })) {
        if (programs.size >= most) return programs;
        const machine = machineOf(head);
        if (machine === undefined) programs.delete(path);
        else programs.set(path, machine);
      }
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure({ code: 'LAYOUT_INVALID', message: `the layer ${layer.digest} is not what its media type ${layer.mediaType} says`, cause });
    }
  }
  return programs;
}

// Not DecompressionStream: it refuses gzip of several members, as eStargz layers are, and knows no zstd.
function unpack({ mediaType }: Descriptor, blob: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> | undefined {
  if (mediaType.endsWith('.tar')) return blob;
  const transform = /[.+]gzip$/.test(mediaType) ? createGunzip() : /[.+]zstd$/.test(mediaType) ? createZstdDecompress() : undefined;
  return transform && blob.pipeThrough(Duplex.toWeb(transform) as unknown as ReadableWritablePair<Uint8Array, Uint8Array>);
}

function machineOf(head: Uint8Array): number | undefined {
  if (head.byteLength < 20 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint16(18, head[5] !== 2);
}
