// SPDX-License-Identifier: Apache-2.0
// Loaded before the tests of a mutation run: a mutant must not live or die by the values of the day, and each tries them again, so they are few.
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: 20_260_701, numRuns: 10, endOnFailure: true });
