// SPDX-License-Identifier: Apache-2.0
// From the start of an action's bundle to inputs that were read and refused, against a Node that does nothing.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listActions } from '../tools/bundle.ts';
import { checkout } from '../tools/runtime.mjs';
import { run, takeTurns, type Contestant, type Row } from './measure.ts';
import type { World } from './world.ts';

/** 70 ms where bare Node takes 25. */
const goal = 2.8;

export async function benchColdStart({ folder, rounds }: World): Promise<Row[]> {
  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') };
  for (const file of Object.values(files)) await writeFile(file, '');
  const env = { RUNNER_TEMP: folder, GITHUB_WORKSPACE: folder, INPUT_MISSPELT: 'value', ...files };
  const start = (args: readonly string[], status: number): Contestant => async () => (await run({ file: process.execPath, args, cwd: folder, env, status })).milliseconds;
  const actions = await listActions();
  const bundles = actions.map((name) => [name, start([join(checkout, 'actions', name, 'dist/index.js')], 2)] as const);
  const times = await takeTurns<string>({ bare: start(['-e', '0'], 0), ...Object.fromEntries(bundles) }, rounds(15));
  return actions.map((name) => ({ what: `cold start to inputs: ${name}`, ours: times[name] ?? 0, peer: 'node -e 0', theirs: times['bare'] ?? 0, goal }));
}
