// SPDX-License-Identifier: Apache-2.0
// The one table of programs (tools.json), read also by the repository's own scripts before anything is installed.
import { createHash } from 'node:crypto';
import table from './tools.json' with { type: 'json' };
import type { Environment } from './environment.ts';
import type { VersionRange } from './version.ts';
import { join } from 'node:path';

/** One file of a release, by `platform-architecture` of Node. */
export interface ReleaseFile {
  readonly name: string;
  /** Hex, of the archive, as the project's checksum file of that release has it. */
  readonly sha256: string;
}

/** What Go builds a program from: test/tools/NAME/{go.mod,go.sum}. */
export interface GoSource {
  readonly package: string;
  /** Folder in test/tools that several programs share. Default: the program's name. */
  readonly module?: string;
  /** Values of variables, with spaces between: `PACKAGE.NAME=VALUE`. */
  readonly set?: string;
  /** A package of a dependency that a file of the folder stands in for, where much would be compiled for nothing. */
  readonly prune?: { readonly module: string; readonly package: string; readonly by: string };
  readonly env?: Readonly<Record<string, string>>;
  /** What it takes from nothing on two idle cores. */
  readonly seconds: number;
  readonly diskGiB: number;
}

/** A program: what it is for, which versions can be used, how it is had. */
export interface ToolEntry extends VersionRange {
  readonly for: string;
  /** The version that is brought when none is there. */
  readonly wanted: string;
  /** Arguments that make it print its version; empty when it prints none: then its being there is enough. */
  readonly probe: readonly string[];
  /** Where it may stand besides PATH. */
  readonly folders?: readonly string[];
  /** Never looked for on PATH. */
  readonly private?: boolean;
  readonly debian?: string;
  /** One file of a Debian package of another suite, unpacked without being installed: only in development. */
  readonly unpack?: { readonly suite: string; readonly package: string; readonly member: string };
  readonly npm?: string;
  readonly release?: { readonly url: string; readonly member: string; readonly files: Readonly<Record<string, ReleaseFile>> };
  /** Built by Go from a pinned module: only in development. */
  readonly go?: GoSource;
}

/** All programs by name. */
export const toolTable: Readonly<Record<string, ToolEntry>> = table;

/** The tool cache: `PRATIQUE_TOOLS`, else `pratique` below the user's cache folder. */
export function toolCacheFolder(env: Environment): string {
  return env['PRATIQUE_TOOLS'] || join(env['XDG_CACHE_HOME'] || join(env['HOME'] ?? '/', '.cache'), 'pratique');
}

/** Name of a program's folder in the cache: the version, and what it was made from. */
export function cacheKey(version: string, material: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of material) hash.update(`${part.length}:`).update(part);
  return `${version}-${hash.digest('hex').slice(0, 12)}`;
}
