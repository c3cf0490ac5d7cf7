// SPDX-License-Identifier: Apache-2.0
// Takes an OCI layout that the user built, with docker buildx for example, as it is; where version or commit are missing, composes an index that has them.
import { Failure } from '@pratique/core';
import { buildManifest, copyGraph, isIndexType, mediaTypes, openLayout, readImage, type ContentTarget, type Descriptor, type Image, type Layout } from '@pratique/oci';
import { evidenceArtifactType } from '@pratique/scan';
import { sourceAnnotations, type Source } from '../source.ts';
import type { Builder } from './builder.ts';

const refName = 'org.opencontainers.image.ref.name';
const required = ['org.opencontainers.image.revision', 'org.opencontainers.image.version'] as const;

/** Reads the layout in `folder`. */
export function layoutBuilder(folder: string): Builder {
  return {
    async build({ ctx, target, source, testStage }) {
      if (testStage !== undefined) throw new Failure({ code: 'INPUT_INVALID', message: 'builder layout builds nothing, so it has no test-target to run', hint: 'Run the tests in a step of your own, and leave test-target out.' });
      const layout = await openLayout(ctx.files, folder);
      const found = await chooseImage(layout);
      const image = await readImage(layout, found.digest);
      const missing = requireSameSource(folder, image, source);
      // The copy hashes all that it reads.
      await copyGraph({ from: layout, to: target, roots: [found.digest] });
      const root = missing.length === 0 ? image.root.descriptor : await composeIndex(target, image, source);
      const notes = missing.length === 0 ? [] : [`The layout of the user has no annotation ${missing.join(', ')}: a new index with it was written around the same platform manifests, so the digest is another than that of the builder.`];
      return { built: { image: root, builder: { id: 'layout', version: 'unknown' }, materials: [], notes } };
    },
  };
}

/** The one image of index.json; evidence of an earlier run does not count, an entry named "image" goes first. */
async function chooseImage(layout: Layout): Promise<Descriptor> {
  const entries = ((await layout.readIndex()).manifests ?? []).filter((entry) => entry.artifactType !== evidenceArtifactType);
  const named = entries.filter((entry) => entry.annotations?.[refName] === 'image');
  const [found, ...others] = named.length > 0 ? named : entries;
  if (found !== undefined && others.length === 0) return found;
  throw new Failure({ code: 'LAYOUT_INVALID', message: `${layout.folder} holds ${entries.length} images; one is needed`, hint: 'Build into an empty folder. Another layout with the same tag is added to, not replaced.' });
}

/** The annotations that are missing. One that says something else is a layout of another commit or version. */
function requireSameSource(folder: string, image: Image, source: Source): string[] {
  const wanted = sourceAnnotations(source);
  for (const name of required) {
    const [own, asked] = [image.annotations[name], wanted[name]];
    if (own === undefined || own === asked) continue;
    if (name.endsWith('version')) throw new Failure({ code: 'VERSION_INVALID', message: `the image in ${folder} carries version ${own}; this run is for ${asked ?? 'none'}`, hint: 'Build the layout with the version of this run, or set the input version to that of the layout.' });
    throw new Failure({ code: 'LAYOUT_INVALID', message: `the image in ${folder} was built from commit ${own}; this run is for ${asked}`, hint: 'Build the layout in this run.' });
  }
  // An image without index gets one: its annotations say nothing about the whole.
  const single = !isIndexType(image.root.descriptor.mediaType);
  return required.filter((name) => wanted[name] !== undefined && (single || image.annotations[name] === undefined));
}

async function composeIndex(target: ContentTarget, { root, platforms, annotations }: Image, source: Source): Promise<Descriptor> {
  const [only] = platforms;
  // Children that nobody can run (attestations of BuildKit) stay.
  const manifests = root.content.manifests ?? (only ? [{ ...root.descriptor, platform: only.platform }] : []);
  return target.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations: { ...annotations, ...sourceAnnotations(source) } }));
}
