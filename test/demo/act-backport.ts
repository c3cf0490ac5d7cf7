// SPDX-License-Identifier: Apache-2.0
// Act three: a fix for those who stay on 1.1, released after 1.2.0 from a maintenance branch by the same workflow. Tags never go backwards.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatImage, parsePinnedImage } from '@pratique/core';
import { readImage, type Repository } from '@pratique/oci';
import { connect } from './auditor.ts';
import { playRelease, requireReleased } from './release-run.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

const run = promisify(execFile);
const staying = ['1.2.0', '1.2', '1', 'latest'];
const moving = ['1.1.9', '1.1'];

/** Plays the act; every claim is counted. */
export async function playBackport(story: Story, scene: Scene): Promise<void> {
  story.act('Act 3', 'Version 1.1.9 brings the fix to those who stay on 1.1, from a maintenance branch.');
  await requireReleased(story, scene);
  const before = await digestsOf(connect(scene, 'cluster').repository('acme/app'), staying);
  const sha = scene.repository.release({ tag: 'v1.1.9', fixtures: ['app-fixed'], message: 'Update lodash', branch: { name: 'release/1.1', from: 'v1.1.0' } });
  const release = await playRelease(story, scene, { tag: 'v1.1.9', sha });
  const gate = release.step('gate/judge', 'Judge and promote');
  story.acts.push({ name: 'Act 3', tried: '1.1.9 after 1.2.0', answer: gate?.outputs['verdict'] === 'passed' ? 'released' : 'refused', code: gate?.outputs['code'] || '-', seconds: release.seconds, repeat: 'npm run demo -- --act backport' });
  story.claim('every job of the release succeeded', release.record.conclusion === 'success');
  if (!gate?.outputs['image']) return story.claim('there is a released image', false, gate?.log.slice(-5).join(' / '));
  const image = parsePinnedImage(gate.outputs['image']);
  const releases = connect(scene, 'cluster').repository('acme/app');
  const { annotations } = await readImage(releases, image.digest);
  story.claim('it was built from the maintenance branch', annotations['org.opencontainers.image.revision'] === sha && annotations['org.opencontainers.image.version'] === '1.1.9');
  story.claim('the tags 1.1.9 and 1.1 name it, and the gate says so', gate.outputs['tags'] === moving.join('\n') && (await digestsOf(releases, moving)).every((digest) => digest === image.digest));
  const after = await digestsOf(releases, staying);
  story.claim('the tags 1.2.0, 1.2, 1 and latest stay where they are', before[0] !== undefined && before[0] !== image.digest && after.every((digest) => digest === before[0]), after.join(' '));
  await claimCrane(story, scene, { image: `${image.registry}/${image.repository}`, old: before[0] ?? '', own: image.digest });
  const { exitStatus, stderr } = await scene.command(['verify', formatImage(image), '--policy', 'github://acme/app/.pratique']);
  story.claim('pratique verify lets it be deployed', exitStatus === 0, stderr);
}

function digestsOf(repository: Repository, tags: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(tags.map(async (tag) => (await repository.resolve(tag))?.digest));
}

/** The same through the eyes of a program that is not ours, when it is on this machine. */
async function claimCrane(story: Story, scene: Scene, { image, old, own }: { readonly image: string; readonly old: string; readonly own: string }): Promise<void> {
  const crane = await scene.find('crane');
  if (crane === undefined) return;
  const env = { ...scene.environment(), DOCKER_CONFIG: scene.dockerConfig('cluster'), HOME: scene.folder };
  const seen = await Promise.all([...moving, ...staying].map(async (tag) => (await run(crane.path, ['digest', `${image}:${tag}`], { env, timeout: 60_000 })).stdout.trim()));
  story.claim(`crane ${crane.version} sees the same`, seen.join() === [...moving.map(() => own), ...staying.map(() => old)].join(), seen.join(' '));
}
