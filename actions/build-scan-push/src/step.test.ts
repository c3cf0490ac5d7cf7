// SPDX-License-Identifier: Apache-2.0
// The whole step on the lab's registry with scripted programs: phases, refusals, what travels and what does not.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parsePinnedImage, type Context, type RunEvent } from '@pratique/core';
import { createNodeContext, systemClock, type NodeContext } from '@pratique/host';
import { createAcrEmulator } from '@pratique/lab';
import { createRegistry, openLayout, readImage, type Registry } from '@pratique/oci';
import { readEvidence } from '@pratique/scan';
import { parseInputs } from '@pratique/step';
import { publishVulnerabilityDatabase } from '../../../test/fixtures/vulnerability-db/publish.ts';
import { scriptPrograms, type Script, type ScriptedPrograms } from './scripted-programs.fixture.ts';
import { buildScanPush } from './contract.ts';

const host = 'lab.azurecr.io';
const event: RunEvent = {
  host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/web', id: '1', owner: 'contoso', name: 'web' }, commit: 'c0ffee'.repeat(6).concat('abcd'), ref: 'refs/heads/main',
  run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 }, actor: 'ada',
};

let workspace: string;
let node: NodeContext;
let registry: Registry;
let printed: string[];

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'pratique-step-'));
  await writeFile(join(workspace, 'Dockerfile'), 'FROM base\n');
  printed = [];
  const emulator = createAcrEmulator({ name: host, anonymous: true });
  const fetchHere: typeof fetch = (input, init) => emulator.handle(new Request(input, init));
  node = await createNodeContext({ workspace, env: { ...process.env, TOKEN: 'planted-77aa' }, fetch: fetchHere, event, print: (line) => printed.push(line) });
  registry = createRegistry({ registry: host, fetch: fetchHere, clock: systemClock, signal: node.signal });
  await publishVulnerabilityDatabase(registry.repository('mirror/trivy-db'));
});

afterEach(async () => {
  await node.close();
  await rm(workspace, { recursive: true, force: true });
});

const vulnerable: Script = { npm: { lodash: '4.17.20' } };
let programs: ScriptedPrograms;

function build(given: Record<string, string> = {}, script: Script = vulnerable) {
  programs = scriptPrograms(node, script);
  const ctx: Context = { ...node, exec: programs.exec, tools: { locate: (name) => Promise.resolve({ name, path: `/scripted/${name}`, version: '1.2.3', origin: 'path' }) } };
  const all = { platforms: 'linux/amd64\nlinux/arm64', image: `${host}/quarantine/web`, 'scanner-database': `${host}/mirror/trivy-db:2`, 'registry-sign-in': 'anonymous', ...given };
  return buildScanPush.run(parseInputs(buildScanPush.inputs, all), ctx);
}

const writePolicy = async (): Promise<void> => {
  await mkdir(join(workspace, 'policy'));
  await writeFile(join(workspace, 'policy/policy.yaml'), 'version: 1\n');
};

