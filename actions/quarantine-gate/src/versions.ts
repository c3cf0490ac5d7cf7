// SPDX-License-Identifier: Apache-2.0
// Semantic versions as tags: strict reading, order, and which moving tags a set of versions owns. Pure.

/** A semantic version (semver.org 2.0.0). */
export interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly prerelease: readonly string[];
}

const longest = 128;
const pattern = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:[+_]([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** Reads a version without leading `v`; `undefined` when it is none, or longer than a tag may be (distribution spec 1.1: 128). Build metadata may stand behind `+` or, in a tag, behind `_`. */
export function readVersion(text: string): Version | undefined {
  const match = text.length > longest ? undefined : pattern.exec(text);
  if (!match) return undefined;
  return { text, major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]), prerelease: match[4]?.split('.') ?? [] };
}

/** The tag of a version: `+` may not stand in a tag (distribution spec 1.1), `_` takes its place. */
export function versionTag(version: string): string {
  return version.replace('+', '_');
}

/** Semver precedence (section 11): negative when `a` comes before `b`. Build metadata does not count. */
export function compareVersions(a: Version, b: Version): number {
  const core = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (core !== 0) return core;
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length;
  for (let index = 0; index < Math.max(a.prerelease.length, b.prerelease.length); index += 1) {
    const order = compareIdentifiers(a.prerelease[index], b.prerelease[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  // By length first: any number of digits, and no leading zeros.
  if (numericA && numericB) return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The moving tags that versions like this one compete for, narrowest first: `1.2`, `1`, `latest`.
 * Prereleases move none; `0` is never a tag, because 0.x promises nothing (semver section 4).
 */
export function movingTags(version: Version): readonly string[] {
  if (version.prerelease.length > 0) return [];
  const line = `${version.major}.${version.minor}`;
  return version.major === 0 ? [line, 'latest'] : [line, String(version.major), 'latest'];
}

/** Stable versions among `tags` that compete for `moving`, highest first. */
export function competitors(moving: string, tags: readonly string[]): readonly Version[] {
  const versions = tags.map(readVersion).filter((version): version is Version => version !== undefined && movingTags(version).includes(moving));
  // Build metadata does not count for precedence, but the owner must not depend on the order of the listing.
  return versions.toSorted((a, b) => compareVersions(b, a) || (a.text < b.text ? 1 : -1));
}
