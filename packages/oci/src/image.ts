// SPDX-License-Identifier: Apache-2.0
// An image as runnable platforms: what a container runtime could choose from it.
import { Failure, formatPlatform, isDigest, mapConcurrently, parseJsonObject, type Digest, type ImagePlatform, type Platform } from '@pratique/core';
import type { ContentSource } from './content.ts';
import { isIndexType, mediaTypes, type Descriptor, type Manifest } from './descriptor.ts';

/** An image and its runnable platforms, in the order of the index. */
export interface Image {
  readonly root: Manifest;
  readonly platforms: readonly ImagePlatform[];
  /** Of the root. */
  readonly annotations: Readonly<Record<string, string>>;
}

const childLimit = 200;
const depthLimit = 3;

/**
 * Reads an image by digest. Children for `unknown/unknown` (BuildKit attestations) and artifacts cannot run and are left
 * out; an annotation alone does not hide a child. Fails with `BUILD_PLATFORM_MISMATCH` when a config is for another
 * platform than its descriptor says, or for one that another child has, `REGISTRY_PROTOCOL` when it is no image.
 */
export async function readImage(source: ContentSource, digest: Digest): Promise<Image> {
  const root = await source.readManifest(digest);
  const found = await platformsOf(source, root, undefined, 0);
  const platforms = found.filter((one) => one !== undefined);
  const names = platforms.map((one) => formatPlatform(one.platform));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Failure({ code: 'BUILD_PLATFORM_MISMATCH', message: `${digest} has ${twice} more than once` });
  return { root, platforms, annotations: root.content.annotations ?? {} };
}

async function platformsOf(source: ContentSource, manifest: Manifest, stated: Platform | undefined, depth: number): Promise<readonly (ImagePlatform | undefined)[]> {
  if (!isIndexType(manifest.descriptor.mediaType)) return [await platformOf(source, manifest, stated)];
  const children = manifest.content.manifests ?? [];
  if (depth >= depthLimit || children.length > childLimit) {
    throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `the index ${manifest.descriptor.digest} holds more than ${childLimit} manifests or is nested deeper than ${depthLimit}` });
  }
  const runnable = children.filter((child) => child.platform === undefined || !isUnknown(child.platform));
  const lists = await mapConcurrently(runnable, 4, async (child) => platformsOf(source, await readChild(source, child), child.platform, depth + 1));
  return lists.flat();
}

async function readChild(source: ContentSource, child: Descriptor): Promise<Manifest> {
  const manifest = await source.readManifest(child.digest);
  if (manifest.descriptor.mediaType === child.mediaType && manifest.descriptor.size === child.size) return manifest;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${child.digest} has another size or media type than its index says`, facts: { stated: child, actual: manifest.descriptor } });
}

async function platformOf(source: ContentSource, manifest: Manifest, stated: Platform | undefined): Promise<ImagePlatform | undefined> {
  const { config, layers = [] } = manifest.content;
  const what = `the config of ${manifest.descriptor.digest}`;
  if (config === undefined || (config.mediaType !== mediaTypes.config && config.mediaType !== mediaTypes.dockerConfig)) {
    // An artifact in an index says no platform; something that says one and has no image config is neither.
    if (stated === undefined) return undefined;
    throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${manifest.descriptor.digest} stands in the index for ${formatPlatform(stated)} but is no image` });
  }
  const content = parseJsonObject(await source.readSmallBlob(config), what, 'REGISTRY_PROTOCOL');
  const { os, architecture, variant } = content;
  if (typeof os !== 'string' || typeof architecture !== 'string') throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${what} names no platform` });
  const own: Platform = { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
  if (stated === undefined && isUnknown(own)) return undefined;
  if (stated !== undefined && (stated.os !== os || stated.architecture !== architecture)) {
    throw new Failure({ code: 'BUILD_PLATFORM_MISMATCH', message: `${manifest.descriptor.digest} stands in the index for ${formatPlatform(stated)} but its config is for ${formatPlatform(own)}` });
  }
  return { platform: pickPlatform(stated ?? own), digest: manifest.descriptor.digest, configDigest: config.digest, diffIds: diffIdsOf(content['rootfs'], layers.length, what) };
}

function pickPlatform({ os, architecture, variant }: Platform): Platform {
  return variant ? { os, architecture, variant } : { os, architecture };
}

function isUnknown(platform: Platform): boolean {
  return platform.os === 'unknown' && platform.architecture === 'unknown';
}

function diffIdsOf(rootfs: unknown, layers: number, what: string): readonly Digest[] {
  const ids: unknown = typeof rootfs === 'object' && rootfs !== null && 'diff_ids' in rootfs ? rootfs.diff_ids : undefined;
  if (Array.isArray(ids) && ids.length === layers && ids.every(isDigest)) return ids;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${what} does not list one diff id for each of ${layers} layers` });
}
