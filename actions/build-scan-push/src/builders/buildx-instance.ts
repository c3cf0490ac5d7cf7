// SPDX-License-Identifier: Apache-2.0
// Finds the docker buildx instance of this machine and says whether it can write an OCI layout.
import { asFailure, Failure, stripControl, type Context } from '@pratique/core';
import { lastLines } from './build-output.ts';
import { inspectArguments, readInstance, type BuildxInstance } from './buildx-command.ts';

/** A builder that answers, and whose driver has the OCI exporter. */
export interface UsableBuildx {
  /** Path of the docker client. */
  readonly docker: string;
  /** As given by the input; `undefined`: the one in use. */
  readonly instance: string | undefined;
  /** For the evidence: version of buildx, BuildKit and driver. */
  readonly version: string;
}

const mend = 'docker buildx create --driver docker-container --use';
const bootstrapSeconds = 300;

/** Fails with `TOOL_MISSING` without docker or its plugin, with `BUILD_BUILDER_UNFIT` when the instance is of no use. */
export async function findBuildx(ctx: Pick<Context, 'exec' | 'tools'>, name: string | undefined): Promise<UsableBuildx> {
  const { path: docker } = await ctx.tools.locate('docker');
  const version = await readPluginVersion(ctx, docker);
  const shown = await ctx.exec.run({ file: docker, args: inspectArguments(name), timeoutSeconds: bootstrapSeconds });
  const instance = readInstance(shown.stdout);
  const called = name ?? instance.name;
  const error = shown.exitCode === 0 ? instance.error : (lastLines(shown.stderr, 1).replace(/^ERROR: /, '') || `docker ended with ${shown.exitCode}`);
  if (error !== undefined || instance.driver === '') throw unreachable(called, error ?? 'it has no driver');
  if (instance.driver === 'docker') throw unfit(called);
  return { docker, instance: name, version: formatVersion(version, instance) };
}

/** Why buildx cannot be used, or the usable instance. */
export async function tryBuildx(ctx: Pick<Context, 'exec' | 'tools'>, name: string | undefined): Promise<UsableBuildx | { readonly reason: string }> {
  try {
    return await findBuildx(ctx, name);
  } catch (thrown) {
    const failure = asFailure(thrown);
    if (!['TOOL_MISSING', 'TOOL_TIMEOUT', 'BUILD_BUILDER_UNFIT'].includes(failure.code)) throw thrown;
    return { reason: failure.code === 'BUILD_BUILDER_UNFIT' && failure.hint ? `${failure.message}. ${failure.hint}` : failure.message };
  }
}

async function readPluginVersion(ctx: Pick<Context, 'exec'>, docker: string): Promise<string> {
  const { exitCode, stdout } = await ctx.exec.run({ file: docker, args: ['buildx', 'version'], timeoutSeconds: 60 });
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) return version;
  throw new Failure({ code: 'TOOL_MISSING', message: 'docker has no buildx plugin', hint: 'Install it (package docker-buildx-plugin or docker-buildx), or set builder: buildah.' });
}

const formatVersion = (version: string, { buildkit, driver }: BuildxInstance): string => `${version} (driver ${driver}${buildkit ? `, BuildKit ${buildkit}` : ''})`;

const unfit = (name: string): Failure => new Failure({
  code: 'BUILD_BUILDER_UNFIT', message: `the buildx builder ${name} has the driver docker, which writes no OCI layout`, hint: `Make one that does: ${mend}`, facts: { builder: name, driver: 'docker' },
});

const unreachable = (name: string, error: string): Failure => new Failure({
  code: 'BUILD_BUILDER_UNFIT', message: `the buildx builder ${name || 'in use'} cannot be reached: ${stripControl(error).slice(0, 500)}`, hint: `Look at it with docker buildx inspect --bootstrap ${name}`.trimEnd().concat(`, or make another: ${mend}`), facts: { builder: name },
});
