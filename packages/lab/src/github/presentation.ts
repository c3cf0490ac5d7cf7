// SPDX-License-Identifier: Apache-2.0
// REST resources in GitHub's shapes (https://docs.github.com/rest), with the members that clients read.
import type { GitCommit, GitPerson, TreeEntry } from './git.ts';
import type { GitHubState, LabPullRequest, LabRepository, LabReview } from './state.ts';

/** What a resource is shown with. */
export interface View {
  readonly state: GitHubState;
  /** Base of the REST API. */
  readonly api: string;
}

const fullName = (repository: LabRepository): string => `${repository.owner}/${repository.name}`;

function showUser(view: View, login: string) {
  return { login, id: view.state.user({ login })?.id ?? 1, type: login.endsWith('[bot]') ? 'Bot' : 'User' };
}

/** Repository. */
export function showRepository(view: View, repository: LabRepository): unknown {
  return {
    id: repository.id,
    name: repository.name,
    full_name: fullName(repository),
    private: repository.visibility !== 'public',
    visibility: repository.visibility,
    owner: { login: repository.owner, id: repository.ownerId, type: 'Organization' },
    default_branch: repository.defaultBranch,
    html_url: `https://github.com/${fullName(repository)}`,
    url: `${view.api}/repos/${fullName(repository)}`,
  };
}

/** Branch with its protection. */
export function showBranch(view: View, repository: LabRepository, branch: { readonly name: string; readonly sha: string }): unknown {
  const isProtected = repository.protectedBranches.includes(branch.name);
  const url = `${view.api}/repos/${fullName(repository)}`;
  return {
    name: branch.name,
    commit: { sha: branch.sha, url: `${url}/commits/${branch.sha}` },
    protected: isProtected,
    protection: { enabled: isProtected, required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] } },
    protection_url: `${url}/branches/${branch.name}/protection`,
  };
}

/** Entry of a folder, or a file without its content. */
export function showEntry(view: View, repository: LabRepository, entry: TreeEntry & { readonly fullPath: string; readonly ref: string }): Record<string, unknown> {
  return {
    name: entry.fullPath.split('/').at(-1),
    path: entry.fullPath,
    sha: entry.sha,
    size: entry.size,
    type: { blob: 'file', tree: 'dir', commit: 'submodule' }[entry.type],
    url: `${view.api}/repos/${fullName(repository)}/contents/${entry.fullPath}?ref=${entry.ref}`,
    html_url: `https://github.com/${fullName(repository)}/blob/${entry.ref}/${entry.fullPath}`,
    git_url: `${view.api}/repos/${fullName(repository)}/git/blobs/${entry.sha}`,
    download_url: null,
  };
}

/** Commit; author and committer are people when their address is known. */
export function showCommit(view: View, repository: LabRepository, commit: GitCommit): unknown {
  const person = (who: GitPerson): unknown => {
    const user = view.state.user({ email: who.email });
    return user === undefined ? null : showUser(view, user.login);
  };
  const url = `${view.api}/repos/${fullName(repository)}`;
  return {
    sha: commit.sha,
    url: `${url}/commits/${commit.sha}`,
    html_url: `https://github.com/${fullName(repository)}/commit/${commit.sha}`,
    commit: { author: commit.author, committer: commit.committer, message: commit.message, tree: { sha: commit.tree }, verification: { verified: false, reason: 'unsigned', signature: null, payload: null } },
    author: person(commit.author),
    committer: person(commit.committer),
    parents: commit.parents.map((sha) => ({ sha, url: `${url}/commits/${sha}` })),
  };
}

/** Pull request. */
export function showPull(view: View, repository: LabRepository, pull: LabPullRequest): unknown {
  const headRepository = view.state.repository(pull.head.repository);
  return {
    number: pull.number,
    title: pull.title,
    state: pull.state,
    merged: pull.mergeCommit !== undefined,
    merged_at: pull.mergeCommit === undefined ? null : '2026-01-01T00:00:00Z',
    merge_commit_sha: pull.mergeCommit ?? null,
    draft: false,
    user: showUser(view, pull.author),
    head: {
      ref: pull.head.ref,
      sha: pull.head.sha,
      label: `${pull.head.repository.split('/')[0] ?? ''}:${pull.head.ref}`,
      repo: headRepository === undefined ? { full_name: pull.head.repository, fork: true } : { id: headRepository.id, full_name: pull.head.repository, fork: pull.head.repository !== fullName(repository) },
    },
    base: { ref: pull.base.ref, sha: pull.base.sha, repo: { id: repository.id, full_name: fullName(repository) } },
    html_url: `https://github.com/${fullName(repository)}/pull/${pull.number}`,
    url: `${view.api}/repos/${fullName(repository)}/pulls/${pull.number}`,
  };
}

/** Review. */
export function showReview(view: View, review: LabReview): unknown {
  return { id: review.id, user: showUser(view, review.author), body: '', state: review.state, commit_id: review.commit, submitted_at: review.submittedAt, author_association: 'MEMBER' };
}
