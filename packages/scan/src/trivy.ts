// SPDX-License-Identifier: Apache-2.0
// Runs trivy where nothing of the workspace, the user or other runs can reach it: an empty working folder, a home and a cache of its own.
import { Failure, stripControl, type Command, type CommandResult, type Context, type LocatedTool } from '@pratique/core';

/** trivy in its own folder. Paths given to it are relative to `folder`. */
export interface Trivy {
  readonly tool: LocatedTool;
  /** Its working folder, in `ctx.scratch`. trivy would take trivy.yaml and .trivyignore from there, and finds none. */
  readonly folder: string;
  /** The reply whatever its exit status. `TOOL_MISSING`, `TOOL_TIMEOUT`. */
  run(command: TrivyCommand): Promise<CommandResult>;
}

export interface TrivyCommand {
  readonly args: readonly string[];
  readonly timeoutSeconds: number;
  /** Lets it see the user's docker credentials, for a private mirror of the database. */
  readonly credentials?: boolean;
  readonly onLine?: Command['onLine'];
}

/** Cache folder of the database, relative to trivy's folder. */
export const cacheFolder = 'cache';

// --offline-scan: no look-ups at Maven Central; the others: no news, no usage data.
const quietFlags = ['--skip-version-check', '--disable-telemetry', '--no-progress'] as const;

/** Arguments that fetch the database and end. */
export function databaseArguments(repository: string): string[] {
  return ['image', '--download-db-only', '--db-repository', repository, '--cache-dir', cacheFolder, ...quietFlags];
}

export interface ScanArguments {
  /** Layout folder with one entry in its index.json. */
  readonly layout: string;
  readonly output: string;
  /** `false`: list packages alone, without a database. */
  readonly vulnerabilities: boolean;
  /** OCI repository of the index of Java archives; `undefined`: trivy stops at the first archive that it cannot identify. */
  readonly javaDatabase: string | undefined;
  readonly timeoutSeconds: number;
}

/**
 * Arguments that scan one layout. The scan cache stays in memory: trivy's cache believes layers by their diff id, and a
 * swapped layer that was scanned once would hide the real one (measured).
 */
export function scanArguments(options: ScanArguments): string[] {
  return [
    'image', '--input', options.layout, '--format', 'json', '--output', options.output, '--list-all-pkgs',
    '--scanners', options.vulnerabilities ? 'vuln' : '', '--exit-code', '0', '--timeout', `${options.timeoutSeconds}s`,
    '--cache-dir', cacheFolder, '--cache-backend', 'memory', '--skip-db-update',
    ...(options.javaDatabase === undefined ? ['--skip-java-db-update'] : ['--java-db-repository', options.javaDatabase]),
    '--offline-scan', ...quietFlags,
  ];
}

/** Arguments that make another document of a JSON report. */
export function convertArguments(format: 'cyclonedx' | 'spdx-json', report: string, output: string): string[] {
  return ['convert', '--format', format, '--output', output, report];
}

/** Finds trivy and gives it the fresh folder `ctx.scratch/NAME`. Fails with `TOOL_MISSING`. */
export async function openTrivy(ctx: Context, name: string): Promise<Trivy> {
  const tool = await ctx.tools.locate('trivy');
  const folder = `${ctx.scratch}/${name}`;
  await ctx.files.remove(folder);
  await ctx.files.write(`${folder}/home/.keep`, '');
  const home = `${folder}/home`;
  const homes = { HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
  return {
    tool,
    folder,
    run: ({ args, timeoutSeconds, credentials, onLine }) => ctx.exec.run({
      file: tool.path, args, cwd: folder, timeoutSeconds,
      env: credentials ? {} : { ...homes, DOCKER_CONFIG: home, REGISTRY_AUTH_FILE: `${home}/none.json` },
      ...(onLine ? { onLine } : {}),
    }),
  };
}

/** A run of trivy that must succeed. Fails with `SCAN_FAILED` and its last lines. */
export async function runTrivy(trivy: Trivy, command: TrivyCommand, what: string): Promise<CommandResult> {
  const result = await trivy.run(command);
  if (result.exitCode !== 0) throw trivyFailure(result, what);
  return result;
}

function trivyFailure(result: CommandResult, what: string): Failure {
  const lines = lastLines(result);
  const java = lines.some((line) => line.includes('Java DB'));
  return new Failure({
    code: 'SCAN_FAILED',
    message: `${what}: trivy ended with ${result.exitCode}: ${reasonOf(lines)}`,
    hint: java
      ? 'The image holds Java archives, which trivy can only identify with its Java database: name one with the input scanner-java-database.'
      : 'Its last lines are in the details. Nothing was decided.',
    facts: { exitCode: result.exitCode, lastLines: lines },
  });
}

/** The last ten lines that were written, each at most 500 characters. */
export function lastLines(result: CommandResult): string[] {
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr;
  return text.split('\n').map((line) => stripControl(line).trim().slice(0, 500)).filter(Boolean).slice(-10);
}

/** What trivy says in its line FATAL, or its last line. */
export function reasonOf(lines: readonly string[]): string {
  const fatal = lines.find((line) => /\bFATAL\b|^panic:/.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return fatal.replace(/^.*?\bFATAL\s+(?:Fatal error\s+)?/, '');
}

/** The file that trivy wrote, at most `limit` bytes. Fails with `SCAN_REPORT_INVALID`. */
export async function readOutput(ctx: Context, path: string, limit: number): Promise<Uint8Array> {
  const file = await ctx.files.open(path);
  if (file?.kind !== 'file') throw new Failure({ code: 'SCAN_REPORT_INVALID', message: `trivy ended well but wrote no ${path.split('/').at(-1) ?? path}` });
  if (file.size > limit) throw new Failure({ code: 'SCAN_REPORT_INVALID', message: `trivy wrote ${file.size} bytes; at most ${limit} are read` });
  return file.bytes();
}
