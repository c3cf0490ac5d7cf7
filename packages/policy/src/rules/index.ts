// SPDX-License-Identifier: Apache-2.0
// Every rule of a verdict, in the order in which reasons are told.
import type { Rule } from '../case.ts';
import { databaseFreshness } from './database-freshness.ts';
import { findings } from './findings.ts';
import { isolation } from './isolation.ts';
import { platformsScanned } from './platforms-scanned.ts';
import { provenanceFits } from './provenance-fits.ts';
import { requiredEvidence } from './required-evidence.ts';
import { rolesApart } from './roles-apart.ts';
import { scanBound } from './scan-bound.ts';
import { scanFreshness } from './scan-freshness.ts';
import { scanReadable } from './scan-readable.ts';
import { scanSawPackages } from './scan-saw-packages.ts';
import { signature } from './signature.ts';
import { testsPassed } from './tests-passed.ts';

export const rules = {
  signature, requiredEvidence, platformsScanned, scanReadable, scanBound, scanSawPackages, scanFreshness, databaseFreshness, isolation, testsPassed, provenanceFits, rolesApart, findings,
} as const satisfies Readonly<Record<string, Rule>>;
