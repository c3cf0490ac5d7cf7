// SPDX-License-Identifier: Apache-2.0
// Which process an id means: ids are used again, an id with the time that the process began is not.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { isJsonObject } from '@pratique/core';

/** Whether a process with this id lives, ours or another's. */
export function isAlive(id: number): boolean {
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
export function startOf(id: number): string {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch (thrown) {
    if (isJsonObject(thrown) && thrown['code'] === 'ENOENT') return '0';
    throw thrown;
  }
}
