// SPDX-License-Identifier: Apache-2.0
// Reads files of a GitHub repository at one commit by the REST API: never from a checkout that the judged change could have written.
import { Failure, isJsonObject, type Context, type GitHubReply } from '@pratique/core';
import type { GitHubSource } from './policy-source.ts';

/** A folder of a repository at a commit. */
export interface PinnedFolder {
  readonly owner: string;
  readonly repository: string;
  readonly folder: string;
  readonly commit: string;
  /** What the ref is and whether it is protected, for people. */
  readonly protection: string;
}

type GitHub = Pick<Context, 'github'>;

/** Calls GitHub; an outage becomes `POLICY_UNAVAILABLE`, other failures stay what they are. */
export async function askGitHub({ github }: GitHub, route: string, parameters: Readonly<Record<string, unknown>>, accept: readonly number[] = []): Promise<GitHubReply> {
  try {
    return await github.request(route, parameters, accept);
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'GITHUB_UNAVAILABLE') throw thrown;
    throw new Failure({ code: 'POLICY_UNAVAILABLE', message: `the policy cannot be read: ${thrown.message}`, hint: 'Run it again later; without its policy nothing is decided.', facts: thrown.facts, cause: thrown });
  }
}

/** Resolves the ref to a commit, once. Fails with `GITHUB_*` or `POLICY_UNAVAILABLE`. */
export async function pinFolder(ctx: GitHub, source: GitHubSource): Promise<PinnedFolder> {
  const at = { owner: source.owner, repo: source.repository };
  const ref = source.ref ?? await defaultBranch(ctx, at);
  const reply = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/commits/{ref}', { ...at, ref }, [404, 422]);
  const commit = textOf(reply.data, 'sha');
  if (reply.status !== 200 || commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) {
    throw new Failure({ code: 'GITHUB_NOT_FOUND', message: `github://${source.owner}/${source.repository} has no ref ${ref}`, hint: 'Check the input policy. A token without contents: read gets the same answer.' });
  }
  return { owner: source.owner, repository: source.repository, folder: source.folder, commit, protection: await protectionOf(ctx, at, ref) };
}

async function defaultBranch(ctx: GitHub, at: { owner: string; repo: string }): Promise<string> {
  const { data } = await askGitHub(ctx, 'GET /repos/{owner}/{repo}', at);
  const branch = textOf(data, 'default_branch');
  if (branch === undefined) throw new Failure({ code: 'GITHUB_NOT_FOUND', message: `github://${at.owner}/${at.repo} has no default branch` });
  return branch;
}

async function protectionOf(ctx: GitHub, at: { owner: string; repo: string }, ref: string): Promise<string> {
  const branch = ref.replace(/^refs\/heads\//, '');
  const { status, data } = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/branches/{branch}', { ...at, branch }, [404]);
  if (status !== 200 || !isJsonObject(data)) return `${ref} is not a branch`;
  return `branch ${branch} of ${at.owner}/${at.repo} is ${data['protected'] === true ? 'protected' : 'NOT protected: whoever can push to it can change the policy'}`;
}

/** The text of a file in the folder at a commit; `undefined` when it is not there. */
export async function readFileAt(ctx: GitHub, pinned: PinnedFolder, file: string, commit = pinned.commit): Promise<string | undefined> {
  const path = `${pinned.folder}/${file}`;
  const { status, data } = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/contents/{path}', { owner: pinned.owner, repo: pinned.repository, path, ref: commit }, [404]);
  if (status === 404) return undefined;
  const content = textOf(data, 'content');
  // A symbolic link, a submodule, or a file over 1 MB has no content here (docs.github.com, "Get repository content").
  if (textOf(data, 'type') !== 'file' || textOf(data, 'encoding') !== 'base64' || content === undefined) {
    throw new Failure({ code: 'POLICY_INVALID', message: `github://${pinned.owner}/${pinned.repository}/${path}@${commit} is not a plain file under 1 MB` });
  }
  return new TextDecoder().decode(Buffer.from(content, 'base64'));
}

/** A member that is text; `undefined` otherwise. */
export function textOf(value: unknown, name: string): string | undefined {
  const member = isJsonObject(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}
