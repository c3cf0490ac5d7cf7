// SPDX-License-Identifier: Apache-2.0
// `pratique tree`: an image with its platforms and everything that hangs on it, as `oras discover` lists it, but verified.
import { connectRegistry } from '@pratique/acr';
import { Failure, formatPlatform, formatSigner, shortenSigner, stripControl, type Context, type Digest } from '@pratique/core';
import { parseReference, readImage, type Descriptor, type Repository } from '@pratique/oci';
import { isBundleReferrer, loadTrustMaterial, readAttestation, verifyAttestation, type TrustMaterial } from '@pratique/sign';
import { defineStep, input, registryInputs, sigstoreInputs } from '@pratique/step';

/** One thing that hangs on a manifest. */
interface Leaf {
  readonly digest: Digest;
  readonly type: string;
  readonly signer?: string;
  /** The signer for narrow places. */
  readonly shown?: string;
  readonly time?: string;
  /** `verified`, a failure code, or `not an attestation`. */
  readonly state: string;
}

interface Branch {
  readonly label: string;
  readonly digest: Digest;
  readonly leaves: readonly Leaf[];
}

/** Prints the tree; with `--json` the output `tree` holds it. */
export const tree = defineStep({
  name: 'tree',
  description: 'Show an image with its tags, platforms and attestations, each with signer, time and whether it verifies.',
  icon: 'git-branch',
  permissions: [],
  inputs: {
    image: input.text({ required: true, description: 'registry/repository@digest, or registry/repository:tag, which is resolved first.' }),
    ...sigstoreInputs, ...registryInputs,
  },
  outputs: { digest: 'Digest of the image.', tree: 'The tree as JSON.' },
  async run(given, ctx) {
    const { registry, repository: name, reference } = parseReference(given.image);
    const repository = (await connectRegistry({ registry, ctx, signIn: given })).oci.repository(name);
    const root = await repository.resolve(reference);
    if (!root) throw new Failure({ code: 'REGISTRY_NOT_FOUND', message: `${given.image} does not exist`, hint: 'Check the reference; images in quarantine have no tag.' });
    const trust = await loadTrustMaterial(ctx, given['trusted-root']);
    const image = await readImage(repository, root.digest);
    const children = image.platforms.filter((one) => one.digest !== root.digest);
    const branches: Branch[] = [];
    for (const branch of [{ label: stripControl(image.annotations['org.opencontainers.image.version'] ?? 'image').replace(/\s+/g, ' '), digest: root.digest }, ...children.map((one) => ({ label: formatPlatform(one.platform), digest: one.digest }))]) {
      branches.push({ ...branch, leaves: await leavesOf(branch.digest, { ctx, repository, trust }) });
    }
    const tags = await tagsOf(repository, root.digest);
    for (const line of draw(`${registry}/${name}`, tags, branches)) ctx.log.line(line);
    return { outputs: { digest: root.digest, tree: JSON.stringify({ image: `${registry}/${name}@${root.digest}`, tags, branches }) }, summary: ['```text', ...draw(`${registry}/${name}`, tags, branches), '```', ''].join('\n') };
  },
});

interface Reading {
  readonly ctx: Context;
  readonly repository: Repository;
  readonly trust: TrustMaterial;
}

async function leavesOf(subject: Digest, reading: Reading): Promise<Leaf[]> {
  const referrers = (await reading.repository.listReferrers(subject)).slice(0, 200);
  const leaves: Leaf[] = [];
  for (const referrer of referrers) leaves.push(await leafOf(subject, referrer, reading));
  return leaves.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : a.digest < b.digest ? -1 : 1));
}

async function leafOf(subject: Digest, referrer: Descriptor, { repository, trust }: Reading): Promise<Leaf> {
  if (!isBundleReferrer(referrer)) return { digest: referrer.digest, type: stripControl(referrer.artifactType ?? referrer.mediaType), state: 'not an attestation' };
  try {
    const attestation = await verifyAttestation({ bundle: await readAttestation(repository, referrer.digest), subject, trust });
    return { digest: referrer.digest, type: stripControl(attestation.predicateType), signer: stripControl(formatSigner(attestation.signer)), shown: stripControl(shortenSigner(attestation.signer)), time: attestation.trustedTime.toISOString(), state: 'verified' };
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.kind !== 'refused') throw thrown;
    return { digest: referrer.digest, type: stripControl(referrer.annotations?.['dev.sigstore.bundle.predicateType'] ?? 'attestation'), state: thrown.code };
  }
}

async function tagsOf(repository: Repository, digest: Digest): Promise<string[]> {
  const tags = (await repository.listTags()).filter((tag) => !tag.startsWith('sha256-')).slice(0, 500);
  const naming: string[] = [];
  for (const tag of tags) if ((await repository.resolve(tag))?.digest === digest) naming.push(tag);
  return naming;
}

function draw(name: string, tags: readonly string[], branches: readonly Branch[]): string[] {
  const lines = [`${name}${tags.length > 0 ? `  (${tags.join(', ')})` : ''}`];
  for (const [index, branch] of branches.entries()) {
    const last = index === branches.length - 1;
    lines.push(`${last ? '└─' : '├─'} ${branch.label}  ${branch.digest}`);
    for (const [position, leaf] of branch.leaves.entries()) {
      const stem = `${last ? '   ' : '│  '}${position === branch.leaves.length - 1 ? '└─' : '├─'}`;
      const proof = leaf.state === 'verified' ? `✓ ${leaf.time?.slice(0, 19) ?? ''}Z ${leaf.shown ?? ''}` : `✗ ${leaf.state}`;
      lines.push(`${stem} ${leaf.digest.slice(7, 19)}  ${leaf.type.padEnd(50)} ${proof}`);
    }
  }
  return lines;
}
