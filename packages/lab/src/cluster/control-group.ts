// SPDX-License-Identifier: Apache-2.0
// The control group below which the kubelet makes those of pods, in every hierarchy (version 1) or the one (version 2). Its name says which process made it, so that
// what a killed lab has left is known by its owner being dead, and nobody else's is touched.
import { access, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startOf } from '../process-identity.ts';

const root = '/sys/fs/cgroup';
const prefix = 'pratique-lab-';

let made = 0;

/** Makes it. The returned path starts with a slash and counts from the root of each hierarchy. */
export async function makeControlGroup(): Promise<string> {
  made += 1;
  const name = `${prefix}${process.pid}-${startOf(process.pid)}-${made}`;
  for (const hierarchy of await hierarchies()) await mkdir(join(hierarchy, name));
  return `/${name}`;
}

/** Removes it with all below, which have no processes any more. */
export async function removeControlGroup(path: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, path));
}

/** Removes those whose makers are dead. */
export async function removeStaleControlGroups(): Promise<void> {
  const names = new Set((await Promise.all((await hierarchies()).map((hierarchy) => readdir(hierarchy)))).flat().filter((name) => name.startsWith(prefix)));
  for (const name of names) {
    const [owner = '', start = ''] = name.slice(prefix.length).split('-');
    if (!(isAlive(Number(owner)) && startOf(Number(owner)) === start)) await removeControlGroup(`/${name}`);
  }
}

async function hierarchies(): Promise<readonly string[]> {
  if (await exists(join(root, 'cgroup.controllers'))) return [root];
  const entries = await readdir(root, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
}

async function removeTree(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  for (const entry of await readdir(folder, { withFileTypes: true })) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  // A group is busy for some milliseconds after its last process.
  for (let tries = 50; ; tries -= 1) {
    const failed = await rmdir(folder).then(() => undefined, (thrown: NodeJS.ErrnoException) => thrown);
    if (failed === undefined || failed.code === 'ENOENT') return;
    if (failed.code !== 'EBUSY' || tries === 0) throw failed;
    await sleep(20);
  }
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);
