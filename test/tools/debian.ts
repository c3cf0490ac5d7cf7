// SPDX-License-Identifier: Apache-2.0
// Installs Debian packages, where that is possible: apt-get, as root or by sudo that asks nothing.
import { spawnSync } from 'node:child_process';

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
