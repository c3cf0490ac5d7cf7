// SPDX-License-Identifier: Apache-2.0
// The three policy files as one set, with the digest and address that stand in the verdict.
import { canonicalJson, digestOf, Failure, type Context, type Digest } from '@pratique/core';
import { parseExceptions, parsePolicy, parseTrust, requireRolesApart, type Exceptions, type Policy, type Trust } from '@pratique/policy';
import { pinFolder, readFileAt, type PinnedFolder } from './github-folder.ts';
import { parsePolicySource } from './policy-source.ts';

export interface PolicySet {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly exceptions: Exceptions;
  /** `github://OWNER/REPO/PATH@COMMIT`, or `workspace:PATH`. */
  readonly uri: string;
  /** Of the canonical JSON `{ file: content }`. */
  readonly digest: Digest;
  /** A set from the workspace never yields a release verdict. */
  readonly origin: 'github' | 'workspace';
  /** Whether the branch is protected, for people. */
  readonly protection?: string;
  /** Where the files stand, for looking up who approved exceptions. */
  readonly pinned?: PinnedFolder;
}

const files = { policy: 'policy.yaml', trust: 'trust.yaml', exceptions: 'exceptions.yaml' } as const;

type Reader = (file: string) => Promise<string | undefined>;

/**
 * Loads `github://OWNER/REPO/PATH@REF` (PATH default `.pratique`, REF default the default branch, resolved to a commit once), or a folder
 * of the workspace. policy.yaml and trust.yaml are required, in a workspace only policy.yaml; exceptions.yaml is optional.
 * Fails with `POLICY_INVALID`, `POLICY_ROLES_OVERLAP`, `POLICY_UNAVAILABLE`, `POLICY_UNTRUSTED`, `GITHUB_*`, `INPUT_INVALID`.
 */
export async function loadPolicySet(ctx: Context, source: string): Promise<PolicySet> {
  const parsed = parsePolicySource(source);
  if (parsed.kind === 'workspace') {
    return { ...await readSet(`workspace:${parsed.folder}`, [files.policy], (file) => readWorkspaceFile(ctx, `${parsed.folder}/${file}`)), origin: 'workspace' };
  }
  const pinned = await pinFolder(ctx, parsed);
  const uri = `github://${pinned.owner}/${pinned.repository}/${pinned.folder}@${pinned.commit}`;
  return { ...await readSet(uri, [files.policy, files.trust], (file) => readFileAt(ctx, pinned, file)), origin: 'github', protection: pinned.protection, pinned };
}

async function readSet(uri: string, required: readonly string[], read: Reader): Promise<Omit<PolicySet, 'origin'>> {
  const contents = Object.fromEntries(await Promise.all(Object.values(files).map(async (file) => [file, await read(file)] as const)));
  const missing = required.filter((file) => contents[file] === undefined);
  if (missing.length > 0) {
    throw new Failure({ code: 'POLICY_INVALID', message: `${uri} has no ${missing.join(' and no ')}`, hint: 'An empty policy.yaml is the strict policy; trust.yaml must name who signs; workflows-examples/.pratique holds both. The input policy names another place.' });
  }
  const folder = uri.replace(/^[a-z]+:(?:\/\/[^/]+\/[^/]+\/)?/, '').replace(/@[0-9a-f]+$/, '');
  const policy = parsePolicy(contents[files.policy] ?? '', `${folder}/${files.policy}`);
  const trust = parseTrust(contents[files.trust] ?? '', `${folder}/${files.trust}`);
  const exceptions = parseExceptions(contents[files.exceptions] ?? '', `${folder}/${files.exceptions}`);
  requireRolesApart(policy, trust);
  return { policy, trust, exceptions, uri, digest: await digestOf(new TextEncoder().encode(canonicalJson(contents))) };
}

async function readWorkspaceFile(ctx: Context, path: string): Promise<string | undefined> {
  const opened = await ctx.files.open(path);
  if (opened?.kind !== 'file') return undefined;
  // The parser refuses anything near this size; this keeps a huge file out of memory.
  if (opened.size > 4 * 1024 * 1024) throw new Failure({ code: 'POLICY_INVALID', message: `${path} is larger than 4 MiB` });
  return new TextDecoder().decode(await opened.bytes());
}
