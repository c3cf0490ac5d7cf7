// SPDX-License-Identifier: Apache-2.0
// The OCI layout that travels between phases: one image and its evidence, named in index.json, each phase hashing all of it anew.
import { Failure, parseDigest, type Context } from '@pratique/core';
import { copyGraph, createLayout, openLayout, type Descriptor, type Layout } from '@pratique/oci';
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

/** Removes what an earlier run left at `folder`: a COPY of the whole context would take it into the image. Fails with `LAYOUT_INVALID` when it holds anything else than a layout. */
export async function clearFolder(ctx: Context, folder: string): Promise<void> {
  const there = await ctx.files.open(folder);
  if (there === undefined) return;
  const ours = there.kind === 'folder' && (there.entries.length === 0 || (there.entries.includes('oci-layout') && there.entries.every((name) => ['blobs', 'index.json', 'ingest', 'oci-layout'].includes(name))));
  if (!ours) throw new Failure({ code: 'LAYOUT_INVALID', message: `${folder} is there and is no OCI layout, so it is not replaced`, hint: 'Set the input layout to a folder that nothing else uses.' });
  await ctx.files.remove(folder);
}

/** Writes what index.json names: the image, then its evidence. */
export async function nameEntries(layout: Layout, image: Descriptor, evidence: Descriptor): Promise<void> {
  await layout.writeIndex([named(image, 'image'), named(evidence, 'evidence')]);
}

const named = ({ platform: _, ...descriptor }: Descriptor, name: string): Descriptor => ({ ...descriptor, annotations: { [refName]: name } });

/** Copies a finished layout to `folder`, index.json last: who is killed on the way leaves a layout that names no image. */
export async function publish(ctx: Context, from: Layout, entries: { folder: string; image: Descriptor; evidence: Descriptor }): Promise<Layout> {
  await clearFolder(ctx, entries.folder);
  const layout = await createLayout(ctx.files, entries.folder);
  await copyGraph({ from, to: layout, roots: [entries.image.digest, entries.evidence.digest] });
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
