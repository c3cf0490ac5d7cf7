// SPDX-License-Identifier: Apache-2.0
// What is ours in a run of Stryker: words for people are left alone, and survivors are told as they are found.
import type { MutantResult, StrykerOptions } from '@stryker-mutator/api/core';
import type { Ignorer } from '@stryker-mutator/api/ignore';
import { commonTokens, declareFactoryPlugin, declareValuePlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import type { Reporter } from '@stryker-mutator/api/report';
import { DirectRunner } from './direct-runner.ts';
import { describeMutant } from './mutant.ts';

/** The part of a Babel path that is read here. */
interface Path {
  isStringLiteral(): boolean;
  isTemplateLiteral(): boolean;
  isObjectProperty(): boolean;
  readonly node: { readonly value?: unknown; readonly key?: { readonly name?: string }; readonly quasis?: readonly { readonly value: { readonly raw: string } }[] };
}

/** A string with a blank in it is a sentence; codes, keys and names have none. */
const words: Ignorer = {
  shouldIgnore(given) {
    const path = given as Path;
    const { node } = path;
    if (path.isStringLiteral() && String(node.value).includes(' ')) return 'words for people';
    if (path.isTemplateLiteral() && node.quasis?.some(({ value }) => value.raw.includes(' '))) return 'words for people';
    if (path.isObjectProperty() && node.key?.name === 'facts') return 'details of a failure, for people';
    return undefined;
  },
};

const survivors: Reporter = {
  onMutantTested(mutant: Readonly<MutantResult>) {
    if (mutant.status === 'Survived' || mutant.status === 'NoCoverage') process.stdout.write(`survived ${describeMutant(mutant).text}\n`);
  },
};

/** Runs the tests beside what is changed. Stryker's option for test files would run only those tests whose names are paths. */
function directRunner({ mutate }: StrykerOptions): DirectRunner {
  const folder = mutate[0]?.split('/').slice(0, 3).join('/');
  return new DirectRunner(`${folder}/**/*.test.ts`);
}
directRunner.inject = tokens(commonTokens.options);

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'direct', directRunner), declareValuePlugin(PluginKind.Ignore, 'words', words), declareValuePlugin(PluginKind.Reporter, 'survivors', survivors)];
