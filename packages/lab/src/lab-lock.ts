// SPDX-License-Identifier: Apache-2.0
// One lab per folder: a file with the process id of the lab that runs there. What a dead process left is taken over.
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
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (thrown) {
      if (!isJsonObject(thrown) || thrown['code'] !== 'EEXIST' || attempt === 2) throw thrown;
    }
    const owner = Number(readFileSync(path, 'utf8'));
    if (isAlive(owner)) throw new Failure({ code: 'LAB_DATA_INVALID', message: `${folder} is in use by the lab with process id ${owner}`, hint: `Stop it (kill ${owner}), or choose another folder.` });
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
