// SPDX-License-Identifier: Apache-2.0
// What an image is made from: version, commit, source and the one time that stands in all its parts.
import { asFailure, Failure, type Context } from '@pratique/core';

/** Everything of a run that becomes part of the digest. Another run on the same commit and version has the same. */
export interface Source {
  /** Semantic version without `v`; absent for builds that are no release. */
  readonly version?: string;
  readonly revision: string;
  /** URI of the repository. */
  readonly uri: string;
  /** Seconds since 1970: time of the commit, 0 when git does not know it. */
  readonly epoch: number;
}

// Semantic Versioning 2.0.0, item 2, 9 and 10 (semver.org).
const semver = /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** The version asked for, else that of the tag `refs/tags/vX.Y.Z`; other refs and tags have none. Fails with `VERSION_INVALID`. */
export function chooseVersion(asked: string | undefined, ref: string): string | undefined {
  const tag = /^refs\/tags\/v?(?=\d)(.+)$/.exec(ref)?.[1];
  const version = asked?.replace(/^v/, '') ?? (tag !== undefined && semver.test(tag) ? tag : undefined);
  if (version === undefined || (semver.test(version) && version.length <= 120)) return version;
  throw new Failure({ code: 'VERSION_INVALID', message: `"${asked}" is not a semantic version`, hint: 'Write MAJOR.MINOR.PATCH, for example 1.2.0.' });
}

/** Reads the source of this run. The time is that of the commit, so that the same commit built twice gives the same bytes. */
export async function readSource(ctx: Context, asked: string | undefined): Promise<Source> {
  const version = chooseVersion(asked, ctx.event.ref);
  return { ...(version === undefined ? {} : { version }), revision: ctx.event.commit, uri: ctx.event.repository.uri, epoch: await readEpoch(ctx) };
}

async function readEpoch(ctx: Context): Promise<number> {
  const { commit } = ctx.event;
  if (!/^[0-9a-f]{7,64}$/.test(commit)) return 0;
  try {
    // Checkouts of another user are refused otherwise (CVE-2022-24765); nothing of the repository's configuration is run by "log".
    const { exitCode, stdout } = await ctx.exec.run({ file: 'git', args: ['-c', 'safe.directory=*', 'log', '-1', '--no-show-signature', '--format=%ct', commit, '--'], timeoutSeconds: 30 });
    if (exitCode === 0 && /^\d+\s*$/.test(stdout)) return Number(stdout);
  } catch (thrown) {
    if (asFailure(thrown).code !== 'TOOL_MISSING') throw thrown;
  }
  ctx.log.line(`git does not know the time of ${commit}: 1970-01-01 is used`);
  return 0;
}

/** RFC 3339. */
export function createdAt(source: Source): string {
  return new Date(source.epoch * 1000).toISOString().replace('.000Z', 'Z');
}

/** Annotations of the index, and labels of each config (image-spec 1.1, annotations.md). */
export function sourceAnnotations(source: Source): Record<string, string> {
  const annotations = {
    'org.opencontainers.image.created': createdAt(source),
    'org.opencontainers.image.revision': source.revision,
    'org.opencontainers.image.source': source.uri,
    'org.opencontainers.image.version': source.version ?? '',
  };
  // A terminal outside of a repository has neither commit nor source.
  return Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== ''));
}
