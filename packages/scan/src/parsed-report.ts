// SPDX-License-Identifier: Apache-2.0
// What a scanner's report says, whoever wrote it.
import type { Digest, Finding } from '@pratique/core';

/** A scanner's report, read strictly. */
export interface ParsedReport {
  readonly scanner: 'trivy' | 'grype';
  readonly scannerVersion: string;
  /** Config digest of the image that the report is about. */
  readonly configDigest: Digest;
  /** Absent when the report does not say. */
  readonly diffIds?: readonly Digest[];
  /** `debian 12.12`; absent when the scanner saw no distribution. */
  readonly os?: string;
  /** The distribution gets no more security fixes. */
  readonly endOfLife: boolean;
  /** Packages that the scanner looked at; 0 in a grype report, which does not list them. */
  readonly packageCount: number;
  /** Those of the distribution's package manager among them. */
  readonly osPackageCount: number;
  readonly findings: readonly Finding[];
  /** When the report was made. RFC 3339. */
  readonly createdAt: string;
  /** What the report says about the database; trivy says nothing. */
  readonly database?: { readonly version?: string; readonly updatedAt: string };
}
