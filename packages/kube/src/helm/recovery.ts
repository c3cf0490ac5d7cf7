// SPDX-License-Identifier: Apache-2.0
// What to do with a release that an earlier run left in the middle of something. A pure rule; never blind, never by deleting records.
import { Failure } from '@pratique/core';
import { isPending, type ReleaseRevision } from './release-record.ts';

/** What is known of the run that began the operation. `dead` only when it is proven: its lease ended and the run is over. */
export interface OperationOwner {
  readonly state: 'dead' | 'alive' | 'unknown';
  /** How it is known, for the record: `lease of run 42 ended at …; run 42 is completed (cancelled)`. */
  readonly evidence: string;
  readonly run?: string;
}

/** What mends it. */
export type Recovery =
  | { readonly action: 'none' }
  /** The first install never ended: there is nothing to go back to. */
  | { readonly action: 'uninstall'; readonly audit: RecoveryAudit }
  /** Applies the last good revision again, as a new one. */
  | { readonly action: 'rollback'; readonly revision: number; readonly audit: RecoveryAudit };

/** What is written down before anything is done: who was proven dead, by what, and what follows. */
export interface RecoveryAudit {
  readonly release: string;
  readonly pendingRevision: number;
  readonly status: string;
  readonly since: string;
  readonly owner: OperationOwner;
  readonly decision: string;
}

/**
 * The rule. Fails with `HELM_PENDING` when the release is pending and the owner is alive or not proven dead.
 *
 * | newest revision | a revision that was deployed | what |
 * |---|---|---|
 * | not pending | any | nothing |
 * | pending-install, or pending without any deployed before | no | uninstall |
 * | uninstalling | any | uninstall, once more |
 * | pending-upgrade, pending-rollback | yes | roll back to it |
 */
export function planRecovery(revisions: readonly ReleaseRevision[], owner: OperationOwner): Recovery {
  const newest = revisions.at(-1);
  if (newest === undefined || !isPending(newest.status)) return { action: 'none' };
  const since = newest.modifiedAt.toISOString();
  if (owner.state !== 'dead') {
    throw new Failure({
      code: 'HELM_PENDING', message: `the release ${newest.release} is ${newest.status} at revision ${newest.revision} since ${since}, and ${owner.state === 'alive' ? 'the run that does it is alive' : 'it is not proven that the run which did it has ended'}${owner.run === undefined ? '' : ` (${owner.run})`}`,
      hint: owner.state === 'alive' ? 'Wait for it, or cancel it.' : `Nothing was changed. When you know that nobody works on it: helm ${hintFor(revisions)}`, facts: { release: newest.release, revision: newest.revision, status: newest.status, evidence: owner.evidence },
    });
  }
  const good = lastGood(revisions);
  const audit = (decision: string): RecoveryAudit => ({ release: newest.release, pendingRevision: newest.revision, status: newest.status, since, owner, decision });
  if (newest.status === 'uninstalling') return { action: 'uninstall', audit: audit('finish the uninstallation') };
  if (good === undefined) return { action: 'uninstall', audit: audit('no revision was ever deployed: take away what the install began') };
  return { action: 'rollback', revision: good.revision, audit: audit(`apply revision ${good.revision} again, the last that was deployed`) };
}

/** The newest revision that is deployed; when none is (an upgrade after a failed one), the newest that once was. */
function lastGood(revisions: readonly ReleaseRevision[]): ReleaseRevision | undefined {
  return revisions.findLast(({ status }) => status === 'deployed') ?? revisions.findLast(({ status }) => status === 'superseded');
}

function hintFor(revisions: readonly ReleaseRevision[]): string {
  const newest = revisions.at(-1);
  const good = lastGood(revisions);
  return good === undefined || newest?.status === 'uninstalling' ? `uninstall ${newest?.release}` : `rollback ${newest?.release} ${good.revision}`;
}
