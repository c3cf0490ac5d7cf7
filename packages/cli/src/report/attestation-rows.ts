// SPDX-License-Identifier: Apache-2.0
// Everything that hangs on the image as rows: what it is, who signed it, which roles that signer holds in each channel, and whether it counts.
import { failureCodes, type Channel, type Digest, type SignerIdentity, type TrustRole, type VerifiedStatement } from '@pratique/core';
import { mayState, rolesOf, type Trust } from '@pratique/policy';
import { evidenceArtifactType } from '@pratique/scan';
import type { Branch, ImageContents, Leaf } from '../image-contents.ts';
import { channels } from './answers.ts';

/**
 * `believed`: verified, and the signer may say it in a channel. `unbelieved`: verified, but by somebody without the role. `failed`: does not verify.
 * `evidence`: the unsigned record of the build, which nobody believes. `foreign`: no attestation; somebody put it there.
 */
export type RowState = 'believed' | 'unbelieved' | 'failed' | 'evidence' | 'foreign';

/** One thing that hangs on the image or a platform. */
export interface AttestationRow {
  readonly digest: Digest;
  readonly type: string;
  readonly state: RowState;
  /** Failure code and its words, when it does not count. */
  readonly code?: string;
  readonly message?: string;
  readonly signed?: {
    readonly signer: SignerIdentity;
    readonly time: Date;
    readonly logIndex: string;
    /** Roles of the signer by the trust of the policy. */
    readonly roles: Readonly<Record<Channel, readonly TrustRole[]>>;
    /** Channels in which the signer may say this. */
    readonly counts: readonly Channel[];
  };
}

/** What hangs on one manifest. */
export interface AttestationGroup {
  readonly label: string;
  readonly digest: Digest;
  readonly rows: readonly AttestationRow[];
  readonly unread: number;
}

/** Rows of the image first, then those of its platforms. */
export function attestationGroups({ branches }: ImageContents, trust: Trust): AttestationGroup[] {
  return branches.map(({ label, digest, leaves, unread }, index) => ({ label: index > 0 || label === 'image' ? label : `image ${label}`, digest, unread, rows: leaves.map((leaf) => rowOf(leaf, trust)) }));
}

function rowOf({ digest, type, proof }: Leaf, trust: Trust): AttestationRow {
  if (proof.state === 'foreign') return { digest, type, state: type === evidenceArtifactType ? 'evidence' : 'foreign' };
  if (proof.state === 'failed') return { digest, type, state: 'failed', code: proof.code, message: proof.message };
  const { signer, trustedTime: time, logIndex } = proof.attestation;
  const roles = { release: rolesOf(trust, signer, time, 'release'), preview: rolesOf(trust, signer, time, 'preview') };
  const counts = channels.filter((channel) => mayState(type, roles[channel]));
  const signed = { signer, time, logIndex, roles, counts };
  if (counts.length > 0) return { digest, type, state: 'believed', signed };
  return { digest, type, state: 'unbelieved', signed, code: 'ATTESTATION_SIGNER_UNKNOWN', message: failureCodes.ATTESTATION_SIGNER_UNKNOWN.when };
}

/** What verifies, as evidence: policy works out anew whose word counts. */
export function statementsOf(branches: readonly Branch[]): VerifiedStatement[] {
  return branches.flatMap(({ digest: subject, leaves }) => leaves.flatMap(({ digest, proof }) => {
    if (proof.state !== 'verified') return [];
    const { predicateType, predicate, signer, trustedTime } = proof.attestation;
    return [{ subject, predicateType, predicate, signer, roles: [], trustedTime, attestation: digest }];
  }));
}
