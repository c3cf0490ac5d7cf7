// SPDX-License-Identifier: Apache-2.0
// build-scan-push with the real docker buildx and BuildKit (remote driver); its base image in a registry that the test serves.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildScanPush } from '@pratique/build-scan-push';
import { isDigest, type RunEvent } from '@pratique/core';
import { createNodeContext, systemClock, type NodeContext } from '@pratique/host';
import { createAcrEmulator, createAuthority, serve, type Served } from '@pratique/lab';
import { createRegistry, openLayout, readImage, type Image } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import { parseInputs } from '@pratique/step';
import { baseName, buildBaseImage, pushBaseImage } from '../fixtures/base-image/build.ts';
import { startBuildkit, type BuildkitDaemon } from '../fixtures/buildkit-daemon.ts';
import { serveClassicDocker } from '../fixtures/classic-docker.ts';
import { obtain } from '../tools/obtain.ts';

const run = promisify(execFile);
const app = new URL('../fixtures/app/', import.meta.url).pathname;
const secret = 'planted-4f1c9e';

let folder: string;
let served: Served;
let daemon: BuildkitDaemon;
let fetchHere: typeof fetch;
let environment: Record<string, string | undefined>;
let host: string;

beforeAll(async () => {
  const tools = await obtain(['docker', 'docker-buildx', 'runc', 'buildkitd', 'busybox']);
  folder = await mkdtemp(join(tmpdir(), 'pratique-buildx-'));
  const emulator = createAcrEmulator({ anonymous: true });
  const authority = await createAuthority();
  served = await serve(emulator.handle, { tls: await authority.issue(['127.0.0.1', 'localhost']) });
  host = `localhost:${served.port}`;
  emulator.settings.name = host;
  const certificate = join(folder, 'authority.pem');
  await writeFile(certificate, authority.certificate);
  fetchHere = (input, init) => emulator.handle(new Request(input, init));
  const registry = createRegistry({ registry: host, fetch: fetchHere, clock: systemClock, signal: new AbortController().signal });
  await pushBaseImage(await buildBaseImage(), registry.repository(baseName.repository));
  daemon = await startBuildkit({ folder: join(folder, 'buildkit'), registry: host, authority: certificate, tools });
  environment = { ...process.env, NODE_EXTRA_CA_CERTS: certificate, NPM_TOKEN: secret, DOCKER_CONFIG: daemon.dockerConfig, DOCKER_HOST: undefined };
});

