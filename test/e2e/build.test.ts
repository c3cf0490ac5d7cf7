// SPDX-License-Identifier: Apache-2.0
// build-scan-push with the real buildah and trivy, its base image and quarantine in a registry that the test serves.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildScanPush } from '@pratique/build-scan-push';
import { isJsonObject, parsePinnedImage, type RunEvent } from '@pratique/core';
import { createFiles, createNodeContext, systemClock, type NodeContext } from '@pratique/host';
import { createAcrEmulator, createAuthority, serve, type Served } from '@pratique/lab';
import { createRegistry, openLayout, readImage, type Registry } from '@pratique/oci';
import { readEvidence } from '@pratique/scan';
import { parseInputs } from '@pratique/step';
import { baseName, buildBaseImage, pushBaseImage } from '../fixtures/base-image/build.ts';
import { publishVulnerabilityDatabase } from '../fixtures/vulnerability-db/publish.ts';

const run = promisify(execFile);
const app = new URL('../fixtures/app/', import.meta.url).pathname;
const secret = 'planted-4f1c9e';

let folder: string;
let served: Served;
let registry: Registry;
let fetchHere: typeof fetch;
let environment: Record<string, string | undefined>;
let host: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pratique-build-'));
  const emulator = createAcrEmulator({ anonymous: true });
  const authority = await createAuthority();
  served = await serve(emulator.handle, { tls: await authority.issue(['127.0.0.1', 'localhost']) });
  host = `localhost:${served.port}`;
  emulator.settings.name = host;
  await writeFile(join(folder, 'authority.pem'), authority.certificate);
  environment = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem'), NPM_TOKEN: secret };
  fetchHere = (input, init) => emulator.handle(new Request(input, init));
  registry = createRegistry({ registry: host, fetch: fetchHere, clock: systemClock, signal: new AbortController().signal });
  await pushBaseImage(await buildBaseImage(), registry.repository(baseName.repository));
  await publishVulnerabilityDatabase(registry.repository('mirror/trivy-db'));
});

afterAll(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

let workspace: string;
let ctx: NodeContext;
let printed: string[];
let commit: string;

beforeEach(async () => {
  workspace = await mkdtemp(join(folder, 'workspace-'));
  await cp(app, workspace, { recursive: true });
  await mkdir(join(workspace, 'node_modules/lodash'), { recursive: true });
  await writeFile(join(workspace, 'node_modules/lodash/package.json'), '{"name":"lodash","version":"4.17.20","license":"MIT"}');
  await writeFile(join(workspace, 'node_modules/lodash/lodash.min.js'), '');
  commit = await commitAll();
  printed = [];
  ctx = await open();
});

afterEach(() => ctx.close());

async function commitAll(): Promise<string> {
  const git = (...args: string[]): Promise<{ stdout: string }> => run('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.com', ...args], { cwd: workspace, env: { ...process.env, GIT_COMMITTER_DATE: '2026-11-20T10:00:00Z' } });
  await git('init', '-q');
  await git('add', 'Dockerfile');
  await git('commit', '-q', '-m', 'App');
  return (await git('rev-parse', 'HEAD')).stdout.trim();
}

function open(): Promise<NodeContext> {
  const event: RunEvent = {
    host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/harbour', id: '1', owner: 'contoso', name: 'harbour' }, commit, ref: 'refs/tags/v1.2.0',
    run: { uri: 'https://github.com/contoso/harbour/actions/runs/77', id: '77', attempt: 1 }, actor: 'ada',
  };
  return createNodeContext({ workspace, env: environment, fetch: fetchHere, event, print: (line) => printed.push(line) });
}

const common = (): Record<string, string> => ({
  builder: 'buildah', platforms: 'linux/amd64\nlinux/arm64', 'build-args': `BASE_IMAGE=${host}/${baseName.repository}:${baseName.tag}`, 'test-target': 'test', image: `${host}/quarantine/harbour`,
  'scanner-database': `${host}/mirror/trivy-db:2`, 'registry-sign-in': 'anonymous',
});
const build = (given: Record<string, string> = {}) => buildScanPush.run(parseInputs(buildScanPush.inputs, { ...common(), ...given }), ctx);
const dockerfile = (text: string): Promise<void> => writeFile(join(workspace, 'Dockerfile'), text);

