// SPDX-License-Identifier: Apache-2.0
// Finding programs: on PATH when the version fits, in the tool cache, then as a verified download.
import { delimiter } from 'node:path';
import process from 'node:process';
import { Failure, nearest, type Clock, type Exec, type LocatedTool, type Tools } from '@pratique/core';
import { downloadTool } from './download.ts';
import type { Environment } from './environment.ts';
import { findProgram } from './program-path.ts';
import { findInCache } from './tool-cache.ts';
import { toolCacheFolder, toolTable, type ToolEntry } from './tool-table.ts';
import { inRange, readVersion } from './version.ts';

export interface ToolsOptions {
  readonly env: Environment;
  readonly exec: Exec;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly scratch: string;
  readonly say: (line: string) => void;
  /** Default: the table of this project. */
  readonly table?: Readonly<Record<string, ToolEntry>>;
  /** Default: this machine's, `linux-x64` and the like. */
  readonly platform?: string;
}

/** The tools port. What was found once is not looked for again. */
export function createTools(options: ToolsOptions): Tools {
  const table = options.table ?? toolTable;
  const located = new Map<string, Promise<LocatedTool>>();
  return {
    locate(name) {
      const known = located.get(name);
      if (known !== undefined) return known;
      const looking = locate(name, table[name], options);
      located.set(name, looking);
      looking.catch(() => located.delete(name));
      return looking;
    },
  };
}

async function locate(name: string, entry: ToolEntry | undefined, options: ToolsOptions): Promise<LocatedTool> {
  if (entry === undefined) {
    throw new Failure({ code: 'TOOL_MISSING', message: `${name} is no program that this toolkit knows`, hint: `Known: ${Object.keys(options.table ?? toolTable).join(', ')}. Nearest: ${nearest(name, Object.keys(options.table ?? toolTable)) ?? 'none'}.` });
  }
  const cache = toolCacheFolder(options.env);
  const present = (await findOnPath(name, entry, options)) ?? (await findInCache(cache, { name, entry }));
  if (present !== undefined) return present;
  const platform = options.platform ?? `${process.platform}-${process.arch}`;
  const brought = await downloadTool({ ...options, name, entry, platform, cache });
  if (brought !== undefined) return brought;
  throw new Failure({
    code: 'TOOL_MISSING', message: `${name} ${entry.least} or newer (below ${entry.below}) is neither on PATH nor in the tool cache ${cache}`,
    hint: entry.debian ? `Install it: sudo apt-get install ${entry.debian}.` : `Install ${name} ${entry.wanted} and put it on PATH; there is no pinned download of it for ${platform}.`,
    facts: { program: name, wanted: entry.wanted, cache },
  });
}

/** The program on PATH, when it prints a version that can be used. */
export async function findOnPath(name: string, entry: ToolEntry, options: Pick<ToolsOptions, 'env' | 'exec'>): Promise<LocatedTool | undefined> {
  const path = entry.private ? undefined : await findProgram(name, [options.env['PATH'], ...(entry.folders ?? [])].join(delimiter), '/');
  if (path === undefined) return undefined;
  if (entry.probe.length === 0) return { name, path, version: entry.least, origin: 'path' };
  const result = await options.exec.run({ file: path, args: entry.probe, timeoutSeconds: 30 });
  const version = result.exitCode === 0 ? readVersion(result.stdout + result.stderr) : undefined;
  return version !== undefined && inRange(version, entry) ? { name, path, version, origin: 'path' } : undefined;
}

/** One line of `pratique tools`. */
export interface ToolStatus {
  readonly name: string;
  readonly for: string;
  /** The version that is brought when none is there. */
  readonly wanted: string;
  /** Versions that can be used. */
  readonly usable: string;
  readonly found?: LocatedTool;
  /** How it is had when it is not there. */
  readonly from: 'download' | 'debian' | 'npm' | 'go';
}

/** Looks for every program, without bringing any. */
export async function listTools(options: Pick<ToolsOptions, 'env' | 'exec' | 'table'>): Promise<readonly ToolStatus[]> {
  const cache = toolCacheFolder(options.env);
  return Promise.all(Object.entries(options.table ?? toolTable).map(async ([name, entry]) => {
    const found = (await findOnPath(name, entry, options)) ?? (await findInCache(cache, { name, entry }));
    const from = entry.release ? 'download' : entry.debian || entry.unpack ? 'debian' : entry.npm ? 'npm' : 'go';
    return { name, for: entry.for, wanted: entry.wanted, usable: `>=${entry.least} <${entry.below}`, from, ...(found === undefined ? {} : { found }) } as const;
  }));
}
