// SPDX-License-Identifier: Apache-2.0
// Builds programs from pinned Go modules (test/tools/NAME) into the tool cache, with caches of its own that are removed when nothing more is to be built.
import { spawn } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addToCache, cacheKey, childVariables, type ToolEntry } from '@pratique/host';
import type { LocatedTool } from '@pratique/core';
import { isAlive, withLock } from './lock.mjs';
import { withProgress } from './progress.mjs';
import { checkout } from './runtime.mjs';

/** The pinned module of a program, and what its folder in the cache is named after. */
export interface GoProgram {
  readonly name: string;
  readonly entry: ToolEntry;
  readonly go: NonNullable<ToolEntry['go']>;
}

export interface GoBuildOptions {
  readonly cache: string;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Default: test/tools of this checkout. */
  readonly modules?: string;
}

/** Builds the programs one after the other; `onBuilt` is told of each. The caches of Go are removed afterwards unless another process builds too. */
export async function buildAll(programs: readonly GoProgram[], options: GoBuildOptions, onBuilt: (tool: LocatedTool) => void): Promise<void> {
  if (programs.length === 0) return;
  const pending = join(options.cache, 'go/pending');
  const mark = join(pending, `${process.pid}-${Date.now()}`);
  await mkdir(pending, { recursive: true });
  await writeFile(mark, programs.map((one) => one.name).join('\n'));
  const lock = join(options.cache, 'locks/go-build');
  const onWait = (pid: number | undefined): void => options.say(`Waiting for process ${pid ?? 'unknown'}, which builds programs`);
  try {
    for (const program of programs) onBuilt(await withLock(lock, () => build(program, options), { onWait }));
  } finally {
    await rm(mark, { force: true });
    await withLock(lock, () => removeCaches(options.cache, pending));
  }
}

async function build(program: GoProgram, options: GoBuildOptions): Promise<LocatedTool> {
  const { name, entry, go } = program;
  const folder = moduleFolder(name, go, options.modules);
  await requireDisk(options.cache, program);
  const key = await goKey(folder, entry, go);
  await removeDrafts(join(options.cache, 'tools', name), key);
  return addToCache(options.cache, { name, key, version: entry.wanted, origin: 'build' }, async (target) => {
    const world = { cwd: folder, env: goEnvironment(options.cache, go), signal: options.signal };
    await withProgress({ title: `Building ${name} ${entry.wanted} from its Go module`, usualSeconds: go.seconds, say: options.say }, async () => {
      const pruned = go.prune === undefined ? [] : await prune(go.prune, join(options.cache, 'go/pruned', name), world);
      await runGo(buildArguments(go, join(target, name), pruned), world);
    });
  });
}

/** Takes away what killed builds have left; the lock is held, so nobody works there. */
async function removeDrafts(home: string, key: string): Promise<void> {
  await mkdir(home, { recursive: true });
  for (const entry of await readdir(home)) if (entry.startsWith(`.${key}.`)) await rm(join(home, entry), { recursive: true });
}

/** Where the pinned module of a program stands: a folder of its name, or one that several programs share. */
export function moduleFolder(name: string, go: GoProgram['go'], modules = join(checkout, 'test/tools')): string {
  return join(modules, go.module ?? name);
}

/** `go build` as it is called; `-mod=readonly`: what go.sum does not name is not fetched. */
export function buildArguments(go: GoProgram['go'], target: string, more: readonly string[] = []): string[] {
  const set = (go.set?.split(' ') ?? []).map((one) => ` -X ${one}`).join('');
  return ['build', '-trimpath', '-mod=readonly', '-modcacherw', '-buildvcs=false', ...more, `-ldflags=-s -w${set}`, '-o', target, go.package];
}

/** The version, and a sum of everything that the program is made from. */
export async function goKey(folder: string, entry: ToolEntry, go: GoProgram['go']): Promise<string> {
  const sources = (await readdir(folder, { recursive: true })).filter((file) => /(?:^|\/)go\.(mod|sum)$|\.go$/.test(file)).sort();
  const contents = await Promise.all(sources.map((file) => readFile(join(folder, file), 'utf8')));
  return cacheKey(entry.wanted, [...contents, JSON.stringify(go.env ?? {})]);
}

function goEnvironment(cache: string, go: GoProgram['go']): Record<string, string> {
  const settings = Object.fromEntries(['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOPRIVATE', 'GOINSECURE'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))) as Record<string, string>;
  return { ...childVariables(process.env), ...settings, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'local', GOMODCACHE: join(cache, 'go/mod'), GOCACHE: join(cache, 'go/build'), ...go.env };
}

interface GoWorld {
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly signal: AbortSignal | undefined;
}

/** Copies a module of which one package is replaced by a file of the program's folder; gives the arguments by which the copy is built. */
async function prune({ module, package: name, by }: NonNullable<GoProgram['go']['prune']>, copy: string, world: GoWorld): Promise<string[]> {
  await rm(copy, { recursive: true, force: true });
  const { Dir } = JSON.parse(await runGo(['mod', 'download', '-json', module], world)) as { Dir: string };
  await cp(Dir, join(copy, 'module'), { recursive: true });
  await rm(join(copy, 'module', name), { recursive: true });
  await mkdir(join(copy, 'module', name));
  await cp(join(world.cwd, by), join(copy, 'module', name, by));
  for (const file of ['go.mod', 'go.sum']) await cp(join(world.cwd, file), join(copy, file));
  await appendFile(join(copy, 'go.mod'), `\nreplace ${module} => ${join(copy, 'module')}\n`);
  return [`-modfile=${join(copy, 'go.mod')}`];
}

/** Gives what it prints. */
function runGo(args: readonly string[], { cwd, env, signal }: GoWorld): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...(signal ? { signal } : {}) });
    let [printed, output] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000);
    });
    child.on('error', (cause) => reject(new Error('the Go toolchain could not be started; install Go 1.26 or put the program itself on PATH', { cause })));
    child.on('close', (code) => (code === 0 ? resolve(printed) : reject(new Error(`go ${args.join(' ')} in ${cwd} ended with ${code}:\n${output}`))));
  });
}

async function requireDisk(cache: string, program: GoProgram): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= program.go.diskGiB) return;
  throw new Error(`building ${program.name} needs ${program.go.diskGiB} GiB free below ${cache}, there are ${free.toFixed(1)}; set PRATIQUE_TOOLS to a folder with more, or put ${program.name} on PATH`);
}

/** Removes modules and objects of Go, unless a living process has said that it will build. */
async function removeCaches(cache: string, pending: string): Promise<void> {
  const marks = await readdir(pending);
  if (marks.some((mark) => isAlive(Number.parseInt(mark, 10)))) return;
  await rm(join(cache, 'go'), { recursive: true, force: true });
}
