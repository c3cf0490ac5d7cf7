// SPDX-License-Identifier: Apache-2.0
// One lab per folder: a file with the process id of the lab that runs there, and when that process began (ids are used again). What a dead process left is taken over.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Failure, isJsonObject } from '@pratique/core';
import { isAlive, startOf } from './process-identity.ts';

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
