// SPDX-License-Identifier: Apache-2.0
// Reading and comparing the version that a program prints.

/** The first `1.2` or `1.2.3` in what a program prints, without a leading v; `undefined` when there is none. */
export function readVersion(output: string): string | undefined {
  return /(?<![\w.])v?(\d+\.\d+(?:\.\d+)*)/.exec(output)?.[1];
}

/** Negative, zero or positive, part by part as numbers; a part that is missing counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What versions of a program can be used. */
export interface VersionRange {
  readonly least: string;
  /** The first version that is not taken. */
  readonly below: string;
  /** Versions in between that must not run, such as releases known to be malicious. */
  readonly refused?: readonly string[];
}

/** Whether `version` lies in the range. */
export function inRange(version: string, range: VersionRange): boolean {
  return compareVersions(version, range.least) >= 0 && compareVersions(version, range.below) < 0 && !(range.refused ?? []).includes(version);
}
