// SPDX-License-Identifier: Apache-2.0
// The OCI layout that travels between phases: one image and its evidence, named in index.json, each phase hashing all of it anew.
import { join } from 'node:path';
import { digestOf, Failure, parseDigest, type Context } from '@pratique/core';
import { copyGraph, createLayout, openLayout, streamOf, type ContentTarget, type Descriptor, type Layout } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import type { Inputs } from './inputs.ts';

const refName = 'org.opencontainers.image.ref.name';

/** A layout with its two entries. */
export interface Travelling {
  readonly layout: Layout;
  readonly image: Descriptor;
  readonly evidence: Descriptor;
  readonly content: EvidenceManifest;
}

const marker = 'oci-layout';
// With what a run that was killed left of a file that it was writing (files.ts of host).
const partOfLayout = /^(?:blobs|index\.json|ingest|oci-layout|\.(?:index\.json|oci-layout)\.[0-9a-f-]{36}\.part)$/;

/** Removes what an earlier run left at `folder`. Fails with `LAYOUT_INVALID` when it holds anything else than a layout. */
export async function clearFolder(ctx: Context, folder: string): Promise<void> {
  const there = await ctx.files.open(folder);
  if (there === undefined) return;
  const ours = there.kind === 'folder' && there.entries.every((name) => partOfLayout.test(name)) && (there.entries.includes(marker) || !there.entries.some((name) => !name.endsWith('.part')));
  if (!ours) throw new Failure({ code: 'LAYOUT_INVALID', message: `${folder} is there and is no OCI layout, so it is not replaced`, hint: 'Set the input layout to a folder that nothing else uses.' });
  // The names first, the marker last: a run that is killed in between leaves no image without its blobs, and a folder that the next one may clear.
  for (const name of ['index.json', ...there.entries.filter((entry) => entry !== marker)]) await ctx.files.remove(join(folder, name));
  await ctx.files.remove(folder);
}

/** Writes what index.json names: the image, then its evidence. */
export async function nameEntries(layout: Layout, image: Descriptor, evidence: Descriptor): Promise<void> {
  await layout.writeIndex([named(image, 'image'), named(evidence, 'evidence')]);
}

const named = ({ platform: _, ...descriptor }: Descriptor, name: string): Descriptor => ({ ...descriptor, annotations: { [refName]: name } });

/** Adds a finished layout to `folder`, index.json last: who is killed on the way leaves what stood there before, be it nothing or the layout of the user. */
export async function publish(ctx: Context, from: Layout, entries: { folder: string; image: Descriptor; evidence: Descriptor }): Promise<Layout> {
  const there = await ctx.files.open(entries.folder);
  const layout = there?.kind === 'folder' && there.entries.length > 0 ? await openLayout(ctx.files, entries.folder) : await createLayout(ctx.files, entries.folder);
  // Manifests as plain blobs: a layout lists each that it is given, and index.json of the user must stay until the end.
  const writeManifest: ContentTarget['writeManifest'] = async ({ bytes, mediaType }) => {
    const descriptor = { mediaType, digest: await digestOf(bytes), size: bytes.byteLength };
    await layout.writeBlob(descriptor, async () => streamOf(bytes));
    return descriptor;
  };
  await copyGraph({ from, to: { ...layout, writeManifest }, roots: [entries.image.digest, entries.evidence.digest] });
  await nameEntries(layout, entries.image, entries.evidence);
  return layout;
}

/** Opens the layout of an earlier phase and checks that the evidence fits the image; whoever uses the layers hashes them. Fails with `LAYOUT_INVALID`, `REGISTRY_DIGEST_MISMATCH`, `BUILD_EVIDENCE_INVALID`. */
export async function openTravelling(ctx: Context, { layout: folder, digest }: Pick<Inputs, 'layout' | 'digest'>): Promise<Travelling> {
  const layout = await openLayout(ctx.files, folder);
  const entries = (await layout.readIndex()).manifests ?? [];
  const image = entry(entries, 'image', folder);
  const evidence = entry(entries, 'evidence', folder);
  // The whole folder travels, so whoever had it could have put another image there that fits its own digests.
  if (digest !== undefined && parseDigest(digest) !== image.digest) {
    throw new Failure({ code: 'REGISTRY_DIGEST_MISMATCH', message: `${folder} holds the image ${image.digest}, not ${digest}, which the input digest names`, hint: 'Do not use it. Find out which job replaced the image.' });
  }
  return { layout, image, evidence, content: await readEvidence(layout, evidence.digest, image.digest) };
}

function entry(entries: readonly Descriptor[], name: string, folder: string): Descriptor {
  const found = entries.filter((one) => one.annotations?.[refName] === name);
  if (found[0] !== undefined && found.length === 1) return found[0];
  throw new Failure({ code: 'LAYOUT_INVALID', message: `${folder} names ${found.length} entries "${name}"; one is needed`, hint: 'Run the phase build first, and carry its whole folder to this job (hidden files too).' });
}
