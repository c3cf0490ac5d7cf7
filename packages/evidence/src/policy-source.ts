// SPDX-License-Identifier: Apache-2.0
// Where a policy comes from, as people write it.
import { Failure } from '@pratique/core';

/** A folder of a GitHub repository at a ref; without ref: the default branch. */
export interface GitHubSource {
  readonly kind: 'github';
  readonly owner: string;
  readonly repository: string;
  readonly folder: string;
  readonly ref?: string;
}

/** A folder of the workspace. */
export interface WorkspaceSource {
  readonly kind: 'workspace';
  readonly folder: string;
}

const name = '[A-Za-z0-9_.-]+';
const githubPattern = new RegExp(`^github://(?<owner>${name})/(?<repository>${name})(?:/(?<folder>[^@]*))?(?:@(?<ref>.+))?$`, 'u');

/** Reads `github://OWNER/REPO/PATH@REF` (PATH default `.pratique`) or a folder. Fails with `INPUT_INVALID` or `POLICY_UNTRUSTED`. */
export function parsePolicySource(text: string): GitHubSource | WorkspaceSource {
  const { owner, repository, folder = '', ref } = githubPattern.exec(text)?.groups ?? {};
  if (owner !== undefined && repository !== undefined && isPlain(folder) && isPlain(ref ?? 'x')) {
    return { kind: 'github', owner, repository, folder: folder.replace(/^\/+|\/+$/g, '') || '.pratique', ...(ref === undefined ? {} : { ref }) };
  }
  if (text.startsWith('oci://')) {
    throw new Failure({
      code: 'POLICY_UNTRUSTED', message: `${text}: a policy in a registry cannot be believed yet, since nothing says who may sign it before its own trust.yaml is read`,
      hint: 'Keep the policy in a repository: github://OWNER/REPO/PATH@REF.',
    });
  }
  if (/^[a-z]+:\/\//i.test(text) || text.trim() === '') {
    throw new Failure({ code: 'INPUT_INVALID', message: `"${text}" is not the place of a policy`, hint: 'Write github://OWNER/REPO/PATH@REF, or a folder of the workspace.' });
  }
  return { kind: 'workspace', folder: text.replace(/\/+$/, '') || '.' };
}

// No path that climbs, no control characters.
function isPlain(part: string): boolean {
  return !part.split('/').includes('..') && /^[\x20-\x7e]*$/.test(part);
}
