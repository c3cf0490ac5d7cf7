// SPDX-License-Identifier: Apache-2.0
// Types, lint, and whether generated files are up to date. Runs all three and ends with 1 when one is not clean.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateFiles } from './generated-files.ts';
import { checkout } from './runtime.mjs';

function run(title: string, script: string, args: readonly string[]): boolean {
  const start = Date.now();
  const result = spawnSync(process.execPath, [join(checkout, 'node_modules', script), ...args], { cwd: checkout, stdio: 'inherit' });
  process.stdout.write(`${title}: ${result.status === 0 ? 'clean' : 'not clean'} (${((Date.now() - start) / 1000).toFixed(1)} s)\n`);
  return result.status === 0;
}

async function generatedFilesAreCurrent(): Promise<boolean> {
  const stale: string[] = [];
  for (const [path, content] of await generateFiles()) {
    const found = await readFile(join(checkout, path), 'utf8').catch(() => undefined);
    if (found !== content) stale.push(path);
  }
  process.stdout.write(stale.length === 0 ? 'generated files: current\n' : `generated files that are not current (npm run generate): ${stale.join(', ')}\n`);
  return stale.length === 0;
}

const results = [run('types', 'typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']), run('lint', 'oxlint/bin/oxlint', ['--deny-warnings']), await generatedFilesAreCurrent()];
process.exitCode = results.every(Boolean) ? 0 : 1;
