// SPDX-License-Identifier: Apache-2.0
// Installs Debian packages, where that is possible: apt-get, as root or by sudo that asks nothing. Takes single programs out of packages of other suites.
import { execFile, spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocatedTool } from '@pratique/core';
import { addToCache, cacheKey, type ToolEntry } from '@pratique/host';
import { downloadPackages } from '../fixtures/base-image/packages.ts';

const run = promisify(execFile);

/** What has to be run before `apt-get`, or `undefined` when packages cannot be installed here. */
export function packageRights(): readonly string[] | undefined {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined;
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

/** Installs packages. Throws with the command to type when it cannot. */
export function installPackages(packages: readonly string[], say: (line: string) => void): void {
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
  const rights = packageRights();
  if (rights === undefined) throw new Error(`${packages.join(', ')} must be installed by someone who may: sudo ${command.join(' ')}`);
  say(`Installing Debian packages: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (argv: readonly string[]) => spawnSync(argv[0] ?? '', argv.slice(1), { env, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  if (run([...rights, ...command]).status === 0) return;
  // The lists of a fresh machine are old or empty; they are fetched only when it did not go without.
  run([...rights, 'apt-get', 'update', '-q']);
  const second = run([...rights, ...command]);
  if (second.status !== 0) throw new Error(`${command.join(' ')} ended with ${second.status}:\n${second.stderr.slice(-4000)}`);
}

/** Brings one program of a package of another suite into the tool cache; apt checks the archive's signature, nothing is installed. */
export async function unpackProgram(name: string, entry: ToolEntry, cache: string): Promise<LocatedTool> {
  const { unpack } = entry;
  if (unpack === undefined) throw new Error(`${name} comes from no package`);
  const folder = await mkdtemp(join(tmpdir(), 'pratique-package-'));
  try {
    const [deb = ''] = await downloadPackages({ architecture: process.arch === 'x64' ? 'amd64' : process.arch, suite: unpack.suite, names: [unpack.package], folder: join(folder, 'apt') });
    // A suite that moves on has another version than the one that is wanted: what it has is what is noted, and the range decides.
    const { stdout } = await run('dpkg-deb', ['-f', deb, 'Version']);
    const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? entry.wanted;
    await run('dpkg-deb', ['-x', deb, join(folder, 'files')]);
    return await addToCache(cache, { name, key: cacheKey(version, [stdout, unpack.member]), version, origin: 'download' }, (target) => cp(join(folder, 'files', unpack.member), join(target, name)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
