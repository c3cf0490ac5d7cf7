// SPDX-License-Identifier: Apache-2.0
// One at a time: a lock folder that holds the process id of its owner, and is taken over when the owner is gone.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock without owner is one that is being made; after this it is one that was never finished. */
const unownedMilliseconds = 5000;

/**
 * Runs `work` while holding the lock `folder`; waits for it as long as its owner lives.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @param {{ onWait?: (pid: number | undefined) => void, pollMilliseconds?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(folder, work, options = {}) {
  await mkdir(dirname(folder), { recursive: true });
  let told = false;
  while (!(await take(folder))) {
    const owner = await readOwner(folder);
    if (await isStale(folder, owner)) {
      await breakLock(folder);
      continue;
    }
    if (!told) options.onWait?.(owner);
    told = true;
    await sleep(options.pollMilliseconds ?? 200);
  }
  try {
    return await work();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function take(folder) {
  try {
    await mkdir(folder);
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false;
    throw thrown;
  }
  await writeFile(join(folder, 'pid'), String(process.pid));
  return true;
}

/** @param {string} folder @returns {Promise<number | undefined>} */
async function readOwner(folder) {
  try {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** @param {string} folder @param {number | undefined} owner */
async function isStale(folder, owner) {
  if (owner !== undefined) return !isAlive(owner);
  try {
    return Date.now() - (await stat(folder)).mtimeMs > unownedMilliseconds;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
}

/**
 * Takes a stale lock away. Two may find it stale at once, and the slower would take away the new lock of the faster: so there is one at a time
 * who breaks, and looks again before.
 * @param {string} folder
 */
async function breakLock(folder) {
  const breaking = `${folder}.breaking`;
  try {
    await mkdir(breaking);
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    // Whoever is at it needs no more than milliseconds; what is older was left by one that was killed.
    if (await isStale(breaking, undefined)) await rm(breaking, { recursive: true, force: true });
    await sleep(5);
    return;
  }
  try {
    if (await isStale(folder, await readOwner(folder))) await rm(folder, { recursive: true, force: true });
  } finally {
    await rm(breaking, { recursive: true, force: true });
  }
}

/** Whether a process lives; one of another user does, one that has ended and waits to be collected does not. @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (thrown) {
    // ENOENT: it ended between the two looks.
    return codeOf(thrown) === 'EPERM';
  }
}

/** @param {unknown} thrown */
function codeOf(thrown) {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
}
