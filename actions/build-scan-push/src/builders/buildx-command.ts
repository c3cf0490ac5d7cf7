// SPDX-License-Identifier: Apache-2.0
// Arguments of docker buildx, and what it prints means (BuildKit's plain progress: each line begins with the number of its step). Pure.
import { formatPlatform, isDigest } from '@pratique/core';
import type { BuildFacts } from '@pratique/scan';
import type { BuildProblem } from './buildah-command.ts';
import { requestArguments, type BuildWishes } from './request-arguments.ts';

/** Where a build leaves what it made. */
export interface BuildxOutput {
  /** Must be absent: an existing layout is added to, and its wrong blobs stay. */
  readonly layout: string;
  readonly metadata: string;
}

/** Words that show an instance and start it when it sleeps. */
export function inspectArguments(instance: string | undefined): string[] {
  return ['buildx', 'inspect', '--bootstrap', ...(instance === undefined ? [] : ['--', instance])];
}

/** All platforms in one build, into one layout. No attestations: they differ in every run, and provenance is signed by a later step. */
export function imageArguments(request: BuildWishes, instance: string | undefined, { layout, metadata }: BuildxOutput): string[] {
  return [
    ...commonArguments(request, instance), '--platform', request.platforms.map(formatPlatform).join(','), '--metadata-file', metadata,
    ...(request.stage === undefined ? [] : ['--target', request.stage]),
    '--output', `type=oci,tar=false,dest=${layout},rewrite-timestamp=true`, ...requestArguments(request), '--', request.context,
  ];
}

/** The stage alone, on the platform of the builder; its own instructions are never taken from the cache. */
export function testArguments(request: BuildWishes, instance: string | undefined, stage: string): string[] {
  return [...commonArguments(request, instance), '--target', stage, '--no-cache-filter', stage, '--output', 'type=cacheonly', ...requestArguments(request), '--', request.context];
}

function commonArguments(request: BuildWishes, instance: string | undefined): string[] {
  const builder = instance === undefined ? [] : [`--builder=${instance}`];
  return ['buildx', 'build', ...builder, '--progress=plain', '--provenance=false', '--sbom=false', '--file', request.dockerfile];
}

/** What buildx tells of an instance. */
export interface BuildxInstance {
  readonly name: string;
  /** Empty when its endpoint does not answer. */
  readonly driver: string;
  readonly buildkit?: string;
  readonly error?: string;
}

/** Reads `docker buildx inspect` (buildx 0.13 to 0.29). It ends with 0 even for an instance that does not answer. */
export function readInstance(output: string): BuildxInstance {
  const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(output)?.[1]?.trim() ?? '';
  const [buildkit, error] = [field('BuildKit(?: version)?'), field('Error')];
  return { name: field('Name'), driver: field('Driver'), ...(buildkit ? { buildkit } : {}), ...(error ? { error } : {}) };
}

interface Step {
  readonly id: string;
  readonly stage: string | undefined;
  readonly instruction: string;
}

/** `#7 [linux/amd64 test 4/4] RUN sh test.sh`: platform and stage are left out where there is but one. */
function readStep(line: string): Step | undefined {
  const [, id, stage, instruction = ''] = /^#(\d+) \[(?:(?:\S+\/\S+ )?(\S+) +)?\d+\/\d+\] ([A-Z]+)\b/.exec(line) ?? [];
  return id === undefined ? undefined : { id, stage, instruction };
}

const isOf = (step: Step, stage: string): boolean => (step.stage ?? stage).toLowerCase() === stage.toLowerCase();

/**
 * Whether tests failed or the build broke. buildx ends with 1 for everything, so the step that failed decides: tests are a RUN of
 * the stage that was asked for. 126 and 127, and a container that runc could not start (it reports 1), are a broken build, as is an
 * error of BuildKit itself, which names no exit code.
 */
export function problemOf(output: string, stage: string): BuildProblem {
  const lines = output.split('\n');
  const failed = lines.flatMap((line) => {
    const [, id, code] = /^#(\d+) ERROR: process ".*" did not complete successfully: exit code: (\d+)/.exec(line) ?? [];
    return id === undefined ? [] : [{ id, code: Number(code) }];
  }).at(-1);
  if (failed === undefined || [125, 126, 127].includes(failed.code)) return 'build';
  const step = lines.map(readStep).find((one) => one?.id === failed.id);
  const own = step?.instruction === 'RUN' && isOf(step, stage);
  const unstarted = lines.some((line) => line.startsWith(`#${failed.id} `) && /^#\d+ \d+\.\d+ (?:runc run failed: |exec \S+: exec format error)/.test(line));
  return own && !unstarted ? 'tests' : 'build';
}

/** What the RUN instructions of a stage printed, without the numbers and times before it. Everything, when none of them ran. */
export function stageLines(lines: readonly string[], stage: string): readonly string[] {
  const own = new Set(lines.map(readStep).flatMap((step) => (step?.instruction === 'RUN' && isOf(step, stage) ? [step.id] : [])));
  const printed = lines.flatMap((line) => {
    const [, id = '', rest = ''] = /^#(\d+) (.*)$/.exec(line) ?? [];
    const text = /^\d+\.\d+ (.*)$/.exec(rest)?.[1] ?? (rest.startsWith('[') ? rest.replace(/^\[[^\]]*\] /, '') : undefined);
    return own.has(id) && text !== undefined ? [text] : [];
  });
  return printed.length > 0 ? printed : lines;
}

/** The last error, without the frames around it. */
export function errorOf(output: string): string | undefined {
  return [...output.matchAll(/^ERROR: (?:failed to build: )?(?:failed to solve: )?(.*)$/gm)].at(-1)?.[1];
}

/**
 * The images that went in, each resolved by BuildKit to its digest (`#5 [final 1/3] FROM registry/name:tag@sha256:…`). A build context
 * has a made-up name there (`#2 [context base] load metadata for docker.io/library/base@sha256:…`) and is told as `context:base`.
 */
export function basesOf(output: string): BuildFacts['materials'] {
  const found = new Map<string, BuildFacts['materials'][number]>();
  for (const [, context, name = '', digest = ''] of output.matchAll(/^#\d+ \[(?:context ([^\]]+)\] load metadata for|[^\]]*\] FROM) (\S+?)@(sha256:[0-9a-f]{64})$/gm)) {
    const uri = context === undefined ? name : `context:${context}`;
    if (isDigest(digest)) found.set(`${uri}@${digest}`, { uri, digest });
  }
  return [...found.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
}
