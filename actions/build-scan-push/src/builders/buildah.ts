// SPDX-License-Identifier: Apache-2.0
// Builds with buildah: the test stage first, then each platform by itself, then one index of them in a fixed order.
import { formatPlatform, isDigest, type CommandResult, type Failure, type Platform } from '@pratique/core';
import { copyGraph, openLayout, type Descriptor } from '@pratique/oci';
import type { BuildFacts, TestReport } from '@pratique/scan';
import { brokenBuild, buildSeconds, keepLines, lastLines, toTestReport } from './build-output.ts';
import type { Builder, BuildRequest } from './builder.ts';
import { baseOf, buildArguments, exportArguments, problemOf, storageArguments, type BuildStep, type Storage } from './buildah-command.ts';
import { writeIndex } from './image-index.ts';
import { secretVariables } from './request-arguments.ts';

/** Builds with the buildah of this machine. */
export const buildah: Builder = {
  async build(request) {
    const { ctx } = request;
    const tool = await ctx.tools.locate('buildah');
    const run: Run = { request, program: tool.path, folder: `${ctx.scratch}/buildah`, driver: 'vfs' };
    await ctx.files.remove(run.folder);
    await ctx.files.write(`${run.folder}/tmp/.keep`, '');
    try {
      const driven = { ...run, driver: await chooseDriver(run) };
      const tests = request.testStage === undefined ? undefined : await runTests(driven, request.testStage);
      if (tests?.result === 'failed') return { failedTests: tests };
      const parts: Part[] = [];
      for (const platform of request.platforms) parts.push(await buildPlatform(driven, platform));
      const image = await writeIndex(request, parts.map((part) => part.descriptor));
      const materials = [...new Map(parts.flatMap(({ base }) => (base ? [[base.uri + base.digest, base] as const] : []))).values()];
      return { built: { image, builder: { id: 'buildah', version: tool.version }, materials, notes: [], ...(tests ? { tests } : {}) } };
    } finally {
      await ctx.files.remove(run.folder);
    }
  },
};

interface Run {
  readonly request: BuildRequest;
  readonly program: string;
  readonly folder: string;
  readonly driver: Storage['driver'];
}

interface Part {
  readonly descriptor: Descriptor;
  readonly base: BuildFacts['materials'][number] | undefined;
}

// overlay copies nothing but is not to be had everywhere (a container without it, an old kernel without root); vfs works anywhere.
async function chooseDriver(run: Run): Promise<Storage['driver']> {
  const { exitCode } = await start(run, [...storageArguments({ folder: `${run.folder}/probe`, driver: 'overlay' }), 'info']);
  return exitCode === 0 ? 'overlay' : 'vfs';
}

async function runTests(run: Run, stage: string): Promise<TestReport> {
  const { ctx } = run.request;
  const startedAt = ctx.clock.now().toISOString();
  const lines: string[] = [];
  const ended = await ctx.log.group(`Test stage ${stage}`, () => inStorage(run, (storage) => runBuild(run, { storage, stage, platform: undefined }, lines)));
  if (ended.exitCode !== 0 && problemOf(ended) === 'build') throw broken(`the stage ${stage} before its tests`, ended);
  return toTestReport(ctx, { stage, startedAt, exitCode: ended.exitCode, lines });
}

async function buildPlatform(run: Run, platform: Platform): Promise<Part> {
  const { ctx, stage, target } = run.request;
  const name = formatPlatform(platform);
  return ctx.log.group(`Build ${name}`, () => inStorage(run, async (storage) => {
    const ended = await runBuild(run, { storage, stage, platform }, []);
    if (ended.exitCode !== 0) throw broken(`the image for ${name}`, ended);
    const folder = `${storage.folder}/layout`;
    const exported = await start(run, exportArguments(storage, folder));
    if (exported.exitCode !== 0) throw broken(`the layout for ${name}`, exported);
    const layout = await openLayout(ctx.files, folder);
    const { descriptor, content } = await layout.readManifest('image');
    await copyGraph({ from: layout, to: target, roots: [descriptor.digest] });
    return { descriptor: { ...descriptor, platform }, base: materialOf(content.annotations) };
  }));
}

function materialOf(annotations: Readonly<Record<string, string>> | undefined): Part['base'] {
  const base = baseOf(annotations);
  if (base === undefined) return undefined;
  return isDigest(base.digest) ? { uri: base.uri, digest: base.digest } : { uri: base.uri };
}

/**
 * A storage for one build alone: with a shared one, a base image that was pulled for one platform is taken for the next, and the
 * result says arm64 and holds amd64 (buildah 1.28, measured).
 */
async function inStorage<T>(run: Run, work: (storage: Storage) => Promise<T>): Promise<T> {
  const { ctx } = run.request;
  const storage: Storage = { folder: `${run.folder}/storage`, driver: run.driver };
  try {
    return await work(storage);
  } finally {
    // Without root the files belong to ids that only buildah, in its user namespace, may remove.
    for (const words of [['rm', '--all'], ['rmi', '--all', '--force']]) {
      const { exitCode, stderr } = await start(run, [...storageArguments(storage), ...words]);
      if (exitCode !== 0) ctx.log.line(`buildah ${words.join(' ')} ended with ${exitCode}: ${lastLines(stderr, 2)}`);
    }
    await ctx.files.remove(storage.folder);
  }
}

function runBuild(run: Run, step: BuildStep, lines: string[]): Promise<CommandResult> {
  const { ctx } = run.request;
  return start(run, buildArguments(run.request, step), keepLines(ctx, lines));
}

function start({ request, program, folder }: Run, args: readonly string[], onLine?: (line: string) => void): Promise<CommandResult> {
  const building = onLine !== undefined;
  return request.ctx.exec.run({
    file: program, args, timeoutSeconds: building ? buildSeconds : 1800,
    // Its temporary files, secrets among them, stay in the scratch folder of this run.
    env: { TMPDIR: `${folder}/tmp`, ...(building ? secretVariables(request.secrets) : {}) },
    ...(onLine ? { onLine } : {}),
  });
}

function broken(what: string, ended: CommandResult): Failure {
  return brokenBuild(what, ended, /^Error: (.*)$/m.exec(ended.stderr)?.[1] ?? `buildah ended with ${ended.exitCode}`);
}
