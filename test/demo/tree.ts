// SPDX-License-Identifier: Apache-2.0
// `pratique tree` on the released image, as a user would call it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatImage, type PinnedImage } from '@pratique/core';
import { checkout } from '../tools/runtime.mjs';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

/** Runs the CLI in a process of its own, with the cluster's credentials, and shows what it prints. */
export async function showTree(story: Story, scene: Scene, image: PinnedImage): Promise<void> {
  const args = [join(checkout, 'packages/cli/src/main.ts'), 'tree', formatImage(image), '--trusted-root', scene.lab.addresses.sigstore.trustedRoot.path, '--registry-sign-in', 'docker', '--json'];
  const env = { ...scene.environment(), DOCKER_CONFIG: scene.dockerConfig('cluster'), HOME: scene.folder, NO_COLOR: '1' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000, maxBuffer: 8 << 20 });
  for (const line of stderr.trimEnd().split('\n')) story.say(`  ${line}`);
  const { outputs } = JSON.parse(stdout) as { outputs: { tree: string } };
  const tree = JSON.parse(outputs.tree) as { branches: { leaves: { state: string }[] }[] };
  const leaves = tree.branches.flatMap((branch) => branch.leaves);
  story.claim('pratique tree verifies every attestation', leaves.length === 12 && leaves.every((leaf) => leaf.state === 'verified'), `${leaves.length} leaves`);
}
