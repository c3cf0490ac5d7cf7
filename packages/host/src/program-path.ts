// SPDX-License-Identifier: Apache-2.0
// Finding a program on PATH without running anything.
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** The absolute path of an executable file, or `undefined`. A name with a slash is taken relative to `folder`; any other is looked for on `path`. */
export async function findProgram(name: string, path: string | undefined, folder: string): Promise<string | undefined> {
  if (isAbsolute(name) || name.includes('/')) {
    const file = resolve(folder, name);
    return (await isExecutable(file)) ? file : undefined;
  }
  // An empty entry of PATH means the working folder to a shell; here it means nothing, so that a checkout cannot bring its own programs.
  for (const entry of (path ?? '').split(delimiter).filter((one) => isAbsolute(one))) {
    const file = join(entry, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return false;
    throw thrown;
  }
}
