// SPDX-License-Identifier: Apache-2.0
// `pratique tree`: an image with its platforms and everything that hangs on it, as `oras discover` lists it, but verified.
import { formatImage, formatSigner, shortenSigner, stripControl, type Digest } from '@pratique/core';
import { defineStep, input, registryInputs, sigstoreInputs } from '@pratique/step';
import { readImageContents, type Leaf } from '../image-contents.ts';

/** A leaf as it is printed. */
interface ShownLeaf {
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
  readonly leaves: readonly ShownLeaf[];
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
    const { contents: { pinned, tags, branches: read } } = await readImageContents({ ctx, image: given.image, signIn: given, trustedRoot: given['trusted-root'] });
    const branches = read.map(({ label, digest, leaves }) => ({ label, digest, leaves: leaves.map(show) }));
    const lines = draw(`${pinned.registry}/${pinned.repository}`, tags, branches);
    for (const line of lines) ctx.log.line(line);
    return { outputs: { digest: pinned.digest, tree: JSON.stringify({ image: formatImage(pinned), tags, branches }) }, summary: ['```text', ...lines, '```', ''].join('\n') };
  },
});

function show({ digest, type, proof }: Leaf): ShownLeaf {
  const named = { digest, type: stripControl(type) };
  if (proof.state !== 'verified') return { ...named, state: proof.state === 'failed' ? proof.code : 'not an attestation' };
  const { signer, trustedTime } = proof.attestation;
  return { ...named, signer: stripControl(formatSigner(signer)), shown: stripControl(shortenSigner(signer)), time: trustedTime.toISOString(), state: 'verified' };
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
