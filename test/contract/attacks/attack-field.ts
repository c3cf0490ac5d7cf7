// SPDX-License-Identifier: Apache-2.0
// For tests of attacks: what the attacker does beside the steps, and what must hold against every attack whatever its code is.
import { formatImage, type Digest, type Reason } from '@pratique/core';
import { buildManifest, copyGraph, emptyBlob, mediaTypes, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { attest, createStatementSigner, loadTrustMaterial } from '@pratique/sign';
import { expect } from 'vitest';
import type { GateRole, GateWorld, QuarantinedImage } from '../../fixtures/gate-world.ts';

type Judged = Awaited<ReturnType<GateWorld['judge']>>;
type Job = Parameters<GateWorld['ctxFor']>[1];

/** A statement that somebody signs by a job of their own. */
export interface Forgery {
  readonly role: GateRole;
  readonly job?: Job;
  /** Where it is attached; the attacker may write everywhere. */
  readonly repository: string;
  readonly subject: Descriptor;
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** Signs with a certificate of the lab and attaches as the administrator of the registry. */
export async function forge(world: GateWorld, { role, job = {}, repository, ...planned }: Forgery): Promise<Digest> {
  const { trustedRoot, signingConfig } = world.lab.addresses.sigstore;
  const ctx = await world.ctxFor(role, job);
  const trust = await loadTrustMaterial(ctx, trustedRoot.url);
  const [attested] = await attest({ ctx, repository: world.asAdministrator(repository), trust, runId: '9', plan: [planned], signer: () => createStatementSigner(ctx, signingConfig.url) });
  if (attested === undefined) throw new Error('nothing was signed');
  return attested.attestation;
}

/** Codes of the denials, each once, in order of the alphabet. */
export function denialsOf({ outputs }: Judged): string[] {
  const reasons = JSON.parse(outputs.reasons ?? '[]') as Reason[];
  return [...new Set(reasons.filter(({ effect }) => effect === 'deny').map(({ code }) => code))].sort();
}

/** Referrers of the image and of its platforms. */
export async function hangingOn(repository: Repository, { root, platforms }: Pick<QuarantinedImage, 'root' | 'platforms'>): Promise<Digest[]> {
  const lists = await Promise.all([root, ...platforms.map(({ manifest }) => manifest)].map(({ digest }) => repository.listReferrers(digest)));
  return lists.flat().map(({ digest }) => digest);
}

/** Hangs something that is no attestation on an image. */
export async function plant(repository: Repository, subject: Descriptor, { artifactType, name }: { readonly artifactType: string; readonly name: string }): Promise<Digest> {
  await repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  const { mediaType, digest, size } = subject;
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType, config: emptyBlob.descriptor, layers: [emptyBlob.descriptor], subject: { mediaType, digest, size }, annotations: { name } };
  return (await repository.writeManifest(buildManifest(manifest))).digest;
}

/** Takes the bundles of one image and hangs them on another, as they are. */
export async function moveBundles(repository: { readonly from: Repository; readonly to: Repository }, images: { readonly from: Digest; readonly to: Descriptor }): Promise<number> {
  const referrers = await repository.from.listReferrers(images.from);
  for (const { digest } of referrers) {
    const { content } = await repository.from.readManifest(digest);
    for (const blob of [content.config, ...(content.layers ?? [])]) {
      if (blob !== undefined) await repository.to.writeBlob(blob, () => repository.from.readBlob(blob));
    }
    const { mediaType, digest: subject, size } = images.to;
    await repository.to.writeManifest(buildManifest({ ...content, subject: { mediaType, digest: subject, size } }));
  }
  return referrers.length;
}

/**
 * What everything that trusts a verdict must do about an attacker's image. The gate refuses with this code and writes nothing; copied past the gate into the
 * release repository under the highest version, with all its evidence, no deployment takes it and it owns no moving tag.
 */
export async function expectHeld(world: GateWorld, pushed: QuarantinedImage, code: string): Promise<Judged> {
  const quarantine = world.asAdministrator(pushed.image.repository);
  const releases = world.asAdministrator(pushed.release.repository);
  const evidence = await hangingOn(quarantine, pushed);
  const judged = await world.judge(pushed);
  expect(judged.refusal?.code).toBe('GATE_REFUSED');
  expect(denialsOf(judged)).toContain(code);
  expect(judged.outputs).toMatchObject({ verdict: 'refused', image: '', tags: '' });
  expect(await releases.hasManifest(pushed.image.digest)).toBe(false);
  await expect(world.verdictOn(pushed, { within: pushed.image.repository })).rejects.toMatchObject({ code: 'VERDICT_REFUSED' });
  await copyGraph({ from: quarantine, to: releases, roots: [...evidence, pushed.image.digest] });
  await releases.tag(await releases.readManifest(pushed.image.digest), '9.9.9');
  await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_MISSING' });
  await expectTagsElsewhere(world, pushed);
  return judged;
}

/** The next honest release takes all the moving tags, whatever stands in the repository under a higher version. */
export async function expectTagsElsewhere(world: GateWorld, { image, release }: QuarantinedImage): Promise<void> {
  const honest = await world.pushImage({ name: release.repository.replace('acme/', ''), version: '1.3.0' });
  await world.sign(honest);
  const { outputs } = await world.judge(honest);
  expect(outputs).toMatchObject({ image: formatImage({ ...release, digest: honest.image.digest }), tags: '1.3.0\n1.3\n1\nlatest' });
  expect((await world.asAdministrator(release.repository).resolve('latest'))?.digest).not.toBe(image.digest);
}