afterAll(async () => {
  await daemon.stop();
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

let workspace: string;
let ctx: NodeContext;
let printed: string[];

beforeEach(async () => {
  workspace = await newWorkspace();
  printed = [];
  ctx = await open();
});
afterEach(() => ctx.close());

async function newWorkspace(): Promise<string> {
  const made = await mkdtemp(join(folder, 'workspace-'));
  await cp(app, made, { recursive: true });
  await mkdir(join(made, 'node_modules/lodash'), { recursive: true });
  await writeFile(join(made, 'node_modules/lodash/package.json'), '{"name":"lodash","version":"4.17.20","license":"MIT"}');
  return made;
}

function open(): Promise<NodeContext> {
  const event: RunEvent = {
    host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/harbour', id: '1', owner: 'contoso', name: 'harbour' }, commit: 'c0ffee'.repeat(6).concat('abcd'), ref: 'refs/tags/v1.2.0',
    run: { uri: 'https://github.com/contoso/harbour/actions/runs/77', id: '77', attempt: 1 }, actor: 'ada',
  };
  return createNodeContext({ workspace, env: environment, fetch: fetchHere, event, print: (line) => printed.push(line) });
}

const common = (): Record<string, string> => ({
  phases: 'build', builder: 'buildx', platforms: 'linux/amd64\nlinux/arm64', 'build-args': `BASE_IMAGE=${host}/${baseName.repository}:${baseName.tag}`, 'test-target': 'test',
});
const build = (given: Record<string, string> = {}) => buildScanPush.run(parseInputs(buildScanPush.inputs, { ...common(), ...given }), ctx);
const dockerfile = (text: string): Promise<void> => writeFile(join(workspace, 'Dockerfile'), text);

async function readBuilt(digest: string | undefined): Promise<{ image: Image; evidence: EvidenceManifest }> {
  if (!isDigest(digest)) throw new Error('nothing was built');
  const layout = await openLayout(ctx.files, 'image-layout');
  const evidence = (await layout.readIndex()).manifests?.[1]?.digest;
  if (evidence === undefined) throw new Error('there is no evidence');
  return { image: await readImage(layout, digest), evidence: await readEvidence(layout, evidence, digest) };
}

describe('the image', () => {
  test('is built for both platforms, tested, and known with its base', async () => {
    const { outputs, refusal } = await build();
    expect(refusal).toBeUndefined();
    const { image, evidence } = await readBuilt(outputs.digest);
    expect(image.platforms.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
    expect(image.root.content.manifests).toHaveLength(2);
    expect(image.annotations).toMatchObject({ 'org.opencontainers.image.version': '1.2.0', 'org.opencontainers.image.revision': 'c0ffee'.repeat(6).concat('abcd') });
    expect(evidence.tests).toMatchObject({ result: 'passed', stage: 'test', tail: expect.stringContaining('ok - a ship has its state') as string });
    expect(evidence.build).toMatchObject({
      builder: { id: 'buildx', version: expect.stringMatching(/^0\.\d+\.\d+ \(driver remote, BuildKit v0\./) as string },
      materials: [{ uri: expect.stringContaining('base/busybox') as string, digest: expect.stringMatching(/^sha256:/) as string }],
    });
  });

  test('has the same digest when the same commit is built again elsewhere without a cache', async () => {
    const first = await build({ 'test-target': '' });
    await ctx.close();
    workspace = await newWorkspace();
    ctx = await open();
    await run('docker', ['buildx', 'prune', '--all', '--force'], { env: { ...process.env, DOCKER_CONFIG: daemon.dockerConfig } });
    const second = await build({ 'test-target': '' });
    expect(second.outputs.digest).toBe(first.outputs.digest);
    expect(await readdir(workspace)).toContain('image-layout');
    expect(await readdir(ctx.scratch)).not.toContain('buildx');
  });

  test('of one platform has the same bytes as in an image of two', async () => {
    const two = await readBuilt((await build({ 'test-target': '' })).outputs.digest);
    const one = await readBuilt((await build({ 'test-target': '', platforms: 'linux/arm64' })).outputs.digest);
    expect(one.image.platforms).toEqual([two.image.platforms[1]]);
  });

  test('that says arm64 and holds amd64 is found', async () => {
    await dockerfile('ARG BASE_IMAGE\nFROM --platform=linux/amd64 ${BASE_IMAGE} AS other\nFROM scratch\nCOPY --from=other / /\n');
    await expect(build({ 'test-target': '' })).rejects.toMatchObject({ code: 'BUILD_PLATFORM_MISMATCH', message: expect.stringContaining('linux/arm64') as string });
  });
});

describe('what goes wrong is told apart', () => {
  const from = 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS base\n';

  test('tests that fail are a refusal with their last lines; those that passed before run again', async () => {
    await build();
    await build();
    expect(printed.filter((line) => line.includes('ok - a ship has its state'))).toHaveLength(2);
    await writeFile(join(workspace, 'src/www/ships.tsv'), '');
    const { refusal } = await build();
    expect(refusal).toMatchObject({ code: 'BUILD_TESTS_FAILED', message: expect.stringContaining('not ok - a ship has its state') as string });
  });

  test.each([
    ['a build that breaks before the tests', `${from}RUN exit 3\nFROM base AS test\nRUN true\n`],
    ['a test that is not there', `${from}FROM base AS test\nRUN no-such-program\n`],
    ['a test that cannot be started', `${from}FROM base AS test\nRUN ["no-such-program"]\n`],
    ['a test for another processor', 'ARG BASE_IMAGE\nFROM --platform=linux/arm64 ${BASE_IMAGE} AS test\nRUN true\n'],
    ['a file that is not there', `${from}FROM base AS test\nCOPY no-such-file /\n`],
    ['a test stage that is not there', 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS other\n'],
    ['a base that is not there', 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE}-no AS test\n'],
    ['an instruction that is none', 'FRM x\n'],
  ])('%s is a broken build', async (_, text) => {
    await dockerfile(text);
    await expect(build()).rejects.toMatchObject({ code: 'BUILD_FAILED' });
    expect(await ctx.files.open('image-layout/index.json')).toBeUndefined();
  });
});

test('a build secret reaches RUN and nothing else', async () => {
  await dockerfile('ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN --mount=type=secret,id=npm test "$(wc -c < /run/secrets/npm)" = 14 && cat /run/secrets/npm && env > /environment && echo held\n');
  const { outputs, summary } = await build({ platforms: 'linux/amd64', 'test-target': '', secrets: 'npm=NPM_TOKEN' });
  expect(printed.join('\n')).toContain('held');
  expect([printed.join('\n'), JSON.stringify(outputs), summary].filter((text) => text.includes(secret))).toEqual([]);
  expect(await filesWith(secret)).toEqual([]);
});

/** Files of layout and scratch folder that hold `text`, packed or not. */
async function filesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const root of [join(workspace, 'image-layout'), ctx.scratch]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { stdout } = await run('sh', ['-c', '{ cat "$1"; gzip -dc "$1" 2>/dev/null; } | grep -ac "$2" || true', 'sh', path, text]);
      if (stdout.trim() !== '0') found.push(path);
    }
  }
  return found;
}

describe('the builder', () => {
  test('auto takes buildx, and says so', async () => {
    const { summary } = await build({ builder: 'auto', 'test-target': '', platforms: 'linux/amd64' });
    expect(summary).toContain('auto takes buildx');
    expect(printed.join('\n')).toContain('driver remote');
  });

  test('the classic docker driver is refused with the line that mends it; auto takes buildah', async () => {
    const classic = await serveClassicDocker(daemon.socket);
    await ctx.close();
    const before = environment;
    environment = { ...environment, DOCKER_HOST: classic.address };
    ctx = await open();
    try {
      const mend = expect.stringContaining('docker buildx create --driver docker-container --use') as string;
      await expect(build({ 'buildx-builder': 'default' })).rejects.toMatchObject({ code: 'BUILD_BUILDER_UNFIT', message: expect.stringContaining('driver docker') as string, hint: mend });
      const { summary } = await build({ builder: 'auto', 'buildx-builder': 'default', 'test-target': '', platforms: 'linux/amd64' });
      expect(summary).toContain('auto takes buildah');
    } finally {
      environment = before;
      await classic.close();
    }
  });

  test('one that is not there is refused', async () => {
    await expect(build({ 'buildx-builder': 'nowhere' })).rejects.toMatchObject({ code: 'BUILD_BUILDER_UNFIT', message: expect.stringContaining('no builder') as string });
  });
});
