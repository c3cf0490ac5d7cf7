// SPDX-License-Identifier: Apache-2.0
// Arguments of buildah 1.28 and newer, and what its output means. Pure.
import { formatPlatform, type Platform } from '@pratique/core';
import { requestArguments, type BuildWishes } from './request-arguments.ts';

/** A storage of its own: nothing is shared with other builds, nothing is left. */
export interface Storage {
  readonly folder: string;
  readonly driver: 'overlay' | 'vfs';
}

/** Name of the built image inside its storage. */
export const builtName = 'localhost/pratique:built';

/** Global flags that choose the storage. */
export function storageArguments({ folder, driver }: Storage): string[] {
  return ['--root', `${folder}/root`, '--runroot', `${folder}/run`, '--storage-driver', driver];
}

export interface BuildStep {
  readonly storage: Storage;
  readonly stage: string | undefined;
  /** `undefined`: that of the machine. */
  readonly platform: Platform | undefined;
}

/** Arguments that build one stage for one platform. Secrets come by environment variables, see request-arguments.ts. */
export function buildArguments(request: BuildWishes, { storage, stage, platform }: BuildStep): string[] {
  return [
    // chroot needs no runtime and no privileges beyond those of the step. Timestamp and identity label: equal sources give equal bytes.
    ...storageArguments(storage), 'bud', '--isolation', 'chroot', '--format', 'oci', '--timestamp', String(request.source.epoch), '--identity-label=false',
    '--file', request.dockerfile, '--tag', builtName,
    ...(platform === undefined ? [] : ['--platform', formatPlatform(platform)]),
    ...(stage === undefined ? [] : ['--target', stage]),
    ...requestArguments(request), '--', request.context,
  ];
}

/** Arguments that write the built image as an OCI layout with one entry. */
export function exportArguments(storage: Storage, folder: string): string[] {
  return [...storageArguments(storage), 'push', '--quiet', builtName, `oci:${folder}:image`];
}

/** What a build that ended badly means. */
export type BuildProblem = 'tests' | 'build';

/**
 * Whether tests failed or the build broke. buildah passes the status of a RUN through and ends with 125 for its own errors; 126 and
 * 127 say that the program could not be started. A RUN of an earlier stage is part of the build: buildah names it `[1/2] STEP 3/4: RUN …`,
 * and the stage that was asked for is the last one.
 */
export function problemOf(ended: { readonly exitCode: number; readonly stdout: string; readonly stderr: string }): BuildProblem {
  if ([125, 126, 127].includes(ended.exitCode) || !/^Error: building at STEP "RUN\b/m.test(ended.stderr)) return 'build';
  const step = [...ended.stdout.matchAll(/^(?:\[(\d+)\/(\d+)\] )?STEP \d+\/\d+: ([A-Z]+)/gm)].at(-1);
  return step?.[3] === 'RUN' && step[1] === step[2] ? 'tests' : 'build';
}

/** Where an image came from, as buildah annotates its manifest (org.opencontainers.image.base.*). */
export function baseOf(annotations: Readonly<Record<string, string>> | undefined): { uri: string; digest: string | undefined } | undefined {
  const uri = annotations?.['org.opencontainers.image.base.name'];
  return uri ? { uri, digest: annotations?.['org.opencontainers.image.base.digest'] } : undefined;
}
