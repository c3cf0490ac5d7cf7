// SPDX-License-Identifier: Apache-2.0
// The demo's repository: the app, the example workflows and policy as a user would copy them, in a real bare git repository.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../tools/runtime.mjs';

export interface DemoRepository {
  /** Bare repository that the runner clones and the lab's GitHub serves. */
  readonly path: string;
  /** Whether the tag was pushed. */
  has(tag: string): boolean;
  /** Newest commit of main. */
  head(): string;
  /** Copies the files of fixtures over the tree, one after the other, commits, tags, pushes; gives the commit. */
  release(change: Change): string;
}

export interface Change {
  readonly tag: string;
  /** Folders of test/fixtures. */
  readonly fixtures: readonly string[];
  readonly message: string;
  /** A maintenance branch that begins at an older tag. Default: main goes on. */
  readonly branch?: { readonly name: string; readonly from: string };
}

/** Makes the repository below `folder`. `issuer` is who signs the tokens of its workflow runs. */
export function createRepository(folder: string, issuer: string): DemoRepository {
  const tree = join(folder, 'tree');
  const path = join(folder, 'app.git');
  // Fixed people and times: the same content gives the same commit, and so the same image.
  let minutes = 0;
  const git = (...args: string[]): string => {
    const date = `2026-11-20T10:${String(minutes).padStart(2, '0')}:00Z`;
    return execFileSync('git', ['-C', tree, ...args], { encoding: 'utf8', env: { ...process.env, GIT_AUTHOR_NAME: 'Sam', GIT_AUTHOR_EMAIL: 'sam@acme.example', GIT_COMMITTER_NAME: 'Sam', GIT_COMMITTER_EMAIL: 'sam@acme.example', GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' } });
  };
  mkdirSync(tree, { recursive: true });
  execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', path]);
  git('init', '--quiet', '-b', 'main');
  git('remote', 'add', 'origin', path);
  const head = (): string => execFileSync('git', ['--git-dir', path, 'for-each-ref', '--format=%(objectname)', 'refs/heads/main'], { encoding: 'utf8' }).trim();
  return {
    path, head,
    has: (tag) => git('tag', '--list', tag).trim() === tag,
    release({ tag, fixtures, message, branch }) {
      minutes += 10;
      if (branch) git('switch', '--quiet', '--create', branch.name, branch.from);
      // Others may have pushed to main, policies for example: the files below are put over what they did.
      else if (head() !== '') git('pull', '--quiet', '--ff-only', 'origin', 'main');
      copyExamples(tree, issuer);
      for (const fixture of fixtures) cpSync(join(checkout, 'test/fixtures', fixture), tree, { recursive: true });
      writeFileSync(join(tree, 'src/www/version'), `${tag.slice(1)}\n`);
      git('add', '--all');
      git('commit', '--quiet', '--message', message);
      git('tag', tag);
      git('push', '--quiet', 'origin', branch?.name ?? 'main', tag);
      const commit = git('rev-parse', 'HEAD').trim();
      if (branch) git('switch', '--quiet', 'main');
      return commit;
    },
  };
}

/** The example workflows and the example policy, with nothing changed but the issuer, which is the lab's. */
function copyExamples(tree: string, issuer: string): void {
  const examples = join(checkout, 'workflows-examples');
  mkdirSync(join(tree, '.github/workflows'), { recursive: true });
  mkdirSync(join(tree, '.pratique'), { recursive: true });
  for (const name of ['release.yml', 'gate.yml', 'deploy.yml']) cpSync(join(examples, name), join(tree, '.github/workflows', name));
  for (const name of readdirSync(join(examples, '.pratique'))) {
    const content = readFileSync(join(examples, '.pratique', name), 'utf8').replaceAll('https://token.actions.githubusercontent.com', issuer);
    writeFileSync(join(tree, '.pratique', name), content);
  }
}