describe('all phases in one job', () => {
  test('push exactly what was built, by digest, evidence beside it', async () => {
    const { outputs, refusal, summary } = await build({ version: 'v1.2.0', 'test-target': 'test', 'build-args': 'MODE=release' });
    expect(refusal).toBeUndefined();
    const image = parsePinnedImage(outputs.image ?? '');
    const evidence = parsePinnedImage(outputs.evidence ?? '');
    const quarantine = registry.repository('quarantine/web');
    expect(outputs).toMatchObject({ digest: image.digest, layout: 'image-layout', 'early-verdict': 'none', sarif: 'image-layout.sarif' });
    expect((await readImage(quarantine, image.digest)).annotations).toMatchObject({ 'org.opencontainers.image.version': '1.2.0', 'org.opencontainers.image.revision': event.commit });
    expect((await quarantine.listReferrers(image.digest)).map(({ digest }) => digest)).toEqual([evidence.digest]);
    const content = await readEvidence(quarantine, evidence.digest, image.digest);
    expect(content).toMatchObject({ build: { version: '1.2.0', isolation: 'none', parameters: { MODE: 'release' }, builder: { id: 'buildah', version: '1.2.3' } }, tests: { result: 'passed' } });
    expect(content.scans.map(({ run }) => [run.platform, run.isolation])).toEqual([['linux/amd64', 'none'], ['linux/arm64', 'none']]);
    expect(JSON.parse(outputs.findings ?? '')).toEqual({ critical: 0, high: 1, unknown: 0, medium: 0, low: 0, negligible: 0, fixable: 1 });
    expect(summary).toContain('linux/amd64, linux/arm64');
    expect(summary).not.toContain('<b>');
  });

  test('a run again replaces the layout and gives the same image', async () => {
    const [first, second] = [await build(), await build()];
    expect(second.outputs.image).toBe(first.outputs.image);
    const entries = (await (await openLayout(node.files, 'image-layout')).readIndex()).manifests ?? [];
    expect(entries.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'])).toEqual(['image', 'evidence']);
  });

  test.each([
    ['a whole run', ['image-layout/oci-layout', 'image-layout/index.json', 'image-layout/blobs/sha256/0', 'image-layout.sarif']],
    ['one killed at its first file', ['image-layout/.oci-layout.27c5a9f4-8f0e-4d1b-9d5c-3d9b7a9d2f10.part']],
    ['one killed at its last', ['image-layout/oci-layout', 'image-layout/.index.json.27c5a9f4-8f0e-4d1b-9d5c-3d9b7a9d2f10.part', '.image-layout.sarif.27c5a9f4-8f0e-4d1b-9d5c-3d9b7a9d2f10.part']],
  ])('what %s left is gone before anything is built', async (_, files) => {
    for (const file of files) await node.files.write(file, '');
    await build({ phases: 'build' });
    expect((await readdir(workspace)).sort()).toEqual(['Dockerfile', 'image-layout']);
    expect((await readdir(join(workspace, 'image-layout'))).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  test('a folder that is no layout is not replaced', async () => {
    await node.files.write('image-layout/blobs/notes.txt', 'mine');
    await expect(build({ phases: 'build' })).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    expect(await readFile(join(workspace, 'image-layout/blobs/notes.txt'), 'utf8')).toBe('mine');
  });

  test('without tests the summary says so aloud', async () => {
    expect((await build()).summary).toContain('**no tests**: set <code>test-target</code>');
  });

  test('an identity that could write releases is refused', async () => {
    await expect(build({ release: `${host}/web` })).rejects.toMatchObject({ code: 'ACR_QUARANTINE_NOT_ISOLATED' });
    const [image] = (await (await openLayout(node.files, 'image-layout')).readIndex()).manifests ?? [];
    expect(await registry.repository('quarantine/web').resolve(image?.digest ?? '')).toBeUndefined();
  });
});

test('with the quarantine of the registry an identity that could release by a broad role is refused, where a token tells', async () => {
  const native = { quarantine: 'acr-native', release: `${host}/quarantine/web` };
  await expect(build({ ...native, 'registry-role-mode': 'legacy' })).rejects.toMatchObject({ code: 'ACR_QUARANTINE_NOT_ISOLATED', hint: expect.stringContaining('AcrQuarantineReader') });
  expect((await build(native)).outputs.image).toContain(`${host}/quarantine/web@`);
});

describe('phases in jobs of their own', () => {
  test('hand the layout on, and say so', async () => {
    const built = await build({ phases: 'build', image: '' });
    expect(built.outputs).toMatchObject({ image: '', evidence: '', findings: '', sarif: '' });
    expect(programs.commands.some(({ file }) => file.endsWith('trivy'))).toBe(false);
    const scanned = await build({ phases: 'scan', image: '' });
    expect(programs.commands.some(({ file }) => file.endsWith('buildah'))).toBe(false);
    const pushed = await build({ phases: 'push' });
    expect(programs.commands).toEqual([]);
    expect([scanned.outputs.digest, pushed.outputs.digest]).toEqual([built.outputs.digest, built.outputs.digest]);
    expect(pushed.outputs.findings).toBe(scanned.outputs.findings);
    const content = await readEvidence(registry.repository('quarantine/web'), parsePinnedImage(pushed.outputs.evidence ?? '').digest, parsePinnedImage(pushed.outputs.image ?? '').digest);
    expect([content.build.isolation, ...content.scans.map(({ run }) => run.isolation)]).toEqual(['job', 'job', 'job']);
  });

  test.each(['scan', 'push'])('the phase %s hashes all of it', async (phases) => {
    await build({ phases: 'build' });
    const { platforms } = await readImage(await openLayout(node.files, 'image-layout'), parsePinnedImage(`a.io/b@${(await build({ phases: 'build' })).outputs.digest}`).digest);
    const config = join(workspace, 'image-layout/blobs/sha256', platforms[0]?.configDigest.slice(7) ?? '');
    await writeFile(config, (await readFile(config, 'utf8')).replace('2026', '2027'));
    await expect(build({ phases })).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
  });

  test.each(['scan', 'push'])('the phase %s refuses another image than was built, though it is whole', async (phases) => {
    const { outputs } = await build({ phases: 'build', version: '1.0.0' });
    const digest = outputs.digest ?? '';
    if (phases === 'push') await build({ phases: 'scan', digest });
    await build({ phases: 'build', version: '1.0.1' });
    await expect(build({ phases, digest })).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
    await expect(build({ phases, digest: 'latest' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  test.each(['scan', 'push'])('the phase %s needs a layout', async (phases) => {
    await expect(build({ phases })).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });
});

describe('the early look', () => {
  test('refuses what cannot pass, and pushes nothing', async () => {
    await writePolicy();
    const { outputs, refusal, summary } = await build({ policy: 'policy' });
    expect(refusal).toMatchObject({ code: 'BUILD_EARLY_REFUSED', message: expect.stringContaining('CVE-2021-23337') as string });
    expect(outputs).toMatchObject({ image: '', 'early-verdict': 'refused', sarif: 'image-layout.sarif' });
    expect(summary).toContain('Not pushed');
    expect(await registry.repository('quarantine/web').resolve(outputs.digest ?? '')).toBeUndefined();
  });
  test('refuses the phase scan too', async () => {
    await writePolicy();
    await build({ phases: 'build' });
    expect((await build({ phases: 'scan', policy: 'policy' })).refusal?.code).toBe('BUILD_EARLY_REFUSED');
  });
  test('lets it be pushed when that is wanted, and through when nothing was found', async () => {
    await writePolicy();
    const wanted = await build({ policy: 'policy', 'push-refused': 'true' });
    expect([wanted.refusal, wanted.outputs['early-verdict'], wanted.outputs.image]).toEqual([undefined, 'refused', `${host}/quarantine/web@${wanted.outputs.digest}`]);
    expect((await build({ policy: 'policy' }, { npm: { left: '1.0.0' } })).outputs['early-verdict']).toBe('passed');
  });
  test('needs its policy', async () => {
    await expect(build({ policy: 'nowhere' })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });
});

describe('builds that end otherwise', () => {
  test('failed tests are a refusal; nothing is built', async () => {
    const { refusal, summary, outputs } = await build({ 'test-target': 'test' }, { ends: { test: { exitCode: 1, stdout: 'STEP 2/2: RUN ./test\nnot ok 1\n', stderr: 'Error: building at STEP "RUN ./test": exit status 1\n' } } });
    expect(refusal).toMatchObject({ code: 'BUILD_TESTS_FAILED', message: expect.stringContaining('not ok 1') as string });
    expect([summary.includes('not ok 1'), outputs.digest]).toEqual([true, undefined]);
    expect(programs.commands.filter(({ args }) => args.includes('--platform'))).toEqual([]);
    expect(refusal?.hint).toContain('docker build --target test .');
    expect((await build({ 'test-target': 'test' })).outputs.image).toMatch(/quarantine\/web@sha256:/);
  });
  test.each<[string, string, string]>([
    ['a broken instruction', 'Error: building at STEP "COPY x /": no such file\n', 'BUILD_FAILED'],
    ['a program for another platform', 'exec container process: exec format error\nError: building at STEP "RUN x": exit status 1\n', 'BUILD_FAILED'],
  ])('%s is a failure, and the same command ends well once it is mended', async (_, stderr, code) => {
    const { outputs } = await build();
    await expect(build({}, { ends: { final: { exitCode: 125, stderr } } })).rejects.toMatchObject({ code, hint: expect.stringMatching(/Dockerfile|docker build|platform/) as string });
    expect((await build()).outputs.image).toBe(outputs.image);
  });
  test.each<[string, Record<string, string>, string]>([
    ['no Dockerfile', { dockerfile: 'other' }, 'BUILD_DOCKERFILE_MISSING'],
    ['no context', { context: 'nowhere' }, 'BUILD_DOCKERFILE_MISSING'],
    ['a secret that is not set', { secrets: 'npm=NO_SUCH_VARIABLE' }, 'BUILD_SECRET_MISSING'],
    ['a version that is none', { version: 'one' }, 'VERSION_INVALID'],
    ['nowhere to push', { image: '' }, 'INPUT_INVALID'],
    ['reports before there is an image', { scanner: 'report', reports: 'r.json' }, 'INPUT_INVALID'],
    ['no reports', { phases: 'scan', scanner: 'report' }, 'INPUT_INVALID'],
    ['a layout folder that holds the source', { layout: '.' }, 'LAYOUT_INVALID'],
    ['tests of a layout', { builder: 'layout', 'test-target': 'test' }, 'INPUT_INVALID'],
  ])('%s is told before anything is done, and without it all is well', async (_, given, code) => {
    const { outputs } = await build();
    await expect(build(given)).rejects.toMatchObject({ code });
    expect(await readFile(join(workspace, 'Dockerfile'), 'utf8')).toBe('FROM base\n');
    expect((await build()).outputs.image).toBe(outputs.image);
  });
});

test('a build secret goes to buildah by its environment alone', async () => {
  const { outputs, summary } = await build({ phases: 'build', secrets: 'npm=TOKEN' }, { ends: { final: { stdout: 'STEP 1/1: RUN cat planted-77aa\n' } } });
  const [, ...builds] = programs.commands.filter(({ args }) => args.includes('bud') || args.includes('info'));
  expect(builds.map(({ env }) => env?.['PRATIQUE_BUILD_SECRET_0'])).toEqual(['planted-77aa', 'planted-77aa']);
  expect(JSON.stringify([programs.commands.map(({ args }) => args), outputs, summary, printed])).not.toContain('planted-77aa');
  expect(programs.commands.filter(({ args }) => args.includes('push')).map(({ env }) => Object.keys(env ?? {}))).toEqual([['TMPDIR'], ['TMPDIR']]);
});

describe('a layout of the user', () => {
  const bare = async (): Promise<string> => {
    const { outputs } = await build({ phases: 'build' });
    const layout = await openLayout(node.files, 'image-layout');
    const { platforms } = await readImage(layout, parsePinnedImage(`a.io/b@${outputs.digest}`).digest);
    await layout.writeIndex([(await layout.readManifest(platforms[1]?.digest ?? '')).descriptor]);
    return platforms[1]?.digest ?? '';
  };
  test('of one platform gets an index with version and commit, and stays the same from then on', async () => {
    const manifest = await bare();
    const first = await build({ phases: 'build', builder: 'layout', version: '1.2.0' });
    const image = await readImage(await openLayout(node.files, 'image-layout'), parsePinnedImage(`a.io/b@${first.outputs.digest}`).digest);
    expect([image.platforms.map(({ digest }) => digest), image.annotations['org.opencontainers.image.version']]).toEqual([[manifest], '1.2.0']);
    expect(first.summary).toContain('a new index with it was written');
    const second = await build({ phases: 'build', builder: 'layout', version: '1.2.0' });
    expect([second.outputs.digest, second.summary.includes('a new index')]).toEqual([first.outputs.digest, false]);
    await expect(build({ phases: 'build', builder: 'layout', version: '1.3.0' })).rejects.toMatchObject({ code: 'VERSION_INVALID' });
  });
  test('whose bytes were changed is refused', async () => {
    const manifest = await bare();
    const layer = (await (await openLayout(node.files, 'image-layout')).readManifest(manifest)).content.layers?.[0];
    await writeFile(join(workspace, 'image-layout/blobs/sha256', layer?.digest.slice(7) ?? ''), Buffer.alloc(layer?.size ?? 0));
    await expect(build({ phases: 'build', builder: 'layout' })).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
  });
  test('that holds two images is refused', async () => {
    await bare();
    const layout = await openLayout(node.files, 'image-layout');
    const entries = (await layout.readIndex()).manifests ?? [];
    await layout.writeIndex([...entries, ...entries.map((entry) => ({ ...entry, annotations: { 'org.opencontainers.image.ref.name': 'other' } }))]);
    await expect(build({ phases: 'build', builder: 'layout' })).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });
});
