// SPDX-License-Identifier: Apache-2.0
// What a provenance says of its source, and when it says too little or too much.
import { describe, expect, test } from 'vitest';
import { readSource, sameRepository } from './provenance.ts';

const repository = 'https://github.com/contoso/web';
const source = { uri: `git+${repository}@refs/heads/main`, digest: { gitCommit: 'c0ffee' } };

interface Parts {
  readonly workflow?: unknown;
  readonly dependencies?: unknown;
  readonly internal?: unknown;
}

function predicateOf({ workflow = { repository, ref: 'refs/heads/main' }, dependencies = [source], internal = {} }: Parts = {}): unknown {
  return { buildDefinition: { externalParameters: { workflow }, resolvedDependencies: dependencies, internalParameters: internal } };
}

describe('the source', () => {
  const read = { repository, ref: 'refs/heads/main', commit: 'c0ffee' };
  test.each<readonly [string, Parts, object]>([
    ['without repository id', {}, read],
    ['with an id in text', { internal: { github: { repository_id: '42' } } }, { ...read, repositoryId: '42' }],
    ['with an id as a number', { internal: { github: { repository_id: 42 } } }, { ...read, repositoryId: '42' }],
    ['with an id that is neither', { internal: { github: { repository_id: [42] } } }, read],
    ['beside other dependencies', { dependencies: [{ uri: 'pkg:docker/debian' }, { uri: 3 }, 'x', { uri: `git+${repository}x`, digest: { gitCommit: 'other' } }, source] }, read],
    ['whose address has no ref', { dependencies: [{ ...source, uri: `git+${repository}` }] }, read],
    ['whose address is not of git', { dependencies: [{ uri: `hg:/${repository}`, digest: { gitCommit: 'other' } }, source] }, read],
    ['told twice with one commit', { dependencies: [source, { ...source, uri: `git+${repository}.git@v1` }] }, read],
    ['told a second time without commit', { dependencies: [{ uri: source.uri }, { ...source, digest: { gitCommit: 3 } }, source] }, read],
  ])('%s is read', (_, parts, expected) => {
    expect(readSource(predicateOf(parts))).toStrictEqual(expected);
  });
  test.each<readonly [string, unknown]>([
    ['no predicate', undefined],
    ['no build definition', {}],
    ['no workflow', predicateOf({ workflow: null })],
    ['no repository', predicateOf({ workflow: { ref: 'refs/heads/main' } })],
    ['a repository that is no text', predicateOf({ workflow: { repository: 3, ref: 'refs/heads/main' } })],
    ['no ref', predicateOf({ workflow: { repository } })],
    ['a ref that is no text', predicateOf({ workflow: { repository, ref: ['refs/heads/main'] } })],
    ['no dependencies', predicateOf({ dependencies: [] })],
    ['dependencies that are no list', predicateOf({ dependencies: { 0: source } })],
    ['no commit', predicateOf({ dependencies: [{ uri: source.uri }] })],
    ['a commit of another repository', predicateOf({ dependencies: [{ ...source, uri: 'git+https://github.com/contoso/api@refs/heads/main' }] })],
    ['two commits', predicateOf({ dependencies: [source, { ...source, digest: { gitCommit: 'decade' } }] })],
    ['members of its prototype', Object.create({ buildDefinition: (predicateOf() as { buildDefinition: unknown }).buildDefinition })],
  ])('with %s is not known', (_, predicate) => {
    expect(readSource(predicate)).toBeUndefined();
  });
});

test.each<readonly [string, string, boolean]>([
  [repository, repository, true],
  [repository, `${repository}/`, true],
  [repository, `${repository}//`, true],
  [repository, `${repository}.git`, true],
  [repository, `${repository}.git/`, true],
  [repository, 'https://GitHub.com/Contoso/Web', true],
  [repository, `${repository}.github`, false],
  [repository, 'https://github.com/contoso/web/x', false],
  [repository, 'https://github.com/contoso/xgit', false],
  ['contoso/web', 'contoso/web.git', true],
  ['contoso/web', 'contoso/api', false],
  ['contoso/web', 'contoso/.gitweb', false],
])('%s and %s are one repository: %s', (a, b, same) => {
  expect(sameRepository(a, b)).toBe(same);
});