describe('the whole step', () => {
  test('builds, tests, scans and pushes both platforms with their evidence', async () => {
    const { outputs, refusal, summary } = await build();
    expect(refusal).toBeUndefined();
    const [image, evidence] = [parsePinnedImage(outputs.image ?? ''), parsePinnedImage(outputs.evidence ?? '')];
    const quarantine = registry.repository('quarantine/harbour');
    const pushed = await readImage(quarantine, image.digest);
    expect(pushed.platforms.map((one) => one.platform.architecture)).toEqual(['amd64', 'arm64']);
    expect(pushed.annotations).toEqual({
      'org.opencontainers.image.created': '2026-11-20T10:00:00Z', 'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.source': 'https://github.com/contoso/harbour', 'org.opencontainers.image.version': '1.2.0',
    });
    expect(await quarantine.listTags()).toEqual([]);
    const content = await readEvidence(quarantine, evidence.digest, image.digest);
    expect(content.tests).toMatchObject({ result: 'passed', stage: 'test', tail: expect.stringContaining('ok - a ship has its state') as string });
    expect(content.build).toMatchObject({ builder: { id: 'buildah' }, isolation: 'none', run: { id: '77' }, materials: [{ uri: expect.stringContaining('base/busybox') as string }, {}] });
    expect(content.scans.map((scan) => scan.run.platform)).toEqual(['linux/amd64', 'linux/arm64']);
    expect(JSON.parse(outputs.findings ?? '')).toMatchObject({ high: 1 });
    expect(summary).toContain('lodash');
    expect(JSON.parse(await readFile(join(workspace, outputs.sarif ?? ''), 'utf8'))).toMatchObject({ runs: [{}, {}] });
  });

  test('a build again of the same commit gives the same digest, and leaves nothing outside of layout and SARIF', async () => {
    const before = new Set(await readdir(workspace));
    const first = await build({ phases: 'build' });
    await ctx.close();
    ctx = await open();
    const second = await build({ phases: 'build' });
    expect(second.outputs.digest).toBe(first.outputs.digest);
    expect((await readdir(workspace)).filter((name) => !before.has(name))).toEqual(['image-layout']);
    expect(await readdir(ctx.scratch)).not.toContain('buildah');
  });

  test('in phases, each hashes what it takes over', async () => {
    const built = await build({ phases: 'build' });
    expect(built.outputs).toMatchObject({ image: '', findings: '' });
    const scanned = await build({ phases: 'scan' });
    expect(scanned.outputs.digest).toBe(built.outputs.digest);
    const { platforms } = await readImage(await openLayout(ctx.files, 'image-layout'), parsePinnedImage(`r.io/a@${scanned.outputs.digest}`).digest);
    const config = join(workspace, 'image-layout/blobs/sha256', (platforms[1]?.configDigest ?? '').slice(7));
    const genuine = await readFile(config);
    await writeFile(config, genuine.toString().replace('65534', '00000'));
    await expect(build({ phases: 'push' })).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
    await writeFile(config, genuine);
    const pushed = await build({ phases: 'push' });
    expect(pushed.outputs.image).toBe(`${host}/quarantine/harbour@${built.outputs.digest}`);
    const evidence = await readEvidence(registry.repository('quarantine/harbour'), parsePinnedImage(pushed.outputs.evidence ?? '').digest, parsePinnedImage(pushed.outputs.image ?? '').digest);
    expect([evidence.build.isolation, evidence.scans[0]?.run.isolation]).toEqual(['job', 'job']);
  });
});

