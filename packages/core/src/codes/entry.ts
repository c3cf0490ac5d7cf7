// SPDX-License-Identifier: Apache-2.0
// The shape of one line of the code table.

/** What kind of end this is; it fixes the exit status: defect 1, usage 2, refused 3, unavailable 4. */
export type FailureKind = 'defect' | 'usage' | 'refused' | 'unavailable';

/** What one entry of the code table says. */
export interface FailureCodeEntry {
  readonly kind: FailureKind;
  /** One sentence for docs/errors.md: when this happens. */
  readonly when: string;
  /** One or two sentences for docs/errors.md: how it is mended. */
  readonly mend: string;
}
