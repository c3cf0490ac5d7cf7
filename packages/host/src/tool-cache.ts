// SPDX-License-Identifier: Apache-2.0
// The tool cache: one folder per program, version and origin; made beside and renamed, so that it is there whole or not at all.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonObject, type LocatedTool } from '@pratique/core';
import type { ToolEntry } from './tool-table.ts';
import { inRange } from './version.ts';

const label = 'tool.json';

/** A usable version of a program in the cache: the one that is wanted goes first, and of several the one made last. `key` asks for exactly that one. */
export async function findInCache(cache: string, { name, entry, key }: { name: string; entry: ToolEntry; key?: string }): Promise<LocatedTool | undefined> {
  const found: { tool: LocatedTool; made: number }[] = [];
  for (const folder of key === undefined ? await listFolder(join(cache, 'tools', name)) : [key]) {
    const tool = await readLabel(join(cache, 'tools', name, folder), name);
    if (tool !== undefined && inRange(tool.version, entry)) found.push({ tool, made: (await stat(tool.path)).mtimeMs });
  }
  const rank = (one: (typeof found)[number]): number => (one.tool.version === entry.wanted ? Infinity : one.made);
  return found.sort((a, b) => (rank(a) === rank(b) ? b.made - a.made : rank(b) - rank(a)))[0]?.tool;
}

/** Puts a program into the cache. `make` fills the folder that it gets with at least a file named `name`. When two do it at once, the first stands. */
export async function addToCache(cache: string, tool: { name: string; key: string; version: string; origin: LocatedTool['origin'] }, make: (folder: string) => Promise<void>): Promise<LocatedTool> {
  const home = join(cache, 'tools', tool.name);
  const draft = join(home, `.${tool.key}.${randomUUID()}`);
  const final = join(home, tool.key);
  await mkdir(draft, { recursive: true });
  try {
    await make(draft);
    await chmod(join(draft, tool.name), 0o755);
    await writeFile(join(draft, label), JSON.stringify({ version: tool.version, origin: tool.origin }));
    await rename(draft, final).catch(async (thrown: unknown) => {
      if ((await readLabel(final, tool.name)) === undefined) throw thrown;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return { name: tool.name, path: join(final, tool.name), version: tool.version, origin: tool.origin };
}

async function readLabel(folder: string, name: string): Promise<LocatedTool | undefined> {
  const text = await readFile(join(folder, label), 'utf8').catch(nothingThere);
  if (text === undefined) return undefined;
  const { version } = parseJsonObject(text, `${folder}/${label}`, 'INTERNAL_DEFECT');
  return typeof version === 'string' ? { name, path: join(folder, name), version, origin: 'cache' } : undefined;
}

async function listFolder(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch(nothingThere);
  return (entries ?? []).filter((entry) => !entry.startsWith('.')).sort();
}

function nothingThere(thrown: unknown): undefined {
  if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR')) return undefined;
  throw thrown;
}
