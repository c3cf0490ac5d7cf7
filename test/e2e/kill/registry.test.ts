// SPDX-License-Identifier: Apache-2.0
// SIGKILL for real processes after requests that changed something: the next attempt ends as if nothing had happened. Every seventh here, for time; all of them in
// test/full/kill.test.ts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweep } from './kill-matrix.ts';
import { openScenes, programs, type Scenes } from './scenes.ts';

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes[Symbol.asyncDispose]());

test.each(programs)('%s, killed after every seventh effect, before anybody hears of it', { timeout: 900_000 }, async (_, arrange, atLeast) => {
  const { effects, problems } = await sweep(scenes.stagesOf(arrange), 'after', 7);
  expect(problems).toEqual([]);
  expect(effects.length).toBeGreaterThanOrEqual(atLeast);
});
