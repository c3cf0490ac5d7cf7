// SPDX-License-Identifier: Apache-2.0
// Act four: everything that somebody could try who may write in the registry, sign as a workflow of their own, or bring a policy. Each ends in its own code.
import { mapConcurrently } from '@pratique/core';
import type { Attack } from '../fixtures/attacks/attack.ts';
import { attacks, claimRefused, claimTags, contentOf, smuggle, tryAttack, type Told, type Trial } from '../fixtures/attacks/trial.ts';
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
  const played: Played[] = [];
  for (const attack of attacks) played.push(await playOne(story, scene, { world, attack }));
  await playSmuggling(story, scene, { world, played });
  const tags = await claimTags(world, name, played.map(({ trial }) => trial));
  story.claim(tags.text, tags.held, tags.detail);
  story.claim('acme/app is as it was before', JSON.stringify(await contentOf(releases)) === JSON.stringify(before));
  story.acts.push({ name: 'Act 4', seconds: (performance.now() - started) / 1000, repeat: 'npm run demo -- --act attacks' });
}

interface Played {
  readonly trial: Trial;
  /** What `pratique verify` said, where that is the answer. */
  readonly told?: Told;
}

async function playOne(story: Story, scene: Scene, { world, attack }: { readonly world: GateWorld; readonly attack: Attack }): Promise<Played> {
  const started = performance.now();
  const trial = await tryAttack(world, attack, name);
  const told = attack.by === 'verdict' ? await smuggleAndAsk(scene, world, trial) : undefined;
  const seconds = (performance.now() - started) / 1000;
  const code = told?.code ?? trial.attempt.code ?? 'nothing';
  const held = story.check(trial.claims) && code === attack.code;
  story.attack({ name: attack.letter, tried: attack.tried, answer: held ? 'refused' : 'NOT HELD', code, seconds });
  return { trial, ...(told === undefined ? {} : { told }) };
}

async function smuggleAndAsk(scene: Scene, world: GateWorld, trial: Trial): Promise<Told> {
  await smuggle(world, trial);
  return askVerdict(scene.lab, scene.folder, trial.target);
}

/** What the gate refused is brought past it by force; whoever asks for the verdict, as a deployment does, is told to stop. */
async function playSmuggling(story: Story, scene: Scene, { world, played }: { readonly world: GateWorld; readonly played: readonly Played[] }): Promise<void> {
  story.say('\n    Now somebody with every right copies them past the gate, and clusters ask: pratique verify IMAGE');
  const answers = await mapConcurrently(played, 2, async ({ trial, told }) => ({ trial, told: told ?? await smuggleAndAsk(scene, world, trial) }));
  for (const code of new Set(answers.map(({ told }) => told.code))) {
    const those = answers.filter(({ told }) => told.code === code);
    const held = story.check(those.map(({ trial, told }) => claimRefused(trial, told)));
    story.answered(code, `exit status ${[...new Set(those.map(({ told }) => told.exitStatus))].join(', ')}`, { letters: those.map(({ trial }) => trial.attack.letter), held });
  }
}
