// SPDX-License-Identifier: Apache-2.0
// Which roles a signer holds at a time for a channel, and whether builder and gate are kept apart.
import { Failure, type Channel, type SignerIdentity, type TrustRole } from '@pratique/core';
import { matchesIdentity, matchesRef } from './pattern.ts';
import type { Policy } from './policy-file.ts';
import { trustRoles, type KeylessSigner, type KeySigner, type Trust, type TrustedSigner } from './trust-file.ts';

type Keyless = Extract<SignerIdentity, { kind: 'keyless' }>;

/**
 * Roles of `signer` for a signature of trusted time `at`. Certificates of pull-request events hold none for releases,
 * and for previews only where an entry lists the trigger.
 */
export function rolesOf(trust: Trust, signer: SignerIdentity, at: Date, channel: Channel): TrustRole[] {
  return trustRoles.filter((role) => trust[role].some((entry) => inPeriod(entry, at) && isMeant(entry, signer, channel)));
}

function inPeriod(entry: TrustedSigner, at: Date): boolean {
  const { 'not-before': start, 'not-after': end } = entry;
  return !Number.isNaN(at.getTime()) && (start === undefined || at >= start) && (end === undefined || at <= end);
}

function isKey(entry: TrustedSigner): entry is KeySigner {
  return 'fingerprint' in entry;
}

function isMeant(entry: TrustedSigner, signer: SignerIdentity, channel: Channel): boolean {
  if (isKey(entry)) return signer.kind === 'key' && signer.fingerprint === entry.fingerprint;
  return signer.kind === 'keyless' && signer.issuer === entry.issuer && hasIdentity(entry, signer.identity) && fitsSource(entry, signer) && fitsRun(entry, signer, channel);
}

function hasIdentity(entry: KeylessSigner, identity: string): boolean {
  if (entry.identity !== undefined) return entry.identity === identity;
  return entry['identity-pattern'] !== undefined && matchesIdentity(entry['identity-pattern'], identity);
}

// A certificate that names a repository is only believed by an entry that names it too, or its owner: this keeps out forks and strangers that call our reusable workflow.
function fitsSource(entry: KeylessSigner, { extensions }: Keyless): boolean {
  const { 'repository-id': repository, 'owner-id': owner, refs } = entry;
  const named = extensions['sourceRepositoryId'] !== undefined || extensions['sourceRepository'] !== undefined;
  if (named && repository === undefined && owner === undefined) return false;
  if (repository !== undefined && extensions['sourceRepositoryId'] !== repository) return false;
  if (owner !== undefined && extensions['ownerId'] !== owner) return false;
  const ref = extensions['sourceRef'];
  return refs === undefined || (ref !== undefined && refs.some((pattern) => matchesRef(pattern, ref)));
}

function fitsRun(entry: KeylessSigner, { extensions }: Keyless, channel: Channel): boolean {
  const event = extensions['event'];
  const ofPullRequest = event?.startsWith('pull_request') === true || extensions['sourceRef']?.startsWith('refs/pull/') === true;
  if (ofPullRequest && (channel === 'release' || entry.triggers === undefined)) return false;
  if (entry.triggers !== undefined && (event === undefined || !entry.triggers.includes(event))) return false;
  return entry.runner === 'any' || (extensions['runnerEnvironment'] ?? 'github-hosted') === entry.runner;
}

/** Refuses a trust in which one signer could both build and judge, unless the policy allows it. Fails with `POLICY_ROLES_OVERLAP`. */
export function requireRolesApart(policy: Policy, trust: Trust): void {
  if (policy['roles-overlap'] === 'allow') return;
  for (const builder of trust.build) {
    const judge = trust.gate.find((entry) => mayBeOne(builder, entry));
    if (judge === undefined) continue;
    throw new Failure({
      code: 'POLICY_ROLES_OVERLAP',
      message: `${builder.at.file}: the signer of line ${builder.at.line} (build) may also judge, by line ${judge.at.line} (gate)`,
      hint: 'Call the gate as a reusable workflow, which has an identity of its own, or write roles-overlap: allow into policy.yaml; then every verdict says so.',
      facts: { build: builder.at, gate: judge.at },
    });
  }
}

// Two patterns can only be compared as text; where they meet unseen, the judgment itself still sees the signer with both roles.
function mayBeOne(a: TrustedSigner, b: TrustedSigner): boolean {
  if (isKey(a) || isKey(b)) return isKey(a) && isKey(b) && a.fingerprint === b.fingerprint;
  if (a.issuer !== b.issuer || differ(a['repository-id'], b['repository-id']) || differ(a['owner-id'], b['owner-id'])) return false;
  if (a.identity !== undefined) return hasIdentity(b, a.identity);
  return b.identity === undefined ? a['identity-pattern'] === b['identity-pattern'] : hasIdentity(a, b.identity);
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b;
}
