// SPDX-License-Identifier: Apache-2.0
// Failure codes: scanning.
import type { FailureCodeEntry } from './entry.ts';

export const scanCodes = {
  SCAN_FAILED: { kind: 'unavailable', when: 'The scanner ended with an error.', mend: 'Read its last lines; nothing was decided.' },
  SCAN_REPORT_INVALID: { kind: 'unavailable', when: 'A scanner report is cut off, not JSON, or not of the expected shape.', mend: 'Scan again; a report that cannot be read whole proves nothing.' },
  SCAN_NOT_BOUND: { kind: 'refused', when: 'A report speaks of another image than the one at hand.', mend: 'Scan the layout that is pushed.' },
  SCAN_NO_PACKAGES: { kind: 'refused', when: 'The scanner found no package in an image, or none of the distribution that the image has.', mend: 'Keep the package database in the image; a scan that sees nothing proves nothing.' },
  SCAN_DATABASE_UNAVAILABLE: { kind: 'unavailable', when: 'The vulnerability database could not be fetched.', mend: 'Check the input scanner-database, or mirror the database into your registry.' },
  SCAN_DATABASE_STALE: { kind: 'refused', when: 'The vulnerability database is older than allowed.', mend: 'Let the scanner fetch a newer one, or mend the mirror.' },
} as const satisfies Record<string, FailureCodeEntry>;
