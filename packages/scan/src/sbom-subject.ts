// SPDX-License-Identifier: Apache-2.0
// The platform that a software bill of materials speaks of.
import type { Digest } from '@pratique/core';

/** What a software bill of materials is about. */
export interface SbomSubject {
  /** Digest of the platform's manifest. */
  readonly digest: Digest;
  readonly platform: string;
  /** When the image was made, RFC 3339 in UTC, whole seconds. */
  readonly created: string;
}
