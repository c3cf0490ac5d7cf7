// SPDX-License-Identifier: Apache-2.0
// The ACR emulator against Docker's registry, both on disk, each a process of its own, under the same load.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, takeTurns, type Row } from './measure.ts';
import { startDockerRegistry, type RunningRegistry } from './registry.ts';
import type { World } from './world.ts';

/** In time: 0.8 of its throughput. */
const goal = 1.25;

const loads = { 'big blobs': ['blobs', '2', String(128 * 2 ** 20)], 'small blobs': ['blobs', '300', String(64 * 2 ** 10)], manifests: ['manifests', '300', '2048'] } as const;

export async function benchEmulator(world: World): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [title, words] of Object.entries(loads)) {
    const pulls: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
    const under = (side: 'ours' | 'theirs', start: (world: World) => Promise<RunningRegistry>) => async (): Promise<number> => {
      const registry = await start(world);
      try {
        const { stdout } = await run({ file: process.execPath, args: [join(import.meta.dirname, 'load.ts'), `http://${registry.host}`, ...words] });
        const { push, pull } = JSON.parse(stdout) as { push: number; pull: number };
        pulls[side].push(pull);
        return push;
      } finally {
        await registry.close();
      }
    };
    const times = await takeTurns({ ours: under('ours', startEmulator), theirs: under('theirs', startDockerRegistry) }, world.rounds(3));
    rows.push({ what: `emulator: push ${title}`, ...times, peer: 'docker-registry', goal });
    rows.push({ what: `emulator: pull ${title}`, ours: middle(pulls.ours), theirs: middle(pulls.theirs), peer: 'docker-registry', goal });
  }
  return rows;
}

/** The median, without the first, which warmed up. */
function middle(times: readonly number[]): number {
  const sorted = times.slice(1).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function startEmulator({ folder }: World): Promise<RunningRegistry> {
  const storage = await mkdtemp(join(folder, 'emulator-'));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'emulator-program.ts'), storage], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    host: new URL(line.toString().trim()).host,
    async close() {
      child.kill('SIGKILL');
      await ended;
      await rm(storage, { recursive: true, force: true });
    },
  };
}
