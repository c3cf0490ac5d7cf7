// SPDX-License-Identifier: Apache-2.0
// Obtains programs for tests and the demo: on PATH, in the tool cache, as a verified download, from Debian, or built by Go; in the order asked for.
import { Failure, type LocatedTool } from '@pratique/core';
import { createNodeContext, findInCache, toolCacheFolder, toolTable } from '@pratique/host';
import { installPackages, unpackProgram } from './debian.ts';
import { buildAll, goKey, moduleFolder, type GoProgram } from './go-build.ts';

export interface ObtainOptions {
  /** Receives progress, line by line. Default: standard error. */
  readonly say?: (line: string) => void;
  /** Told of each program as soon as it can be used. */
  readonly onReady?: (tool: LocatedTool) => void;
}

/** Obtains each named program (names of packages/host/src/tools.json). Throws when one cannot be had, saying what to do. */
export async function obtain(names: readonly string[], options: ObtainOptions = {}): Promise<readonly LocatedTool[]> {
  const say = options.say ?? ((line) => process.stderr.write(`${line}\n`));
  const ready = new Map<string, LocatedTool>();
  const take = (tool: LocatedTool): void => {
    ready.set(tool.name, tool);
    options.onReady?.(tool);
  };
  await using ctx = await createNodeContext({ print: say });
  const locate = async (name: string): Promise<boolean> => {
    try {
      const tool = await ctx.tools.locate(name);
      if (tool.origin === 'cache' && !(await isCurrent(tool))) return false;
      take(tool);
      return true;
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code === 'TOOL_MISSING') return false;
      throw thrown;
    }
  };
  const missing: string[] = [];
  for (const name of names) if (!(await locate(name))) missing.push(name);
  const packages = missing.flatMap((name) => toolTable[name]?.debian ?? []);
  if (packages.length > 0) installPackages(packages, say);
  for (const name of missing) if (toolTable[name]?.unpack !== undefined) take(await unpackProgram(name, toolTable[name], toolCacheFolder(process.env)));
  await buildAll(missing.flatMap(toGoProgram), { cache: toolCacheFolder(process.env), say }, take);
  for (const name of missing) if (!ready.has(name)) take(await ctx.tools.locate(name));
  return names.flatMap((name) => ready.get(name) ?? []);
}

/** A program that was built from an older state of its module is built anew. */
async function isCurrent(tool: LocatedTool): Promise<boolean> {
  const [program] = toGoProgram(tool.name);
  if (program === undefined || program.entry.release !== undefined) return true;
  const key = await goKey(moduleFolder(tool.name, program.go), program.entry, program.go);
  return (await findInCache(toolCacheFolder(process.env), { ...program, key })) !== undefined;
}

function toGoProgram(name: string): GoProgram[] {
  const entry = toolTable[name];
  return entry?.go === undefined ? [] : [{ name, entry, go: entry.go }];
}
