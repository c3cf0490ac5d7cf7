// SPDX-License-Identifier: Apache-2.0
// Builds with docker buildx: the test stage first, then all platforms in one call, then one index of them in the order of the input.
import { Failure, formatPlatform, parseJsonObject, type CommandResult, type Platform } from '@pratique/core';
import { copyGraph, isIndexType, openLayout, readImage, type Descriptor, type Layout } from '@pratique/oci';
import type { TestReport } from '@pratique/scan';
import { brokenBuild, buildSeconds, keepLines, toTestReport } from './build-output.ts';
import type { Builder, BuildRequest } from './builder.ts';
import { basesOf, errorOf, imageArguments, problemOf, stageLines, testArguments } from './buildx-command.ts';
import type { UsableBuildx } from './buildx-instance.ts';
import { writeIndex } from './image-index.ts';
import { secretVariables } from './request-arguments.ts';

const mostMetadata = 4 * 1024 * 1024;

/** Builds with one instance of docker buildx. */
export function buildxBuilder(buildx: UsableBuildx): Builder {
  return {
    async build(request) {
      const run: Run = { request, buildx, folder: `${request.ctx.scratch}/buildx` };
      const { ctx } = request;
      await ctx.files.remove(run.folder);
      await ctx.files.write(`${run.folder}/.keep`, '');
      try {
        const tests = request.testStage === undefined ? undefined : await runTests(run, request.testStage);
        if (tests?.result === 'failed') return { failedTests: tests };
        const { manifests, output } = await buildPlatforms(run);
        const image = await writeIndex(request, manifests);
        return { built: { image, builder: { id: 'buildx', version: buildx.version }, materials: basesOf(output), notes: [], ...(tests ? { tests } : {}) } };
      } finally {
        await ctx.files.remove(run.folder);
      }
    },
  };
}

interface Run {
  readonly request: BuildRequest;
  readonly buildx: UsableBuildx;
  readonly folder: string;
}

async function runTests(run: Run, stage: string): Promise<TestReport> {
  const { request, buildx } = run;
  const startedAt = request.ctx.clock.now().toISOString();
  const lines: string[] = [];
  const ended = await request.ctx.log.group(`Test stage ${stage}`, () => start(run, testArguments(request, buildx.instance, stage), lines));
  if (ended.exitCode !== 0 && problemOf(ended.stderr, stage) === 'build') throw broken(`the stage ${stage} before its tests`, ended);
  return toTestReport(request.ctx, { stage, startedAt, exitCode: ended.exitCode, lines: stageLines(lines, stage) });
}

async function buildPlatforms(run: Run): Promise<{ manifests: readonly Descriptor[]; output: string }> {
  const { request, buildx, folder } = run;
  const names = request.platforms.map(formatPlatform).join(', ');
  const [layout, metadata] = [`${folder}/layout`, `${folder}/metadata.json`];
  return request.ctx.log.group(`Build ${names}`, async () => {
    const ended = await start(run, imageArguments(request, buildx.instance, { layout, metadata }), []);
    if (ended.exitCode !== 0) throw broken(`the image for ${names}`, ended);
    return { manifests: await takePlatforms(run, await openLayout(request.ctx.files, layout), metadata), output: ended.stderr };
  });
}

/** Copies the platforms that were asked for into the target; the copy hashes all that it reads. What is missing, build-phase.ts tells. */
async function takePlatforms(run: Run, layout: Layout, metadata: string): Promise<Descriptor[]> {
  const { target, platforms } = run.request;
  const root = await findRoot(run, layout, metadata);
  const image = await readImage(layout, root.digest);
  const taken: Descriptor[] = [];
  for (const platform of platforms) {
    const found = image.platforms.find((one) => samePlatform(one.platform, platform));
    if (found === undefined) continue;
    const { mediaType, digest, size } = (await layout.readManifest(found.digest)).descriptor;
    taken.push({ mediaType, digest, size, platform });
  }
  await copyGraph({ from: layout, to: target, roots: taken.map((one) => one.digest) });
  return taken;
}

/**
 * The one entry of index.json: an index for several platforms, the manifest itself for one. BuildKit may end well and name a digest
 * there that it did not write (measured, with several outputs), so the entry must be there and be what the metadata file says.
 */
async function findRoot({ request: { ctx } }: Run, layout: Layout, metadata: string): Promise<Descriptor> {
  const [root, ...others] = (await layout.readIndex()).manifests ?? [];
  if (root === undefined || others.length > 0) throw inconsistent(`index.json lists ${root === undefined ? 'nothing' : `${others.length + 1} images`}`);
  const file = await ctx.files.open(metadata);
  if (file?.kind !== 'file' || file.size > mostMetadata) throw inconsistent('there is no metadata file');
  const said = parseJsonObject(await file.bytes(), 'the metadata file of buildx', 'LAYOUT_INVALID')['containerimage.digest'];
  if (said !== root.digest) throw inconsistent(`index.json names ${root.digest}, the metadata file ${String(said)}`);
  if (!(await layout.hasManifest(root.digest))) throw inconsistent(`index.json names ${root.digest}, which was not written`);
  const { descriptor } = await layout.readManifest(root.digest);
  if (isIndexType(root.mediaType) !== isIndexType(descriptor.mediaType)) throw inconsistent(`${root.digest} is no ${root.mediaType}`);
  return descriptor;
}

const inconsistent = (problem: string): Failure => new Failure({ code: 'LAYOUT_INVALID', message: `docker buildx ended well, but its OCI layout is not whole: ${problem}`, hint: 'Run the build again; if it stays so, try another version of BuildKit.' });

// BuildKit leaves out the variant that is the usual one (containerd's platforms.Normalize).
const usualVariants: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };
const variantOf = ({ architecture, variant }: Platform): string => variant ?? usualVariants[architecture] ?? '';
const samePlatform = (a: Platform, b: Platform): boolean => a.os === b.os && a.architecture === b.architecture && variantOf(a) === variantOf(b);

function start({ request, buildx }: Run, args: readonly string[], lines: string[]): Promise<CommandResult> {
  const { ctx, secrets, source } = request;
  return ctx.exec.run({
    file: buildx.docker, args, timeoutSeconds: buildSeconds, onLine: keepLines(ctx, lines),
    // With it BuildKit sets all times; buildx reads it from its environment.
    env: { SOURCE_DATE_EPOCH: String(source.epoch), ...secretVariables(secrets) },
  });
}

function broken(what: string, ended: CommandResult): Failure {
  return brokenBuild(what, ended, errorOf(ended.stderr) ?? `docker buildx ended with ${ended.exitCode}`);
}
