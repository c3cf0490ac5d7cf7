// SPDX-License-Identifier: Apache-2.0
// The phase build: tests, image, a look into its layers, and the first evidence, all in the layout.
import { basename, dirname, join } from 'node:path';
import { Failure, formatPlatform, type Context } from '@pratique/core';
import { createLayout, readImage, type ContentSource, type Descriptor } from '@pratique/oci';
import { writeEvidence, type BuildFacts, type TestReport } from '@pratique/scan';
import { requireOwnPrograms } from './architecture.ts';
import type { BuildRequest, Built } from './builders/builder.ts';
import { chooseBuilder } from './builders/choice.ts';
import { readPairs, type Inputs } from './inputs.ts';
import { sarifPath } from './scan-phase.ts';
import { createdAt, readSource, type Source } from './source.ts';
import { clearFolder, nameEntries, publish } from './travelling-layout.ts';

/** Tests that failed, or a layout that stands in the workspace. */
export type BuildOutcome = { readonly failedTests: TestReport } | { readonly notes: readonly string[] };

/** Builds into the folder of the input layout; a run again replaces it whole. */
export async function buildPhase(given: Inputs, ctx: Context, isolation: BuildFacts['isolation']): Promise<BuildOutcome> {
  const source = await readSource(ctx, given.version);
  const draft = join(ctx.scratch, 'image-layout');
  await ctx.files.remove(draft);
  const target = await createLayout(ctx.files, draft);
  const request = await readRequest(given, { ctx, source, target });
  const { builder, note } = await chooseBuilder(given, ctx);
  if (given.builder !== 'layout') await clearEarlier(ctx, given.layout);
  const answer = await builder.build(request);
  if ('failedTests' in answer) return answer;
  const { built } = answer;
  const facts = await checkedFacts(given, { source, built, request, isolation, content: target, ctx });
  const evidence = await writeEvidence(target, built.image, { image: built.image.digest, build: facts, scans: [], ...(built.tests ? { tests: built.tests } : {}) });
  await nameEntries(target, built.image, evidence);
  await publish(ctx, target, { folder: given.layout, image: built.image, evidence });
  await ctx.files.remove(draft);
  ctx.log.line(`${given.layout}: image ${built.image.digest}, evidence ${evidence.digest}`);
  return { notes: [...(note === undefined ? [] : [note]), ...built.notes] };
}

/** Removes what an earlier run left, whole or half: a COPY of the whole context would take it into the image. */
async function clearEarlier(ctx: Context, layout: string): Promise<void> {
  await clearFolder(ctx, layout);
  const [folder, sarif] = [dirname(sarifPath(layout)), basename(sarifPath(layout))];
  const there = await ctx.files.open(folder);
  for (const name of there?.kind === 'folder' ? there.entries : []) {
    if (name === sarif || (name.startsWith(`.${sarif}.`) && name.endsWith('.part'))) await ctx.files.remove(join(folder, name));
  }
}

async function readRequest(given: Inputs, at: Pick<BuildRequest, 'ctx' | 'source' | 'target'>): Promise<BuildRequest> {
  const { ctx } = at;
  const dockerfile = join(given.context, given.dockerfile);
  if (given.builder !== 'layout') await requireDockerfile(ctx, given.context, dockerfile);
  return {
    ...at, context: given.context, dockerfile, platforms: given.platforms,
    ...(given.target === undefined ? {} : { stage: given.target }),
    ...(given['test-target'] === undefined ? {} : { testStage: given['test-target'] }),
    buildArgs: readPairs('build-args', given['build-args']),
    buildContexts: readPairs('build-contexts', given['build-contexts']),
    secrets: readSecrets(ctx, given.secrets),
    labels: readPairs('labels', given.labels, /^[A-Za-z0-9][A-Za-z0-9_./-]*$/),
  };
}

async function requireDockerfile(ctx: Context, context: string, path: string): Promise<void> {
  const [folder, file] = [await ctx.files.open(context), await ctx.files.open(path)];
  if (folder?.kind === 'folder' && file?.kind === 'file') return;
  throw new Failure({
    code: 'BUILD_DOCKERFILE_MISSING', message: folder?.kind === 'folder' ? `there is no Dockerfile at ${path}` : `there is no folder ${context} to build from`,
    hint: 'Check out the repository first, and set the inputs context and dockerfile (below context).',
  });
}

function readSecrets(ctx: Context, lines: readonly string[] | undefined): Record<string, string> {
  const named = Object.entries(readPairs('secrets', lines));
  const missing = named.filter(([, variable]) => ctx.secret(variable) === undefined);
  if (missing.length > 0) {
    throw new Failure({
      code: 'BUILD_SECRET_MISSING', message: missing.map(([id, variable]) => `the build secret ${id} names the variable ${variable}, which is not set`).join('; '),
      hint: `Give it in the env of the step, for example ${missing[0]?.[1]}: \${{ secrets.${missing[0]?.[1]} }}.`,
    });
  }
  return Object.fromEntries(named.map(([id, variable]) => [id, ctx.secret(variable) ?? '']));
}

interface Checked {
  readonly ctx: Context;
  readonly source: Source;
  readonly built: Built;
  readonly request: BuildRequest;
  readonly isolation: BuildFacts['isolation'];
  readonly content: ContentSource;
}

async function checkedFacts(given: Inputs, { ctx, source, built, request, isolation, content }: Checked): Promise<BuildFacts> {
  const platforms = await checkPlatforms(given, built.image, content);
  return {
    builder: built.builder, source: source.uri || 'unknown', revision: source.revision || 'unknown', created: createdAt(source),
    ...(source.version === undefined ? {} : { version: source.version }),
    ...(given.target === undefined ? {} : { target: given.target }),
    platforms, materials: built.materials, parameters: request.buildArgs, isolation, run: { ...ctx.event.run, uri: ctx.event.run.uri || 'unknown' },
  };
}

async function checkPlatforms(given: Inputs, image: Descriptor, content: ContentSource): Promise<BuildFacts['platforms']> {
  const { platforms } = await readImage(content, image.digest);
  const there = platforms.map((one) => formatPlatform(one.platform));
  const missing = given.builder === 'layout' ? [] : given.platforms.map(formatPlatform).filter((name) => !there.includes(name));
  if (missing.length > 0 || there.length === 0) throw new Failure({ code: 'BUILD_PLATFORM_MISMATCH', message: `the image holds ${there.join(', ') || 'no platform'}; ${missing.join(', ') || 'one'} is missing` });
  for (const platform of platforms) await requireOwnPrograms(content, platform);
  return platforms.map(({ platform, digest, configDigest }) => ({ platform: formatPlatform(platform), digest, configDigest }));
}
