// SPDX-License-Identifier: Apache-2.0
// The phase build with a scripted docker buildx: who is chosen, what is taken from its layout, and what is refused there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure, isDigest, type CommandResult, type Context, type Digest } from '@pratique/core';
import { createNodeContext, type NodeContext } from '@pratique/host';
import { openLayout, readImage, type Image } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import { parseInputs, type StepResult } from '@pratique/step';
import { buildScanPush } from '../contract.ts';
import { scriptBuildx, type BuildxScript, type LayoutFault } from './scripted-buildx.fixture.ts';

let workspace: string;
let node: NodeContext;
let printed: string[];

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'pratique-buildx-'));
  await writeFile(join(workspace, 'Dockerfile'), 'FROM base\n');
  printed = [];
  node = await createNodeContext({ workspace, env: { ...process.env, TOKEN: 'planted-77aa' }, print: (line) => printed.push(line) });
});
afterEach(async () => {
  await node.close();
  await rm(workspace, { recursive: true, force: true });
});

let commands: ReturnType<typeof scriptBuildx>['commands'];

function build(given: Record<string, string> = {}, script: BuildxScript = {}): Promise<StepResult<typeof buildScanPush.outputs>> {
  const scripted = scriptBuildx(node, script);
  commands = scripted.commands;
  const locate: Context['tools']['locate'] = (name) => (name === 'docker' ? Promise.resolve({ name, path: '/scripted/docker', version: '28.2.2', origin: 'path' }) : Promise.reject(new Failure({ code: 'TOOL_MISSING', message: `${name} is not here` })));
  const ctx: Context = { ...node, exec: scripted.exec, tools: { locate } };
  return buildScanPush.run(parseInputs(buildScanPush.inputs, { phases: 'build', builder: 'buildx', platforms: 'linux/arm64\nlinux/amd64', version: '1.2.0', ...given }), ctx);
}

async function readBuilt(digest: string | undefined): Promise<{ image: Image; evidence: EvidenceManifest }> {
  const layout = await openLayout(node.files, 'image-layout');
  const [, evidence] = (await layout.readIndex()).manifests ?? [];
  const root = digest as Digest;
  return { image: await readImage(layout, root), evidence: await readEvidence(layout, evidence?.digest ?? root, root) };
}

describe('the image', () => {
  test('is an index of ours, in the order of the input, from one build', async () => {
    const { outputs } = await build({ 'buildx-builder': 'bk' });
    const { image, evidence } = await readBuilt(outputs.digest);
    expect(image.platforms.map(({ platform }) => platform.architecture)).toEqual(['arm64', 'amd64']);
    expect(image.annotations).toMatchObject({ 'org.opencontainers.image.version': '1.2.0' });
    expect(evidence.build).toMatchObject({ builder: { id: 'buildx', version: '0.29.1 (driver remote, BuildKit v0.33.0)' }, materials: [{ uri: 'r.io/base:12', digest: `sha256:${'b'.repeat(64)}` }] });
    expect(commands.map(({ args }) => args.slice(0, 4))).toEqual([['buildx', 'version'], ['buildx', 'inspect', '--bootstrap', '--'], ['buildx', 'build', '--builder=bk', '--progress=plain']]);
    expect(await node.files.open(`${node.scratch}/buildx`)).toBeUndefined();
  });
  test('of one platform is an index as well', async () => {
    const { outputs } = await build({ platforms: 'linux/amd64' });
    expect(isDigest(outputs.digest)).toBe(true);
    expect((await readBuilt(outputs.digest)).image.root.content.manifests).toMatchObject([{ platform: { os: 'linux', architecture: 'amd64' } }]);
  });
  test('holds no attestations of BuildKit, which differ in every run', async () => {
    const [bare, attested] = [await build(), await build({}, { fault: 'attested' })];
    expect(attested.outputs.digest).toBe(bare.outputs.digest);
  });
  test.each<[LayoutFault, string]>([
    ['dangling', 'LAYOUT_INVALID'], ['two-images', 'LAYOUT_INVALID'], ['other-metadata', 'LAYOUT_INVALID'], ['no-metadata', 'LAYOUT_INVALID'],
    ['corrupt-layer', 'REGISTRY_DIGEST_MISMATCH'], ['one-missing', 'BUILD_PLATFORM_MISMATCH'],
  ])('with a layout that is %s is refused', async (fault, code) => {
    await expect(build({}, { fault })).rejects.toMatchObject({ code });
    expect(await node.files.open('image-layout/index.json')).toBeUndefined();
  });
  test('that cannot be built is told with the error of BuildKit', async () => {
    const stderr = 'ERROR: failed to build: failed to solve: failed to compute cache key: "/x": not found\n';
    await expect(build({}, { image: { exitCode: 1, stderr } })).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining('could not be built: failed to compute cache key') as string });
  });
});

