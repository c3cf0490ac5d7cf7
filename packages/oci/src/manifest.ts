// SPDX-License-Identifier: Apache-2.0
// Manifests: made as canonical JSON, read strictly from untrusted bytes.
import { createHash } from 'node:crypto';
import { canonicalJson, Failure, isDigest, isJsonObject, parseJsonObject, type Digest, type JsonObject } from '@pratique/core';
import { isIndexType, isManifestType, manifestLimit, mediaTypes, type Descriptor, type Manifest, type ManifestContent } from './descriptor.ts';

/** A manifest ready to be written. */
export interface BuiltManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly descriptor: Descriptor;
}

/** Digest of bytes at hand, in the algorithm of `like` (default sha256). */
export function hashBytes(bytes: Uint8Array, like: Digest | 'sha256' = 'sha256'): Digest {
  const algorithm = like.startsWith('sha512') ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/**
 * Canonical JSON of `content` (sorted keys, no white space): equal content has equal bytes and digest.
 * `mediaType` defaults to the content's own. Fails with `REGISTRY_TOO_LARGE` over 4 MiB and `REGISTRY_PROTOCOL` when it is no manifest.
 */
export function buildManifest(content: object, mediaType?: string): BuiltManifest {
  const own = 'mediaType' in content && typeof content.mediaType === 'string' ? content.mediaType : undefined;
  const type = mediaType ?? own ?? ('manifests' in content ? mediaTypes.index : mediaTypes.manifest);
  const bytes = new TextEncoder().encode(canonicalJson({ ...content, mediaType: type }));
  const manifest = readManifestBytes(bytes, { mediaType: type, what: 'a manifest to be written' });
  return { bytes, mediaType: type, descriptor: manifest.descriptor };
}

/**
 * Reads bytes as a manifest. `digest`: what they must hash to; `mediaType`: as the transport said it.
 * Fails with `REGISTRY_TOO_LARGE`, `REGISTRY_DIGEST_MISMATCH`, `REGISTRY_PROTOCOL`.
 */
export function readManifestBytes(bytes: Uint8Array, expected: { readonly digest?: Digest; readonly mediaType?: string; readonly what: string }): Manifest {
  const { what } = expected;
  if (bytes.byteLength > manifestLimit) throw new Failure({ code: 'REGISTRY_TOO_LARGE', message: `${what} has ${bytes.byteLength} bytes; at most ${manifestLimit} are accepted` });
  const digest = hashBytes(bytes, expected.digest);
  if (expected.digest !== undefined && digest !== expected.digest) {
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${what} has other bytes than ${expected.digest}`, facts: { expected: expected.digest, actual: digest } });
  }
  const content = checkContent(parseJsonObject(bytes, what, 'REGISTRY_PROTOCOL'), what);
  const mediaType = mediaTypeOf(content, expected.mediaType, what);
  const descriptor: Descriptor = { mediaType, digest, size: bytes.byteLength };
  return { descriptor, bytes, content };
}

// The same bytes read as an index by one reader and as an image by another would be two images under one digest (GHSA-mc8v-mgrf-8f4m).
function mediaTypeOf(content: ManifestContent, stated: string | undefined, what: string): string {
  const guess = content.manifests === undefined ? mediaTypes.manifest : mediaTypes.index;
  const known = stated !== undefined && isManifestType(stated) ? stated : undefined;
  const mediaType = known ?? content.mediaType ?? guess;
  const fits = isManifestType(mediaType) && (content.mediaType ?? mediaType) === mediaType && isIndexType(mediaType) === (content.manifests !== undefined);
  if (fits) return mediaType;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${what} is not what its media type says`, facts: { stated, mediaType: content.mediaType, index: content.manifests !== undefined } });
}

function checkContent(value: JsonObject, what: string): ManifestContent {
  const problem = contentProblem(value);
  if (problem === undefined) return value as unknown as ManifestContent;
  throw new Failure({ code: 'REGISTRY_PROTOCOL', message: `${what} is not a manifest: ${problem}` });
}

function contentProblem(value: JsonObject): string | undefined {
  if (value['schemaVersion'] !== 2) return 'schemaVersion is not 2';
  if (value['manifests'] !== undefined && (value['layers'] !== undefined || value['config'] !== undefined)) return 'it is index and image at once';
  if (value['manifests'] === undefined && value['config'] === undefined) return 'it has neither config nor manifests';
  for (const key of ['mediaType', 'artifactType']) if (value[key] !== undefined && typeof value[key] !== 'string') return `${key} is not text`;
  for (const key of ['config', 'subject']) if (value[key] !== undefined && !isDescriptor(value[key])) return `${key} is not a descriptor`;
  for (const key of ['layers', 'manifests']) {
    const list = value[key];
    if (list !== undefined && !(Array.isArray(list) && list.every(isDescriptor))) return `${key} is not a list of descriptors`;
  }
  return isAnnotations(value['annotations']) ? undefined : 'annotations are not texts';
}

/** Whether `value` has the shape of a descriptor with a digest that this project accepts. */
export function isDescriptor(value: unknown): value is Descriptor {
  if (!isJsonObject(value)) return false;
  const { mediaType, digest, size, annotations, artifactType, platform } = value;
  return typeof mediaType === 'string' && isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0 && isAnnotations(annotations)
    && (artifactType === undefined || typeof artifactType === 'string') && (platform === undefined || isPlatform(platform));
}

function isPlatform(value: unknown): boolean {
  return isJsonObject(value) && typeof value['os'] === 'string' && typeof value['architecture'] === 'string' && (value['variant'] === undefined || typeof value['variant'] === 'string');
}

function isAnnotations(value: unknown): boolean {
  return value === undefined || (isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string'));
}

/** Descriptor of a manifest as it stands in referrer lists: with artifact type (config type when it has none) and annotations (distribution-spec 1.1, listing-referrers). */
export function referrerDescriptor(manifest: Manifest): Descriptor {
  const { descriptor, content } = manifest;
  const artifactType = content.artifactType ?? content.config?.mediaType;
  return { ...descriptor, ...(artifactType === undefined ? {} : { artifactType }), ...(content.annotations === undefined ? {} : { annotations: content.annotations }) };
}
