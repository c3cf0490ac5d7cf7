// SPDX-License-Identifier: Apache-2.0
// What the lab's GitHub knows besides git itself: repositories, people, pull requests, reviews. Kept in one JSON file.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Failure, isJsonObject } from '@pratique/core';

/** A repository; its content is a bare git repository on disk. */
export interface LabRepository {
  readonly owner: string;
  readonly ownerId: number;
  readonly name: string;
  readonly id: number;
  readonly visibility: 'public' | 'private' | 'internal';
  readonly defaultBranch: string;
  readonly protectedBranches: readonly string[];
  /** Bare git repository. */
  readonly path: string;
}

/** A person, or a bot (`[bot]` at the end). */
export interface LabUser {
  readonly login: string;
  readonly id: number;
  /** Commits with this address are shown as theirs. */
  readonly email?: string;
}

/** A review of a pull request. */
export interface LabReview {
  readonly id: number;
  readonly author: string;
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
  /** The head commit that was reviewed. */
  readonly commit: string;
  /** RFC 3339. */
  readonly submittedAt: string;
}

/** A pull request. */
export interface LabPullRequest {
  /** `owner/name`. */
  readonly repository: string;
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly state: 'open' | 'closed';
  readonly head: { readonly ref: string; readonly sha: string; /** `owner/name`; another one for a fork. */ readonly repository: string };
  readonly base: { readonly ref: string; readonly sha: string };
  /** Present once merged. */
  readonly mergeCommit?: string;
  readonly reviews: readonly LabReview[];
}

/** Tables with setters; each setter writes the file. */
export interface GitHubState {
  repository(fullName: string): LabRepository | undefined;
  user(by: { readonly login: string } | { readonly email: string }): LabUser | undefined;
  pull(repository: string, number: number): LabPullRequest | undefined;
  pulls(repository: string): readonly LabPullRequest[];
  /** Adds, or replaces the one of the same name or number. */
  setRepository(repository: LabRepository): void;
  setUser(user: LabUser): void;
  setPullRequest(pull: LabPullRequest): void;
}

interface Tables {
  readonly repositories: LabRepository[];
  readonly users: LabUser[];
  readonly pulls: LabPullRequest[];
}

/** Opens or begins the tables at `path`. Fails with `LAB_DATA_INVALID`. */
export function openGitHubState(path: string): GitHubState {
  const tables = readTables(path);
  const replace = <T>(table: T[], value: T, same: (other: T) => boolean): void => {
    const index = table.findIndex(same);
    table.splice(index < 0 ? table.length : index, index < 0 ? 0 : 1, value);
    writeFileSync(`${path}.new`, JSON.stringify(tables, undefined, 1));
    renameSync(`${path}.new`, path);
  };
  const named = (name: string) => (each: LabRepository) => `${each.owner}/${each.name}`.toLowerCase() === name.toLowerCase();
  return {
    repository: (name) => tables.repositories.find(named(name)),
    user: (by) => tables.users.find((each) => ('login' in by ? each.login === by.login : each.email === by.email)),
    pull: (repository, number) => tables.pulls.find((each) => each.repository === repository && each.number === number),
    pulls: (repository) => tables.pulls.filter((each) => each.repository === repository),
    setRepository: (value) => replace(tables.repositories, value, named(`${value.owner}/${value.name}`)),
    setUser: (value) => replace(tables.users, value, (each) => each.login === value.login),
    setPullRequest: (value) => replace(tables.pulls, value, (each) => each.repository === value.repository && each.number === value.number),
  };
}

function readTables(path: string): Tables {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (isJsonObject(thrown) && thrown['code'] === 'ENOENT') return { repositories: [], users: [], pulls: [] };
    throw thrown;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value) && ['repositories', 'users', 'pulls'].every((name) => Array.isArray(value[name]))) return value as unknown as Tables;
  } catch (cause) {
    throw new Failure({ code: 'LAB_DATA_INVALID', message: `${path} does not hold the lab's GitHub`, hint: 'Remove the data folder.', cause });
  }
  throw new Failure({ code: 'LAB_DATA_INVALID', message: `${path} does not hold the lab's GitHub`, hint: 'Remove the data folder.' });
}
