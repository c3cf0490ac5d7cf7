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

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
process.chdir(checkout);
const mutants: MutantResult[] = [];
for (const name of ['policy', 'evidence']) {
  const sources = `packages/${name}/src/`;
  const mutate = word === undefined ? [`${sources}**/*.ts`, `!${sources}**/{*.test,test-world,sample,index}.ts`] : chosen.filter((file) => file.startsWith(sources));
  if (mutate.length > 0) mutants.push(...await tryAll(name, mutate));
}
// Stryker also gives back what it knows of other files from earlier runs.
const asked = ({ fileName }: MutantResult): boolean => word === undefined || chosen.some((one) => matchesGlob(relative(checkout, resolve(fileName)), one.replace(/:\d.*$/, '')));
process.exitCode = printMutants(mutants.filter(asked));

function tryAll(name: string, mutate: string[]): Promise<MutantResult[]> {
  return new Stryker({
    mutate, coverageAnalysis: 'perTest', concurrency: 1, timeoutMS: 10_000, dryRunTimeoutMinutes: 30,
    testRunner: 'vitest', vitest: { configFile: 'test/mutation/vitest.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner', join(checkout, 'test/mutation/stryker-plugins.ts')], ignorers: ['words'], reporters: ['progress-append-only', 'survivors'],
    // An object without its members is refused by the compiler. What stands at the top of a module needs all tests anew for each mutant: most of the time, for tables of words.
    mutator: { plugins: null, excludedMutations: ['ObjectLiteral'] }, ignoreStatic: true,
    // What was tried before on equal sources and tests is not tried again.
    incremental: true, incrementalFile: `node_modules/.cache/mutants-${name}.json`,
    // There is none: Stryker would rewrite tsconfig.json by an interface that TypeScript 7 has not.
    tsconfigFile: 'no-such-file.json', disableTypeChecks: false, tempDirName: join(tmpdir(), 'pratique-mutation', name),
  }).runMutationTest();
}
