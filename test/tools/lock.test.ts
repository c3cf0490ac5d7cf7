// SPDX-License-Identifier: Apache-2.0
// The lock of the bootstrap, held and abandoned by real processes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withLock } from './lock.mjs';

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-test-'));
  lock = join(folder, 'locks/one');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const options = { pollMilliseconds: 5 };

describe('the lock', () => {
  test('lets one in at a time, also when many come at once', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 8 }, () => withLock(lock, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
    }, options)));
    expect(most).toBe(1);
    expect(await readdir(join(folder, 'locks'))).toEqual([]);
  });

  test('is given back when the work fails', async () => {
    await expect(withLock(lock, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await withLock(lock, () => Promise.resolve('in'))).toBe('in');
  });

  test('of a process that has ended is taken over', async () => {
    const gone = spawnSync('true').pid;
    await mkdir(lock, { recursive: true });
    await writeFile(join(lock, 'pid'), String(gone));
    const entered: string[] = [];
    await Promise.all(Array.from('abcdefghijkl').map((name) => withLock(lock, () => Promise.resolve(entered.push(name)), options)));
    expect(entered).toHaveLength(12);
    expect(await readdir(join(folder, 'locks'))).toEqual([]);
  });

  test('of a process that lives is waited for, and the owner is named', async () => {
    const owner = spawn('sleep', ['60']);
    await mkdir(lock, { recursive: true });
    await writeFile(join(lock, 'pid'), String(owner.pid));
    const waitedFor: (number | undefined)[] = [];
    const result = await withLock(lock, () => Promise.resolve('in'), {
      ...options,
      onWait: (pid) => {
        waitedFor.push(pid);
        owner.kill('SIGKILL');
      },
    });
    expect(result).toBe('in');
    expect(waitedFor).toEqual([owner.pid]);
  });

  test('that was never finished is taken over', async () => {
    await mkdir(lock, { recursive: true });
    await utimes(lock, new Date(0), new Date(0));
    expect(await withLock(lock, () => Promise.resolve('in'), options)).toBe('in');
  });
});