describe('tests', () => {
  const ended = (step: string, exitCode: number): Partial<CommandResult> => ({
    exitCode: 1, stderr: `#8 [${step}] RUN x\n#8 0.06 not ok 1\n#8 ERROR: process "/bin/sh -c x" did not complete successfully: exit code: ${exitCode}\n`,
  });
  test('that fail are a refusal; nothing is built', async () => {
    const { refusal } = await build({ 'test-target': 'test' }, { test: ended('test 2/2', 7) });
    expect(refusal).toMatchObject({ code: 'BUILD_TESTS_FAILED', message: expect.stringContaining('not ok 1') as string });
    expect(commands.some(({ args }) => args.includes('--metadata-file'))).toBe(false);
  });
  test('that could not begin are a broken build', async () => {
    await expect(build({ 'test-target': 'test' }, { test: ended('base 2/2', 7) })).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });
  test('that pass stand in the evidence', async () => {
    const { outputs } = await build({ 'test-target': 'test' }, { test: { stderr: '#8 0.06 ok 1\n' } });
    expect((await readBuilt(outputs.digest)).evidence.tests).toMatchObject({ result: 'passed', stage: 'test', tail: expect.stringContaining('ok 1') as string });
  });
});

describe('the builder', () => {
  const classic = { stdout: 'Name:   default\nDriver: docker\n\nNodes:\nStatus: running\n' };
  const mend = 'docker buildx create --driver docker-container --use';
  test.each<[string, BuildxScript['inspect'], string, string]>([
    ['of the classic driver', classic, 'BUILD_BUILDER_UNFIT', mend],
    ['without its daemon', { stdout: 'Name:   default\nDriver: \nError:  Cannot connect\n' }, 'BUILD_BUILDER_UNFIT', mend],
    ['that is not there', { exitCode: 1, stderr: 'ERROR: no builder "bk" found\n' }, 'BUILD_BUILDER_UNFIT', mend],
    ['without the plugin', false, 'TOOL_MISSING', 'docker-buildx'],
  ])('%s cannot be used', async (_, inspect, code, hint) => {
    await expect(build({}, { inspect: inspect ?? {} })).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) as string });
  });
  test('auto takes one that is usable, and says so in log and summary', async () => {
    const { summary } = await build({ builder: 'auto' });
    expect(printed.join('\n')).toContain('auto takes buildx 0.29.1 (driver remote');
    expect(summary).toContain('auto takes buildx');
  });
  test('auto takes buildah else, and says why', async () => {
    await expect(build({ builder: 'auto' }, { inspect: classic })).rejects.toMatchObject({ code: 'TOOL_MISSING', message: 'buildah is not here' });
    expect(printed.join('\n')).toContain('auto takes buildah, because the buildx builder default has the driver docker');
    expect(printed.join('\n')).toContain(mend);
  });
  test.each([['buildah', 'bk'], ['buildx', '--help']])('%s has no use for the name %s', async (builder, name) => {
    await expect(build({ builder, 'buildx-builder': name })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

test('a build secret goes to docker by its environment alone', async () => {
  const { outputs, summary } = await build({ secrets: 'npm=TOKEN', 'test-target': 'test' });
  expect(commands.map(({ env }) => env?.['PRATIQUE_BUILD_SECRET_0'])).toEqual([undefined, undefined, 'planted-77aa', 'planted-77aa']);
  expect(JSON.stringify([commands.map(({ args }) => args), outputs, summary, printed])).not.toContain('planted-77aa');
});
