// SPDX-License-Identifier: Apache-2.0
// SIGKILL for real processes after each request that changed something: the next attempt ends as if nothing had happened.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweep } from './kill-matrix.ts';
import { openScenes, programs, type Scenes } from './scenes.ts';

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes[Symbol.asyncDispose]());

// What stands after one effect is what stands before the next. Killing before each adds only what is under way beside it: test/full/kill.test.ts.
test.each(programs)('%s, killed after each effect, before anybody hears of it', { timeout: 900_000 }, async (_, arrange, atLeast) => {
  const { effects, problems } = await sweep(scenes.stagesOf(arrange), 'after');
  expect(problems).toEqual([]);
  expect(effects.length).toBeGreaterThanOrEqual(atLeast);
});
