// SPDX-License-Identifier: Apache-2.0
// The words of the input `predicates`.
import { Failure, nearest } from '@pratique/core';

/** Every predicate that the step can sign, in the order of the summary. */
export const predicateNames = ['signature', 'provenance', 'tests', 'scan', 'vulnerabilities', 'cyclonedx', 'spdx'] as const;

/** One predicate by its word. */
export type PredicateName = (typeof predicateNames)[number];

/** Reads the input; absent = all. Fails with `INPUT_INVALID`. */
export function readPredicateNames(lines: readonly string[] | undefined): ReadonlySet<PredicateName> {
  const known: readonly string[] = predicateNames;
  const unknown = (lines ?? []).filter((line) => !known.includes(line));
  if (unknown.length === 0) return new Set(lines ? predicateNames.filter((name) => lines.includes(name)) : predicateNames);
  const problems = unknown.map((word) => `"${word}"${nearest(word, known) ? ` (did you mean ${nearest(word, known)}?)` : ''}`);
  throw new Failure({ code: 'INPUT_INVALID', message: `predicates: there is no ${problems.join(', ')}`, hint: `Known: ${known.join(', ')}.` });
}
