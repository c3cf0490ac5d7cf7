// SPDX-License-Identifier: Apache-2.0
// An image in a layout whose every byte was hashed.
import { Failure, type Digest, type ImagePlatform } from '@pratique/core';
import { readImage, type Layout } from '@pratique/oci';

/**
 * Hashes the layout and gives the platforms of `image`. Scanners do not hash what they read: a layer swapped for an empty one
 * scans clean under the genuine image id (measured). Fails with `REGISTRY_DIGEST_MISMATCH`, `LAYOUT_INVALID`.
 */
export async function readWholeImage(layout: Layout, image: Digest): Promise<readonly ImagePlatform[]> {
  await layout.verify();
  const listed = (await layout.readIndex()).manifests ?? [];
  if (!listed.some(({ digest }) => digest === image)) throw invalid(layout, `its index.json does not list ${image}, so its blobs were not hashed`);
  const { platforms } = await readImage(layout, image);
  if (platforms.length === 0) throw invalid(layout, `${image} has no runnable platform`);
  return platforms;
}

function invalid(layout: Layout, problem: string): Failure {
  return new Failure({ code: 'LAYOUT_INVALID', message: `${layout.folder}: ${problem}`, hint: 'Build it again into an empty folder.' });
}
