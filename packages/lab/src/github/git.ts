// SPDX-License-Identifier: Apache-2.0
// Reads a bare git repository through the git program.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** One entry of a tree. */
export interface TreeEntry {
  readonly type: 'blob' | 'tree' | 'commit';
  readonly sha: string;
  /** Bytes; 0 for a tree. */
  readonly size: number;
  readonly path: string;
}

/** Author or committer. */
export interface GitPerson {
  readonly name: string;
  readonly email: string;
  /** RFC 3339. */
  readonly date: string;
}

/** One commit. */
export interface GitCommit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: GitPerson;
  readonly committer: GitPerson;
  readonly message: string;
}

// What a commit, tree or blob holds never changes, and a process for each question is slow.
const kept = new Map<string, Buffer>();
const mostKept = 1000;
const largestKept = 64 << 10;

/** `git`, for questions that name their objects by SHA alone. */
async function gitObject(path: string, args: readonly string[]): Promise<Buffer | undefined> {
  const key = JSON.stringify([path, args]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const output = await git(path, args);
  if (output === undefined || output.length > largestKept) return output;
  if (kept.size >= mostKept) kept.clear();
  kept.set(key, output);
  return output;
}

/** Output bytes, or `undefined` when git says no. Caller's text never becomes an option: it follows `--end-of-options` or `--`. */
async function git(path: string, args: readonly string[]): Promise<Buffer | undefined> {
  try {
    const { stdout } = await execute('git', ['--git-dir', path, ...args], { encoding: 'buffer', maxBuffer: 128 << 20, timeout: 30_000 });
    return stdout;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number') return undefined;
    throw thrown;
  }
}

/** Commit that a branch, tag, full ref or SHA names. */
export async function resolveCommit(path: string, ref: string): Promise<string | undefined> {
  const ask = /^[0-9a-f]{40}$/.test(ref) ? gitObject : git;
  return (await ask(path, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]))?.toString().trim();
}

/** The tree entry at `file` (the root for an empty path). */
export async function readTreeEntry(path: string, commit: string, file: string): Promise<TreeEntry | undefined> {
  if (file === '') return { type: 'tree', sha: `${commit}^{tree}`, size: 0, path: '' };
  return parseTree(await gitObject(path, ['ls-tree', '-z', '--long', commit, '--', file]))[0];
}

/** Members of a tree. */
export async function listTree(path: string, tree: string): Promise<TreeEntry[]> {
  return parseTree(await gitObject(path, ['ls-tree', '-z', '--long', tree]));
}

function parseTree(output: Buffer | undefined): TreeEntry[] {
  return (output?.toString() ?? '').split('\0').flatMap((line) => {
    const [, type, sha, size, path] = /^\d+ (blob|tree|commit) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line) ?? [];
    return sha === undefined || path === undefined ? [] : [{ type: type as TreeEntry['type'], sha, size: Number(size) || 0, path }];
  });
}

/** Content of a blob. */
export async function readBlob(path: string, sha: string): Promise<Buffer | undefined> {
  return gitObject(path, ['cat-file', 'blob', sha]);
}

const format = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x1f');

/** Newest first; `file` limits to commits that touch it. */
export async function listCommits(path: string, commit: string, options: { readonly file?: string; readonly limit: number; readonly skip?: number }): Promise<GitCommit[]> {
  const range = ['log', `--format=${format}%x1e`, '-n', String(options.limit), '--skip', String(options.skip ?? 0), commit];
  const output = await gitObject(path, [...range, '--', ...(options.file === undefined ? [] : [options.file])]);
  return (output?.toString() ?? '').split('\x1e').map((record) => record.trim()).filter((record) => record !== '').map(parseCommit);
}

function parseCommit(record: string): GitCommit {
  const [sha = '', tree = '', parents = '', authorName = '', authorEmail = '', authorDate = '', name = '', email = '', date = '', message = ''] = record.split('\x1f');
  return { sha, tree, parents: parents.split(' ').filter(Boolean), author: { name: authorName, email: authorEmail, date: authorDate }, committer: { name, email, date }, message: message.trimEnd() };
}

/** Whether `commit` is in `base..head`. */
export async function isBetween(path: string, commit: string, range: { readonly base: string; readonly head: string }): Promise<boolean> {
  const output = await gitObject(path, ['rev-list', '--end-of-options', `${range.base}..${range.head}`]);
  return output?.toString().split('\n').includes(commit) ?? false;
}