describe('the early look', () => {
  const policy = 'findings:\n  - name: no-high\n    severity: [critical, high]\n    effect: deny\n';

  test('refuses before the push', async () => {
    await mkdir(join(workspace, 'policy'));
    await writeFile(join(workspace, 'policy/policy.yaml'), policy);
    const { outputs, refusal } = await build({ policy: 'policy', image: `${host}/quarantine/refused` });
    expect(refusal).toMatchObject({ code: 'BUILD_EARLY_REFUSED', message: expect.stringContaining('CVE-2021-23337') as string });
    expect(outputs).toMatchObject({ image: '', 'early-verdict': 'refused' });
    await expect(registry.repository('quarantine/refused').readManifest(outputs.digest ?? '')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    const again = await build({ policy: 'policy', image: `${host}/quarantine/refused`, 'push-refused': 'true' });
    expect([again.refusal, again.outputs.image]).toEqual([undefined, `${host}/quarantine/refused@${outputs.digest}`]);
  });
});

describe('what goes wrong is told apart', () => {
  const from = 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS base\n';

  test('tests that fail are a refusal with their last lines', async () => {
    await writeFile(join(workspace, 'src/www/ships.tsv'), '');
    const { refusal, summary } = await build({ phases: 'build' });
    expect(refusal).toMatchObject({ code: 'BUILD_TESTS_FAILED', message: expect.stringContaining('not ok - a ship has its state') as string });
    expect(summary).toContain('not ok');
    await expect(openLayout(ctx.files, 'image-layout')).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });

  test.each([
    ['a build that breaks before the tests', `${from}RUN exit 3\nFROM base AS test\nRUN true\n`],
    ['a test that cannot be started', `${from}AS test\nRUN no-such-program\n`.replace('AS base\nAS test', 'AS test')],
    ['a test stage that is not there', 'ARG BASE_IMAGE\nFROM ${BASE_IMAGE} AS other\n'],
    ['an instruction that is none', 'FRM x\n'],
  ])('%s is a broken build', async (_, text) => {
    await dockerfile(text);
    await expect(build({ phases: 'build' })).rejects.toMatchObject({ code: 'BUILD_FAILED' });
  });

  test('without Dockerfile nothing starts', async () => {
    await expect(build({ phases: 'build', dockerfile: 'deploy/Dockerfile' })).rejects.toMatchObject({ code: 'BUILD_DOCKERFILE_MISSING' });
  });

  test('arm64 by name and amd64 by content is found', async () => {
    await dockerfile('ARG BASE_IMAGE\nFROM --platform=linux/amd64 ${BASE_IMAGE} AS test\nRUN true\nFROM ${BASE_IMAGE}\nCOPY --from=test /etc/passwd /etc/passwd\n');
    await expect(build({ phases: 'build' })).rejects.toMatchObject({ code: 'BUILD_PLATFORM_MISMATCH', message: expect.stringContaining('linux/arm64') as string });
  });
});

test('a build secret reaches RUN and nothing else', async () => {
  await dockerfile('ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN --mount=type=secret,id=npm test "$(wc -c < /run/secrets/npm)" = 14 && cat /run/secrets/npm && env > /environment && echo held\n');
  const { outputs, summary } = await build({ phases: 'build', platforms: 'linux/amd64', 'test-target': '', secrets: 'npm=NPM_TOKEN' });
  expect(printed.join('\n')).toContain('held');
  expect([printed.join('\n'), JSON.stringify(outputs), summary].filter((text) => text.includes(secret))).toEqual([]);
  expect(await filesWith(secret)).toEqual([]);
  expect(summary).toContain('test-target');
});

/** Files of layout and scratch folder that hold `text`, packed or not. */
async function filesWith(text: string): Promise<string[]> {
  const layout = join(workspace, 'image-layout');
  const found: string[] = [];
  for (const root of [layout, ctx.scratch]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const { stdout } = await run('sh', ['-c', '{ cat "$1"; gzip -dc "$1" 2>/dev/null; } | grep -ac "$2" || true', 'sh', path, text]);
      if (stdout.trim() !== '0') found.push(path);
    }
  }
  return found;
}

describe('a layout of the user', () => {
  test('keeps its platforms, and gets version and commit by a new index', async () => {
    const built = await build({ phases: 'build' });
    const files = createFiles(workspace);
    const own = await openLayout(files, 'image-layout');
    const index = await own.readManifest('image');
    const bare = await own.writeManifest({ mediaType: index.descriptor.mediaType, bytes: bareIndex(index.bytes) });
    await own.writeIndex([bare]);
    const taken = await build({ phases: 'build', builder: 'layout', 'test-target': '' });
    expect(taken.outputs.digest).toBe(built.outputs.digest);
    expect(taken.summary).toContain('new index');
    const again = await build({ phases: 'build', builder: 'layout', 'test-target': '' });
    expect(again.outputs.digest).toBe(built.outputs.digest);
    await expect(build({ phases: 'build', builder: 'layout', 'test-target': '', version: '1.3.0' })).rejects.toMatchObject({ code: 'VERSION_INVALID' });
  });
});

function bareIndex(bytes: Uint8Array): Uint8Array {
  const content: unknown = JSON.parse(Buffer.from(bytes).toString());
  if (!isJsonObject(content)) throw new Error('the index is no object');
  return Buffer.from(JSON.stringify({ ...content, annotations: undefined }));
}
