// SPDX-License-Identifier: Apache-2.0
// The root of every image that is built here: an index, in the order of the input, with version and commit.
import { buildManifest, mediaTypes, type Descriptor } from '@pratique/oci';
import { sourceAnnotations } from '../source.ts';
import type { BuildRequest } from './builder.ts';

/** Always an index: buildah's own manifest lists come in random order (measured), buildx writes none for one platform, and version and commit belong to the digest. */
export async function writeIndex({ target, source }: Pick<BuildRequest, 'target' | 'source'>, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return target.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations: sourceAnnotations(source) }));
}
