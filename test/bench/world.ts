// SPDX-License-Identifier: Apache-2.0
// What every bench stands on: a temporary folder, the peers' programs, and ours, bundled and minified as the actions are.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { obtain } from '../tools/obtain.ts';
import { checkout } from '../tools/runtime.mjs';
import { run, type Program } from './measure.ts';

/** The peers. */
export const peers = ['oras', 'crane', 'skopeo', 'cosign', 'docker-registry'] as const;

export interface World {
  readonly folder: string;
  /** A short run that shows only that everything works. */
  readonly quick: boolean;
  /** How many rounds count: `usual`, in a short run one. */
  rounds(usual: number): number;
  readonly programs: Readonly<Record<(typeof peers)[number], string>>;
  /** Runs our program; gives milliseconds. */
  ours(args: readonly string[], env?: Program['env']): Promise<number>;
  /** Runs a peer's program; gives milliseconds. */
  theirs(name: (typeof peers)[number], args: readonly string[], env?: Program['env']): Promise<number>;
  close(): Promise<void>;
}

export async function openWorld({ quick }: Pick<World, 'quick'>): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'pratique-bench-'));
  const found = await obtain(peers);
  const programs = Object.fromEntries(found.map(({ name, path }) => [name, path])) as World['programs'];
  await build({
    entryPoints: [join(checkout, 'test/bench/our-program.ts')], outfile: join(folder, 'our-program.mjs'), bundle: true, platform: 'node', target: 'node24', format: 'esm', minify: true, logLevel: 'error',
    // Loaded by import() where these works never come; the actions have them in chunks of their own.
    external: ['@actions/core', '@actions/github', '@azure/identity', '@sigstore/tuf'],
    banner: { js: 'import{createRequire as benchRequire}from"node:module";const require=benchRequire(import.meta.url);' },
  });
  const start = async (program: Program): Promise<number> => (await run({ ...program, cwd: folder })).milliseconds;
  return {
    folder, quick, programs,
    rounds: (usual) => (quick ? 1 : usual),
    ours: (args, env = {}) => start({ file: process.execPath, args: [join(folder, 'our-program.mjs'), ...args], env }),
    theirs: (name, args, env = {}) => start({ file: programs[name], args, env: { HOME: folder, ...env } }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
