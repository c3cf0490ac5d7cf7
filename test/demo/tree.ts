// SPDX-License-Identifier: Apache-2.0
// `pratique tree` on the released image, as a user would call it.
import { formatImage, type PinnedImage } from '@pratique/core';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

/** Runs the CLI in a process of its own, with the cluster's credentials, and shows what it prints. */
export async function showTree(story: Story, scene: Scene, image: PinnedImage): Promise<void> {
  const { stdout, stderr } = await scene.command(['tree', formatImage(image)]);
  for (const line of stderr.trimEnd().split('\n')) story.say(`  ${line}`);
  const { outputs } = JSON.parse(stdout) as { outputs: { tree: string } };
  const tree = JSON.parse(outputs.tree) as { branches: { leaves: { state: string }[] }[] };
  const leaves = tree.branches.flatMap((branch) => branch.leaves);
  story.claim('pratique tree verifies every attestation', leaves.length === 12 && leaves.every((leaf) => leaf.state === 'verified'), `${leaves.length} leaves`);
}
