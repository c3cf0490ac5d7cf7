// SPDX-License-Identifier: Apache-2.0
// SIGKILL for real processes at each request that would change something, which the server then never handles: the next attempt ends as if nothing had happened.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweep } from '../e2e/kill/kill-matrix.ts';
import { openScenes, programs, type Scenes } from '../e2e/kill/scenes.ts';

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes[Symbol.asyncDispose]());

test.each(programs)('%s, killed before each effect', async (_, arrange, atLeast) => {
  const { effects, problems } = await sweep(scenes.stagesOf(arrange), 'before');
  expect(problems).toEqual([]);
  expect(effects.length).toBeGreaterThanOrEqual(atLeast);
});
