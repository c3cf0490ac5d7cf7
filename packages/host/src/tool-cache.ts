// SPDX-License-Identifier: Apache-2.0
// The tool cache: one folder per program, version and origin; made beside and renamed, so that it is there whole or not at all.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJsonObject, type LocatedTool } from '@pratique/core';
import type { ToolEntry } from './tool-table.ts';
import { inRange } from './version.ts';

const label = 'tool.json';

/** The newest usable version of a program in the cache; the exact version that is wanted goes first. */
export async function findInCache(cache: string, name: string, entry: ToolEntry): Promise<LocatedTool | undefined> {
  const found: LocatedTool[] = [];
  for (const folder of await listFolder(join(cache, 'tools', name))) {
    const tool = await readLabel(join(cache, 'tools', name, folder), name);
    if (tool !== undefined && inRange(tool.version, entry)) found.push(tool);
  }
  return found.find((tool) => tool.version === entry.wanted) ?? found.at(-1);
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
