// SPDX-License-Identifier: Apache-2.0
// Who approved an exception: the reviews of the pull request that brought it in, as GitHub's API shows them.
import { canonicalJson, Failure, isJsonObject, type Context } from '@pratique/core';
import { parseExceptions, type ExceptionEntry } from '@pratique/policy';
import { askGitHub, readFileAt, textOf, type PinnedFolder } from './github-folder.ts';
import type { PolicySet } from './policy-set.ts';

const file = 'exceptions.yaml';
/** How many changes of the file are looked at; an older entry counts as unproven, and may be renewed. */
const mostCommits = 50;
const mostReviews = 100;
const readAtOnce = 4;

type Ctx = Pick<Context, 'github'>;

/**
 * Looks up every exception of the set once. An entry is approved when its approver, who is not the author of the pull request that last
 * added it, approved the head of that pull request, and it was merged. Everything else is unproven. Fails with `GITHUB_*`, `POLICY_UNAVAILABLE`.
 */
export async function proveApprovals(ctx: Ctx, set: PolicySet): Promise<(entry: ExceptionEntry) => 'approved' | 'unproven'> {
  const { pinned, policy, exceptions } = set;
  if (pinned === undefined || policy.exceptions['require-approval'] !== 'true' || exceptions.exceptions.length === 0) return () => 'unproven';
  const added = await findAdditions(ctx, pinned, exceptions.exceptions);
  const approvers = new Map<string, ReadonlySet<string>>();
  for (const commit of new Set(added.values())) approvers.set(commit, await approversOf(ctx, pinned, commit));
  return (entry) => {
    const commit = added.get(identityOf(entry));
    return commit !== undefined && approvers.get(commit)?.has(entry.approver.toLowerCase()) === true ? 'approved' : 'unproven';
  };
}

/** What an entry says, wherever it stands in the file. */
function identityOf(entry: ExceptionEntry): string {
  return canonicalJson({ ...entry, at: undefined });
}

/** For each entry the commit that last added it: walking back, the last one that still holds it unchanged. */
async function findAdditions(ctx: Ctx, pinned: PinnedFolder, entries: readonly ExceptionEntry[]): Promise<Map<string, string>> {
  const { data } = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/commits', { owner: pinned.owner, repo: pinned.repository, path: `${pinned.folder}/${file}`, sha: pinned.commit, per_page: mostCommits });
  const commits = (Array.isArray(data) ? data : []).map((commit) => textOf(commit, 'sha')).filter((sha) => sha !== undefined);
  const open = new Set(entries.map(identityOf));
  const added = new Map<string, string>();
  let newer: string | undefined;
  for (let start = 0; start < commits.length && open.size > 0; start += readAtOnce) {
    const held = await Promise.all(commits.slice(start, start + readAtOnce).map(async (commit) => ({ commit, entries: await entriesAt(ctx, pinned, commit) })));
    for (const { commit, entries: then } of held) {
      for (const entry of [...open].filter((one) => !then.has(one))) {
        if (newer !== undefined) added.set(entry, newer);
        open.delete(entry);
      }
      newer = commit;
    }
  }
  // The history ended inside the bound: its first commit added what is left. A longer one leaves it open.
  if (newer !== undefined && commits.length < mostCommits) for (const entry of open) added.set(entry, newer);
  return added;
}

async function entriesAt(ctx: Ctx, pinned: PinnedFolder, commit: string): Promise<Set<string>> {
  try {
    return new Set(parseExceptions((await readFileAt(ctx, pinned, file, commit)) ?? '').exceptions.map(identityOf));
  } catch (thrown) {
    // A file that was broken once held nothing that counted.
    if (thrown instanceof Failure && thrown.code === 'POLICY_INVALID') return new Set();
    throw thrown;
  }
}

async function approversOf(ctx: Ctx, pinned: PinnedFolder, commit: string): Promise<Set<string>> {
  const at = { owner: pinned.owner, repo: pinned.repository };
  const { data, status } = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', { ...at, commit_sha: commit, per_page: 20 }, [404, 422]);
  const merged = (status === 200 && Array.isArray(data) ? data : []).filter((pull) => textOf(pull, 'merged_at') !== undefined);
  const approvers = new Set<string>();
  for (const pull of merged) {
    const number = isJsonObject(pull) ? pull['number'] : undefined;
    if (!isJsonObject(pull) || typeof number !== 'number') continue;
    const reviews = await askGitHub(ctx, 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', { ...at, pull_number: number, per_page: mostReviews });
    for (const login of readApprovers(pull, reviews.data)) approvers.add(login);
  }
  return approvers;
}

/** Logins, lower case, whose latest review of the pull request's head is an approval; never the author. */
export function readApprovers(pull: unknown, reviews: unknown): string[] {
  const author = isJsonObject(pull) ? textOf(pull['user'], 'login')?.toLowerCase() : undefined;
  const head = isJsonObject(pull) ? textOf(pull['head'], 'sha') : undefined;
  // More reviews than one page: later ones, which could take an approval back, would go unseen.
  if (author === undefined || head === undefined || !Array.isArray(reviews) || reviews.length >= mostReviews) return [];
  const latest = new Map<string, { state: string; commit: string | undefined }>();
  for (const review of reviews) {
    const login = isJsonObject(review) ? textOf(review['user'], 'login')?.toLowerCase() : undefined;
    const state = textOf(review, 'state');
    // A comment takes nothing back. GitHub lists reviews in the order of time.
    if (login !== undefined && (state === 'APPROVED' || state === 'CHANGES_REQUESTED' || state === 'DISMISSED')) latest.set(login, { state, commit: textOf(review, 'commit_id') });
  }
  return [...latest].filter(([login, { state, commit }]) => login !== author && state === 'APPROVED' && commit === head).map(([login]) => login);
}
