// SPDX-License-Identifier: Apache-2.0
// Entry of every npm script. Runs on any Node from 20 on: brings Node 24, pnpm and the packages, then does the command with them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { bringRuntime, checkout, installPackages } from './runtime.mjs';

const vitest = ['node_modules/vitest/vitest.mjs', 'run'];
const programs = ['buildah', 'skopeo', 'busybox', 'crane', 'oras', 'trivy-db-fixture', 'trivy', 'cosign', 'docker', 'docker-buildx', 'runc', 'chromium', 'buildkitd'];
const peers = ['oras', 'crane', 'skopeo', 'cosign', 'docker-registry'];
const obtain = [['test/tools/obtain-cli.ts', ...programs]];
const obtainAll = [['test/tools/obtain-cli.ts', ...programs, 'grype', 'kwok']];

/** What each command runs, one after the other; the words that follow the command go to the last. @type {Record<string, string[][]>} */
const commands = {
  demo: [['test/demo/demo.ts']],
  test: [[...vitest, '--project', 'unit', '--project', 'span']],
  'test:e2e': [...obtain, [...vitest, '--project', 'e2e']],
  'test:full': [...obtainAll, [...vitest, '--project', 'unit', '--project', 'span', '--project', 'e2e', '--project', 'full']],
  bench: [['test/tools/obtain-cli.ts', ...peers], ['test/bench/bench.ts']],
  mutate: [['test/tools/mutate.ts']],
  build: [['test/tools/build.ts']],
  check: [['test/tools/check.ts']],
  generate: [['test/tools/generate.ts']],
  'bench:judge': [['test/bench/judge.ts']],
  programs: [['test/tools/obtain-cli.ts']],
  pratique: [['packages/cli/src/main.ts']],
};

/** @param {string} node @param {string[]} args @returns {Promise<number>} */
function run(node, args) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter), NODE_NO_WARNINGS: '1' };
    // The command works where the user stands: `pratique` takes paths from there. npm changes to the package, and leaves word of it.
    const cwd = args[0]?.startsWith('packages/cli') ? (process.env['INIT_CWD'] ?? process.cwd()) : checkout;
    const child = spawn(node, [join(checkout, args[0] ?? ''), ...args.slice(1)], { cwd, env, stdio: 'inherit' });
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    process.on('SIGTERM', forward);
    // A terminal sends SIGINT to the child as well; then the parent must only not end first.
    process.on('SIGINT', (signal) => process.stdin.isTTY || forward(signal));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

async function main() {
  const [name = '', ...rest] = process.argv.slice(2);
  const steps = commands[name];
  if (steps === undefined) {
    process.stderr.write(`Usage: node test/tools/run.mjs ${Object.keys(commands).join('|')} [words]\n`);
    return 2;
  }
  if (!existsSync(join(checkout, 'pnpm-lock.yaml'))) throw new Error(`${checkout} is no whole checkout: pnpm-lock.yaml is missing`);
  const runtime = await bringRuntime();
  await installPackages(runtime);
  for (const [index, step] of steps.entries()) {
    const status = await run(runtime.node, index === steps.length - 1 ? [...step, ...rest] : step);
    if (status !== 0) return status;
  }
  return 0;
}

process.exitCode = await main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  return 1;
});
