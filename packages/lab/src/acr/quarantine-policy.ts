// SPDX-License-Identifier: Apache-2.0
// The quarantine policy of a registry, its undocumented parts as switches, and what a caller may do with what is held.

/** The registry-wide policy, and the switches for what is not documented. */
export interface QuarantineSettings {
  /** `quarantinePolicy.status`. Turned on, it also blocks images that were there and never marked. Default false. */
  enabled: boolean;
  /** The literal that is read while a manifest waits. Default `Quarantined`. */
  pendingState: string;
  /** Status of `IMAGE_QUARANTINED`. Default 405, as for locks. */
  blockedStatus: number;
  /** As Azure/acr issue 522 saw it: whoever may push may pull what is held, by digest. Default false. */
  pushersRead: boolean;
  /** A push of what is released already is held anew. Default false. */
  repushHolds: boolean;
  /** What the release call needs. Default `metadata_write`; an older recipe of Microsoft asks for `pull,push`. */
  releaseScope: 'metadata_write' | 'pull,push';
}

/** What a caller may do with held manifests. */
export type QuarantineRight = 'none' | 'read' | 'write';

export const defaultQuarantine: QuarantineSettings = { enabled: false, pendingState: 'Quarantined', blockedStatus: 405, pushersRead: false, repushHolds: false, releaseScope: 'metadata_write' };
