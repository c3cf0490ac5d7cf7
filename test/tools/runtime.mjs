// SPDX-License-Identifier: Apache-2.0
// Brings the Node and pnpm of this repository into the tool cache, and its packages into node_modules. Needs any Node from 20 on and npm.
import { createHash, randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { withProgress } from './progress.mjs';

/** The root of the checkout. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const table = JSON.parse(readFileSync(join(checkout, 'packages/host/src/tools.json'), 'utf8'));

/** The tool cache; the same rule as toolCacheFolder in packages/host. */
export const cache = process.env['PRATIQUE_TOOLS'] || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pratique');

/** @param {string} version @param {{ least: string, below: string }} range */
export function versionFits(version, range) {
  const number = (/** @type {string} */ text) => text.replace(/^v/, '').split('.').reduce((sum, part) => sum * 1000 + Number.parseInt(part, 10), 0);
  return number(version) >= number(range.least) && number(version) < number(range.below);
}

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`);

/**
 * Runs a program to its end, its output shown only when it fails.
 * @param {string} file @param {string[]} args @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
function runQuietly(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => (output = (output + chunk.toString()).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`${file} ${args.join(' ')} ended with ${code}:\n${output}`))));
  });
}

/** Node and pnpm: this Node when it fits, else the pinned one; pnpm always the pinned one. @returns {Promise<{ node: string, pnpm: string }>} */
export async function bringRuntime() {
  const folder = await runtimeFolder();
  const pnpm = join(folder, 'node_modules/pnpm/bin/pnpm.mjs');
  if (versionFits(process.version, table.node)) return { node: process.execPath, pnpm };
  const node = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node');
  if (existsSync(node)) return { node, pnpm };
  throw new Error(`Node ${table.node.least} or newer (below ${table.node.below}) is needed; this is ${process.version}, and there is no package of it for ${process.platform}-${process.arch}. Install Node 24.`);
}

/** The folder in the cache that package.json and package-lock.json of test/tools/runtime install into: sums are pinned, no script runs. */
async function runtimeFolder() {
  const source = join(checkout, 'test/tools/runtime');
  const hash = createHash('sha256').update(await readFile(join(source, 'package-lock.json'))).digest('hex').slice(0, 12);
  const final = join(cache, 'runtime', hash);
  if (existsSync(final)) return final;
  return withLock(join(cache, 'locks/runtime'), async () => {
    if (existsSync(final)) return final;
    // What a killed run has left; the lock is held, so nobody works there.
    for (const entry of existsSync(dirname(final)) ? await readdir(dirname(final)) : []) if (entry.startsWith(`${hash}.`)) await rm(join(dirname(final), entry), { recursive: true });
    const draft = `${final}.${randomUUID()}`;
    await mkdir(draft, { recursive: true });
    try {
      for (const name of ['package.json', 'package-lock.json']) await cp(join(source, name), join(draft, name));
      const npm = process.env['npm_execpath']?.endsWith('npm-cli.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];
      await withProgress({ title: `Fetching Node ${table.node.wanted} and pnpm ${table.pnpm.wanted} into ${cache}`, usualSeconds: 6 }, () => (
        runQuietly(npm[0] ?? 'npm', [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: draft, env: withoutNpm() })
      ));
      await rename(draft, final);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return final;
  }, { onWait: (pid) => say(`Waiting for process ${pid}, which fetches Node and pnpm`) });
}

/** The environment without what `npm run` adds, which would tell the inner npm where the outer one works. */
function withoutNpm() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|userconfig|cafile|proxy|https_proxy))/i.test(name)));
}

/** Installs the packages as locked, unless this was done already. @param {{ node: string, pnpm: string }} runtime */
export async function installPackages(runtime) {
  const stamp = join(checkout, 'node_modules/.pratique-installed');
  const wanted = await lockSum();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const lock = join(cache, 'locks', `install-${createHash('sha256').update(checkout).digest('hex').slice(0, 12)}`);
  await withLock(lock, async () => {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
    await withProgress({ title: 'Installing packages (pnpm, as locked)', usualSeconds: 15 }, () => (
      runQuietly(runtime.node, [runtime.pnpm, 'install', '--frozen-lockfile'], { cwd: checkout, env: { ...withoutNpm(), CI: 'true', PATH: `${dirname(runtime.node)}:${process.env['PATH']}` } })
    ));
    await writeFile(stamp, wanted);
  }, { onWait: (pid) => say(`Waiting for process ${pid}, which installs packages`) });
}

/** A sum over the lock file and every package.json of the workspace. */
async function lockSum() {
  const hash = createHash('sha256');
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  for (const folder of ['packages', 'actions']) {
    for (const entry of (await readdir(join(checkout, folder))).sort()) files.push(join(folder, entry, 'package.json'));
  }
  for (const file of files) if (existsSync(join(checkout, file))) hash.update(file).update(await readFile(join(checkout, file)));
  return hash.digest('hex');
}
