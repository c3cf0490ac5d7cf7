// SPDX-License-Identifier: Apache-2.0
// Run by disk.test.ts in a process of its own: pushes images without end until it is killed, and prints each that was answered.
import { createTrial, pushImage } from './test-trial.ts';

const [folder = ''] = process.argv.slice(2);
const { call } = createTrial({ anonymous: true, storage: { folder } });
async function pushForever(lane: string): Promise<void> {
  for (let count = 0; count < 100_000; count += 1) {
    const tag = `${lane}-${count}`;
    const digest = await pushImage(call, 'app', { seed: tag, tag });
    process.stdout.write(`${tag} ${digest}\n`);
  }
}
await Promise.all(['a', 'b', 'c', 'd'].map(pushForever));
