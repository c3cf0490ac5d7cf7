// SPDX-License-Identifier: Apache-2.0
// Changes one thing at a time in policy and evidence, and tells which changes no test notices. By hand: a whole run takes most of an hour.
import { constants, setPriority, tmpdir } from 'node:os';
import { join, matchesGlob, relative, resolve } from 'node:path';
import type { MutantResult } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { printMutants } from '../mutation/mutant-table.ts';
import { checkout } from './runtime.mjs';

const [word, ...chosen] = process.argv.slice(2);
if (word !== undefined && (word !== '--only' || chosen.length === 0)) throw new Error('Usage: npm run mutate [-- --only packages/policy/src/FILE[:LINE-LINE]...]');

setPriority(constants.priority.PRIORITY_LOW);
process.chdir(checkout);
for (const name of ['policy', 'evidence']) {
  const sources = `packages/${name}/src/`;
  const mutate = word === undefined ? [`${sources}**/*.ts`] : chosen.filter((file) => file.startsWith(sources));
  if (mutate.length === 0) continue;
  const mutants = await tryAll([...mutate, `!${sources}**/{*.test,test-world,sample,index}.ts`], `mutants-${name}`);
  // Stryker also gives back what it knows of other files from earlier runs.
  const asked = ({ fileName }: MutantResult): boolean => mutate.some((one) => matchesGlob(relative(checkout, resolve(fileName)), one.replace(/:\d.*$/, '')));
  if (!printMutants(mutants.filter(asked))) process.exitCode = 1;
}

function tryAll(mutate: string[], known: string): Promise<MutantResult[]> {
  return new Stryker({
    mutate, coverageAnalysis: 'perTest', concurrency: 1, timeoutMS: 60_000, dryRunTimeoutMinutes: 30,
    testRunner: 'direct',
    // A mutant in what a module does when it is loaded, mostly tables, needs all modules and tests anew: ten times as long.
    ignoreStatic: true,
    plugins: [join(checkout, 'test/mutation/stryker-plugins.ts')], ignorers: ['words'], reporters: ['progress-append-only', 'survivors'],
    // What was tried before on equal sources and tests is not tried again.
    incremental: true, incrementalFile: `node_modules/.cache/${known}.json`,
    // There is none: Stryker would rewrite tsconfig.json by an interface that TypeScript 7 has not.
    tsconfigFile: 'no-such-file.json', disableTypeChecks: false, tempDirName: join(tmpdir(), 'pratique-mutation', known),
  }).runMutationTest();
}
