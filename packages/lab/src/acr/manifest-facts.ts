// SPDX-License-Identifier: Apache-2.0
// Reading a pushed manifest: is it one, what does it name, what will lists say of it (image-spec 1.1 manifest and index, Docker schema 2).
import { isDigest, isJsonObject, type Digest, type JsonObject } from '@pratique/core';
import { readContent } from './media.ts';
import { manifestInvalid } from './refusal.ts';
import type { ChildReference, ManifestRecord } from './records.ts';
import type { Store } from './store.ts';

/** A descriptor inside a manifest. */
export interface Named {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  /** Lies elsewhere (`urls`, or a non-distributable layer), so it need not be here. */
  readonly foreign: boolean;
  readonly platform: JsonObject | undefined;
}

/** A manifest as it was read. */
export interface ManifestFacts {
  readonly mediaType: string;
  readonly config: Named | undefined;
  readonly layers: readonly Named[];
  readonly manifests: readonly Named[];
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Media types of images and indexes. */
export const manifestTypes = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

/** Reads the bytes of a PUT. Refuses with `MANIFEST_INVALID`. */
export function readManifestFacts(bytes: Uint8Array, contentType: string | null): ManifestFacts {
  const content = parse(bytes);
  const declared = contentType?.split(';')[0]?.trim().toLowerCase() || undefined;
  const own = optionalText(content, 'mediaType');
  // A client may leave either out; when both are there they must agree (distribution-spec 1.1, "Pushing Manifests").
  if (declared !== undefined && declared !== 'application/octet-stream' && own !== undefined && own.toLowerCase() !== declared) throw manifestInvalid(`Content-Type ${declared} is not the manifest's mediaType ${own}`);
  if (content['schemaVersion'] !== undefined && content['schemaVersion'] !== 2) throw manifestInvalid('schemaVersion must be 2');
  const mediaType = own ?? declared ?? (Array.isArray(content['manifests']) ? manifestTypes.index : manifestTypes.image);
  const subject = descriptor(content['subject'], 'subject');
  const config = descriptor(content['config'], 'config');
  const artifactType = optionalText(content, 'artifactType') ?? (Array.isArray(content['manifests']) ? undefined : config?.mediaType);
  if (mediaType === manifestTypes.image && !config) throw manifestInvalid('an image manifest needs a config');
  return {
    mediaType, config, subject: subject?.digest, artifactType,
    layers: [...descriptors(content, 'layers'), ...descriptors(content, 'blobs')],
    manifests: descriptors(content, 'manifests'),
    annotations: readAnnotations(content['annotations']),
  };
}

function parse(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw manifestInvalid(error instanceof Error ? error.message : 'not JSON');
  }
  throw manifestInvalid('not a JSON object');
}

function optionalText(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw manifestInvalid(`${key} must be a string`);
  return value;
}

function descriptor(value: unknown, what: string): Named | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value) || !isDigest(value['digest']) || typeof value['size'] !== 'number' || !(value['size'] >= 0)) throw manifestInvalid(`${what} is not a descriptor`);
  const mediaType = typeof value['mediaType'] === 'string' ? value['mediaType'] : '';
  const foreign = Array.isArray(value['urls']) || /nondistributable|\.foreign\./.test(mediaType);
  return { digest: value['digest'], size: value['size'], mediaType, foreign, platform: isJsonObject(value['platform']) ? value['platform'] : undefined };
}

function descriptors(content: JsonObject, key: string): Named[] {
  const list = content[key] ?? [];
  if (!Array.isArray(list)) throw manifestInvalid(`${key} must be a list`);
  return list.map((item, index) => {
    const named = descriptor(item, `${key}[${index}]`);
    if (!named) throw manifestInvalid(`${key}[${index}] is not a descriptor`);
    return named;
  });
}

function readAnnotations(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw manifestInvalid('annotations must be an object');
  const pairs = Object.entries(value);
  if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === 'string')) throw manifestInvalid('annotations must be strings');
  return Object.fromEntries(pairs);
}

/** The members of a record that come from the content. The platform of an image is in its config. */
export async function contentMembers(store: Store, facts: ManifestFacts, size: number): Promise<Partial<ManifestRecord> & Pick<ManifestRecord, 'imageSize' | 'blobs' | 'mediaType'>> {
  const platform = platformOf(await readConfig(store, facts.config));
  const references = facts.manifests.map((item): ChildReference => ({ digest: item.digest, ...platformOf(item.platform) }));
  return {
    mediaType: facts.mediaType,
    imageSize: size + [facts.config, ...facts.layers].reduce((sum, item) => sum + (item?.size ?? 0), 0),
    blobs: [facts.config, ...facts.layers].flatMap((item) => (item && !item.foreign ? [item.digest] : [])),
    ...platform,
    ...(facts.config ? { configMediaType: facts.config.mediaType } : {}),
    ...(facts.artifactType === undefined ? {} : { artifactType: facts.artifactType }),
    ...(Object.keys(facts.annotations).length > 0 ? { annotations: facts.annotations } : {}),
    ...(facts.subject ? { subject: facts.subject } : {}),
    ...(references.length > 0 ? { references } : {}),
  };
}

function platformOf(value: JsonObject | undefined): { architecture?: string; os?: string } {
  const { architecture, os } = value ?? {};
  return { ...(typeof architecture === 'string' ? { architecture } : {}), ...(typeof os === 'string' ? { os } : {}) };
}

const configLimitBytes = 1024 * 1024;

async function readConfig(store: Store, config: Named | undefined): Promise<JsonObject | undefined> {
  if (!config || config.size > configLimitBytes || !/vnd\.(oci\.image\.config|docker\.container\.image)\.v1\+json$/.test(config.mediaType)) return undefined;
  const content = await store.content(config.digest);
  if (!content || content.size > configLimitBytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await readContent(content)));
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    // A config that is not JSON makes an image without a platform, not a failed push.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
