// SPDX-License-Identifier: Apache-2.0
// What SLSA provenance v1 of GitHub's build type says of its source (https://actions.github.io/buildtypes/workflow/v1).
import { isJsonObject } from '@pratique/core';

export interface BuildSource {
  readonly repository: string;
  readonly repositoryId?: string;
  readonly commit: string;
  readonly ref: string;
}

/** The source of a build, or `undefined` when the predicate does not name all of it. */
export function readSource(predicate: unknown): BuildSource | undefined {
  const definition = member(predicate, 'buildDefinition');
  const workflow = member(member(definition, 'externalParameters'), 'workflow');
  const repository = member(workflow, 'repository');
  const ref = member(workflow, 'ref');
  if (typeof repository !== 'string' || typeof ref !== 'string') return undefined;
  const dependencies = member(definition, 'resolvedDependencies');
  const commits = (Array.isArray(dependencies) ? dependencies : []).filter((dependency) => isSourceOf(repository, member(dependency, 'uri')))
    .map((dependency) => member(member(dependency, 'digest'), 'gitCommit')).filter((commit) => typeof commit === 'string');
  const [commit] = commits;
  // Two commits of one repository leave open which one was built.
  if (commit === undefined || new Set(commits).size !== 1) return undefined;
  const id = member(member(member(definition, 'internalParameters'), 'github'), 'repository_id');
  return { repository, commit, ref, ...(typeof id === 'string' || typeof id === 'number' ? { repositoryId: String(id) } : {}) };
}

function member(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isSourceOf(repository: string, uri: unknown): boolean {
  if (typeof uri !== 'string' || !uri.startsWith('git+')) return false;
  const mark = uri.indexOf('@');
  return sameRepository(repository, uri.slice(4, mark < 0 ? undefined : mark));
}

/** Whether two addresses name one repository: case of the host, a final slash and `.git` do not matter. */
export function sameRepository(a: string, b: string): boolean {
  return normalized(a) === normalized(b);
}

function normalized(uri: string): string {
  const plain = uri.replace(/\/+$/, '').replace(/\.git$/, '');
  return URL.canParse(plain) ? new URL(plain).href.toLowerCase() : plain;
}
