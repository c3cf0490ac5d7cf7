// SPDX-License-Identifier: Apache-2.0
// Builds programs from pinned Go modules (test/tools/NAME) into the tool cache, with caches of its own that are removed when nothing more is to be built.
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
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
  const folder = join(options.modules ?? join(checkout, 'test/tools'), name);
  await requireDisk(options.cache, program);
  const key = await goKey(folder, entry, go);
  await removeDrafts(join(options.cache, 'tools', name), key);
  return addToCache(options.cache, { name, key, version: entry.wanted, origin: 'build' }, async (target) => {
    const args = buildArguments(go, join(target, name));
    await withProgress({ title: `Building ${name} ${entry.wanted} from its Go module`, usualSeconds: go.seconds, say: options.say }, () => runGo(args, { cwd: folder, env: goEnvironment(options.cache, go), signal: options.signal }));
  });
}

/** Takes away what killed builds have left; the lock is held, so nobody works there. */
async function removeDrafts(home: string, key: string): Promise<void> {
  await mkdir(home, { recursive: true });
  for (const entry of await readdir(home)) if (entry.startsWith(`.${key}.`)) await rm(join(home, entry), { recursive: true });
}

/** `go build` as it is called; `-mod=readonly`: what go.sum does not name is not fetched. */
export function buildArguments(go: GoProgram['go'], target: string): string[] {
  const set = go.set === undefined ? '' : ` -X ${go.set}`;
  return ['build', '-trimpath', '-mod=readonly', '-modcacherw', '-buildvcs=false', `-ldflags=-s -w${set}`, '-o', target, go.package];
}

/** The version, and a sum of everything that the program is made from. */
export async function goKey(folder: string, entry: ToolEntry, go: GoProgram['go']): Promise<string> {
  const sources = (await readdir(folder)).filter((file) => /^go\.(mod|sum)$|\.go$/.test(file)).sort();
  const contents = await Promise.all(sources.map((file) => readFile(join(folder, file), 'utf8')));
  return cacheKey(entry.wanted, [...contents, JSON.stringify(go.env ?? {})]);
}

function goEnvironment(cache: string, go: GoProgram['go']): Record<string, string> {
  const settings = Object.fromEntries(['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOPRIVATE', 'GOINSECURE'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))) as Record<string, string>;
  return { ...childVariables(process.env), ...settings, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'local', GOMODCACHE: join(cache, 'go/mod'), GOCACHE: join(cache, 'go/build'), ...go.env };
}

function runGo(args: readonly string[], { cwd, env, signal }: { cwd: string; env: Record<string, string>; signal: AbortSignal | undefined }): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000);
    });
    child.on('error', (cause) => reject(new Error('the Go toolchain could not be started; install Go 1.26 or put the program itself on PATH', { cause })));
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`go ${args.join(' ')} in ${cwd} ended with ${code}:\n${output}`))));
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
