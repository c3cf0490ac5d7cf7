// SPDX-License-Identifier: Apache-2.0
// Act four: everything that somebody could try who may write in the registry, sign as a workflow of their own, or bring a policy. Each ends in its own code.
import { mapConcurrently } from '@pratique/core';
import type { Attack } from '../fixtures/attacks/attack.ts';
import { attacks, claimRefused, claimTags, contentOf, smuggle, tryAttack, type Trial } from '../fixtures/attacks/trial.ts';
import { askVerdict } from '../fixtures/command.ts';
import type { GateWorld } from '../fixtures/gate-world.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

const name = 'attacked';

/** Plays the act; its claims are counted, and told when they break. */
export async function playAttacks(story: Story, scene: Scene): Promise<void> {
  story.act('Act 4', `What does not get past the gate, tried on acme/${name}.`);
  const started = performance.now();
  await using world = scene.openWorld();
  const releases = world.asAdministrator('acme/app');
  const before = await contentOf(releases);
  const trials: Trial[] = [];
  for (const attack of attacks) trials.push(await playOne(story, world, attack));
  await playSmuggling(story, scene, { world, trials });
  const tags = await claimTags(world, name, trials);
  story.claim(tags.text, tags.held, tags.detail);
  story.claim('acme/app is as it was before', JSON.stringify(await contentOf(releases)) === JSON.stringify(before));
  story.acts.push({ name: 'Act 4', seconds: (performance.now() - started) / 1000, repeat: 'npm run demo -- --act attacks' });
}

async function playOne(story: Story, world: GateWorld, attack: Attack): Promise<Trial> {
  const started = performance.now();
  const trial = await tryAttack(world, attack, name);
  const seconds = (performance.now() - started) / 1000;
  const held = story.check(trial.claims);
  story.attack({ name: attack.letter, tried: attack.tried, answer: held ? 'refused' : 'NOT HELD', code: attack.code, seconds });
  return trial;
}

/** What the gate refused is brought past it by force; whoever asks for the verdict, as a deployment does, is told to stop. */
async function playSmuggling(story: Story, scene: Scene, { world, trials }: { readonly world: GateWorld; readonly trials: readonly Trial[] }): Promise<void> {
  story.say(`\n    Now somebody with every right copies them past the gate, and clusters ask: pratique verify IMAGE`);
  for (const trial of trials) await smuggle(world, trial);
  const told = await mapConcurrently(trials, 2, async (trial) => ({ trial, told: await askVerdict(scene.lab, scene.folder, trial.target) }));
  const codes = [...new Set(told.map((one) => one.told.code))];
  for (const code of codes) {
    const those = told.filter((one) => one.told.code === code);
    const held = story.check(those.map((one) => claimRefused(one.trial, one.told)));
    story.answered(code, `exit status ${[...new Set(those.map((one) => one.told.exitStatus))].join(', ')}`, { letters: those.map((one) => one.trial.attack.letter), held });
  }
}
