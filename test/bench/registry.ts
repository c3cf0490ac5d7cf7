// SPDX-License-Identifier: Apache-2.0
// Docker's registry (distribution 2.8) as a neutral server: an empty one for every run, so that nobody finds what another has pushed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

export interface RunningRegistry {
  /** `127.0.0.1:PORT`, plain http. */
  readonly host: string;
  close(): Promise<void>;
}

export async function startDockerRegistry({ folder, programs }: World): Promise<RunningRegistry> {
  const home = await mkdtemp(join(folder, 'registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = { version: 0.1, log: { level: 'error', accesslog: { disabled: true } }, storage: { filesystem: { rootdirectory: join(home, 'data') } }, http: { addr: host } };
  await writeFile(join(home, 'config.yml'), JSON.stringify(config));
  const child = spawn(programs['docker-registry'], ['serve', join(home, 'config.yml')], { stdio: 'ignore', env: {} });
  const ended = once(child, 'close');
  for (let attempt = 0; !(await answers(host)); attempt += 1) {
    if (attempt === 200 || child.exitCode !== null) throw new Error(`docker-registry does not answer on ${host}`);
    await sleep(25);
  }
  return {
    host,
    async close() {
      child.kill('SIGKILL');
      await ended;
      await rm(home, { recursive: true, force: true });
    },
  };
}

function answers(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(({ ok }) => ok, () => false);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
