// SPDX-License-Identifier: Apache-2.0
// One lab per folder: a file with the process id of the lab that runs there, and when that process began (ids are used again). What a dead process left is taken over.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Failure, isJsonObject } from '@pratique/core';

/** Takes the folder; the returned function gives it back. Fails with `LAB_DATA_INVALID` when another lab has it. */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lab.pid');
  mkdirSync(folder, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(path, `${process.pid} ${startOf(process.pid)}`, { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (thrown) {
      if (!isJsonObject(thrown) || thrown['code'] !== 'EEXIST' || attempt === 2) throw thrown;
    }
    const [id, start] = readFileSync(path, 'utf8').split(' ');
    const owner = Number(id);
    if (isAlive(owner) && startOf(owner) === start) throw new Failure({ code: 'LAB_DATA_INVALID', message: `${folder} is in use by the lab with process id ${owner}`, hint: `Stop it (kill ${owner}), or choose another folder.` });
    rmSync(path, { force: true });
  }
}

function isAlive(id: number): boolean {
  if (!Number.isInteger(id) || id <= 0) return false;
  try {
    process.kill(id, 0);
    return true;
  } catch (thrown) {
    // EPERM: it lives and belongs to someone else.
    return isJsonObject(thrown) && thrown['code'] === 'EPERM';
  }
}

/** Ticks since boot at which a process began (proc(5), stat, field 22); `0` where there is no /proc. */
function startOf(id: number): string {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch (thrown) {
    if (isJsonObject(thrown) && thrown['code'] === 'ENOENT') return '0';
    throw thrown;
  }
}
