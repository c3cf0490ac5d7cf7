// SPDX-License-Identifier: Apache-2.0
// SIGKILL for real processes after each file that they write, rename or remove: nothing of the user is lost, and the next attempt ends as if nothing had happened.
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNodeContext } from '@pratique/host';
import { buildManifest, createLayout, mediaTypes, openLayout } from '@pratique/oci';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProcess, type Ended } from '../../fixtures/action-process.ts';
import { writeSampleImage } from '../../fixtures/debian-image.ts';
import { recordedReport } from '../../fixtures/gate-image.ts';
import { openGateWorld, type GateWorld } from '../../fixtures/gate-world.ts';
import { checkout } from '../../tools/runtime.mjs';
import { installPrograms } from './scripted-programs.ts';

let world: GateWorld;
let folder: string;
beforeAll(async () => {
  world = await openGateWorld();
  folder = await mkdtemp(join(tmpdir(), 'kill-files-'));
  const { files } = await createNodeContext({ workspace: folder });
  const layout = await createLayout(files, 'built');
  const { platforms: [platform] } = await writeSampleImage(layout, [{ platform: 'linux/amd64', npm: { lodash: '4.17.21' } }]);
  if (platform === undefined) throw new Error('the sample has no platform');
  await layout.writeIndex([{ ...platform.manifest, annotations: { 'org.opencontainers.image.ref.name': 'image' } }]);
  // As a user may build it: the index has no name, and neither version nor commit, so that another one is written around its platforms.
  const own = await createLayout(files, 'own');
  const { platforms } = await writeSampleImage(own);
  const manifests = platforms.map(({ platform: name, manifest }) => ({ ...manifest, platform: { os: 'linux', architecture: name.split('/')[1] ?? '' } }));
  await own.writeIndex([await own.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }))]);
  await installPrograms(join(folder, 'bin'), { layout: join(folder, 'built'), report: recordedReport({ config: platform.config.digest, diffId: platform.diffId, findings: [] }) });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world[Symbol.asyncDispose]();
});

interface Start {
  /** Inputs beside those of all cases. */
  readonly given: Readonly<Record<string, string>>;
  /** What stands in the workspace before the first attempt. */
  readonly workspace: string;
}

type Run = Ended & { readonly effects: readonly string[] };

/** Runs build-scan-push in `workspace`; it is killed after the `nth` effect on files that outlive it, 0: not at all. */
async function run({ given, workspace }: Start, { attempt, nth }: { readonly attempt: number; readonly nth: number }): Promise<Run> {
  const log = `${workspace}-${attempt}.log`;
  await writeFile(log, '');
  const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, KILL_LOG: log, KILL_FOLDER: workspace, KILL_NTH: String(nth) };
  const inputs = { version: '1.2.0', scanner: 'report', reports: `${join(folder, 'bin/report.json')}\n${join(folder, 'bin/version.json')}`, ...given };
  const job = { ...world.jobOf('builder', { run: '81', version: '1.2.0' }), runAttempt: attempt };
  const ended = await (await startProcess({ lab: world.lab, job, program: { action: 'build-scan-push', inputs }, folder, workspace, env, preload: join(checkout, 'test/fixtures/kill-at-file.ts') })).ended;
  return { ...ended, effects: (await readFile(log, 'utf8')).split('\n').filter(Boolean).map((line) => line.replace(workspace, '').replace(/\/.*process-\w+/, '').replaceAll(/[0-9a-f]{40,}/g, '…').replaceAll(/[0-9a-f-]{36}/g, '…')) };
}

/** A copy of the workspace for one case. */
async function copyOf({ given, workspace }: Start): Promise<Start> {
  const copy = join(await mkdtemp(join(folder, 'case-')), 'app');
  await cp(workspace, copy, { recursive: true });
  return { given, workspace: copy };
}

/** The layout is whole, and this is what it holds. A draft that nobody finished stays until the next build. */
async function pictureOf({ workspace }: Start): Promise<unknown> {
  const layout = await openLayout((await createNodeContext({ workspace })).files, 'image-layout');
  const { blobs } = await layout.verify();
  return { manifests: (await layout.readIndex()).manifests, blobs, files: (await readdir(workspace)).filter((name) => !name.endsWith('.part')).sort() };
}

/** What went wrong when the process was killed after each effect in turn. */
async function sweepFiles(start: Start): Promise<{ readonly effects: readonly string[]; readonly problems: readonly string[] }> {
  const undisturbed = await copyOf(start);
  const reference = await run(undisturbed, { attempt: 2, nth: 0 });
  if (reference.status !== 0) throw new Error(reference.log);
  const picture = await pictureOf(undisturbed);
  const problems: string[] = [];
  const waiting = reference.effects.map((effect, index) => ({ effect, nth: index + 1 }));
  const work = async (): Promise<void> => {
    for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
      const own = await copyOf(start);
      const killed = await run(own, { attempt: 1, nth: at.nth });
      const healed = await run(own, { attempt: 2, nth: 0 });
      const problem = await problemOf(() => {
        expect(killed.status).toBe(null);
        expect([{}, { ...reference.outputs }]).toContainEqual(killed.outputs);
        if (healed.status !== 0) throw new Error(healed.log);
        expect(healed.outputs).toEqual(reference.outputs);
        return pictureOf(own).then((now) => expect(now).toEqual(picture));
      });
      if (problem !== undefined) problems.push(`after ${at.effect}: ${problem}`);
    }
  };
  await Promise.all([work(), work()]);
  return { effects: reference.effects, problems };
}

const problemOf = async (check: () => Promise<void>): Promise<string | undefined> => {
  try {
    await check();
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
};

async function emptyWorkspace(): Promise<string> {
  const workspace = join(await mkdtemp(join(folder, 'start-')), 'app');
  await mkdir(workspace);
  await writeFile(join(workspace, 'Dockerfile'), 'FROM base\n');
  return workspace;
}

const phases: readonly (readonly [string, () => Promise<Start>])[] = [
  ['the phase build, by buildah', async () => ({ given: { phases: 'build', builder: 'buildah' }, workspace: await emptyWorkspace() })],
  ['the phase build, over the layout of an earlier run', async () => {
    const start = { given: { phases: 'build', builder: 'buildah' }, workspace: await emptyWorkspace() };
    await run(start, { attempt: 1, nth: 0 });
    return start;
  }],
  ['the phase build, on a layout that the user built', async () => {
    const workspace = await emptyWorkspace();
    await cp(join(folder, 'own'), join(workspace, 'image-layout'), { recursive: true });
    return { given: { phases: 'build', builder: 'layout' }, workspace };
  }],
  ['the phase scan', async () => {
    const workspace = await emptyWorkspace();
    await run({ given: { phases: 'build', builder: 'buildah' }, workspace }, { attempt: 1, nth: 0 });
    return { given: { phases: 'scan' }, workspace };
  }],
];

test.each(phases)('%s', { timeout: 900_000 }, async (_, start) => {
  const { effects, problems } = await sweepFiles(await start());
  expect(problems).toEqual([]);
  expect(effects.length).toBeGreaterThan(8);
  expect(effects.filter((effect) => effect.startsWith('append'))).toEqual(['append /output', 'append /summary']);
});
