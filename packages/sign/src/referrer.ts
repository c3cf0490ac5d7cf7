// SPDX-License-Identifier: Apache-2.0
// A bundle as a referrer manifest of its subject, exactly as cosign 3, actions/attest and @sigstore/oci write it (cosign specs/BUNDLE_SPEC.md).
import { Failure, type Digest } from '@pratique/core';
import { buildManifest, emptyBlob, mediaTypes, streamOf, type ContentSource, type ContentTarget, type Descriptor } from '@pratique/oci';
import { bundleLimit, bundleMediaType } from './bundle.ts';

const typePrefix = 'application/vnd.dev.sigstore.bundle';

/** Annotation names on the referrer manifest. */
export const annotationNames = {
  content: 'dev.sigstore.bundle.content',
  predicateType: 'dev.sigstore.bundle.predicateType',
  created: 'org.opencontainers.image.created',
  reuseKey: 'dev.pratique.reuse-key',
} as const;

/** Whether a listed referrer says that it is a sigstore bundle. */
export function isBundleReferrer(descriptor: Descriptor): boolean {
  return descriptor.artifactType?.startsWith(typePrefix) === true;
}

/** The predicate type that a listed referrer names; a claim of whoever wrote it. `undefined` when the list does not say. */
export function statedPredicateType(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[annotationNames.predicateType];
}

/** The bundle of a referrer manifest: exactly one layer, at most 16 MiB. Nothing is verified. Fails with `ATTESTATION_MALFORMED` or `REGISTRY_*`. */
export async function readAttestation(repository: ContentSource, referrer: Digest): Promise<Uint8Array> {
  const { content } = await repository.readManifest(referrer);
  const [layer, ...others] = content.layers ?? [];
  const problem = layer === undefined || others.length > 0 ? 'does not have exactly one layer'
    : !layer.mediaType.startsWith(typePrefix) ? 'holds no sigstore bundle'
    : layer.size > bundleLimit ? `holds more than ${bundleLimit} bytes` : undefined;
  if (layer === undefined || problem !== undefined) throw new Failure({ code: 'ATTESTATION_MALFORMED', message: `the referrer ${referrer} ${problem}` });
  return repository.readSmallBlob(layer, bundleLimit);
}

/** What is attached. */
export interface Attachment {
  readonly subject: Descriptor;
  readonly predicateType: string;
  readonly bundle: Uint8Array;
  readonly bundleDigest: Digest;
  readonly created: Date;
  readonly reuseKey: string;
}

/** Writes the config that all attestations share: once, before the first. */
export async function writeConfig(target: ContentTarget): Promise<void> {
  await target.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
}

/** Writes bundle and manifest; gives the digest of the manifest. */
export async function writeAttestation(target: ContentTarget, attachment: Attachment): Promise<Digest> {
  const { subject, bundle } = attachment;
  const layer: Descriptor = { mediaType: bundleMediaType, digest: attachment.bundleDigest, size: bundle.byteLength };
  await target.writeBlob(layer, async () => streamOf(bundle));
  const manifest = buildManifest({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: bundleMediaType,
    config: emptyBlob.descriptor,
    layers: [layer],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: {
      [annotationNames.content]: 'dsse-envelope',
      [annotationNames.predicateType]: attachment.predicateType,
      [annotationNames.created]: attachment.created.toISOString(),
      [annotationNames.reuseKey]: attachment.reuseKey,
    },
  }, mediaTypes.manifest);
  return (await target.writeManifest(manifest)).digest;
}
