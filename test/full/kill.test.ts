// SPDX-License-Identifier: Apache-2.0
// SIGKILL for real processes at each request that changes something, before the server handles it and after it did: the next attempt ends as if nothing had happened.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweep } from '../e2e/kill/kill-matrix.ts';
import { openScenes, programs, type Scenes } from '../e2e/kill/scenes.ts';

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes[Symbol.asyncDispose]());

describe.each(['before', 'after'] as const)('%s each effect', (phase) => {
  test.each(programs)('%s is killed', { timeout: 1_800_000 }, async (_, arrange, atLeast) => {
    const { effects, problems } = await sweep(scenes.stagesOf(arrange), phase);
    expect(problems).toEqual([]);
    expect(effects.length).toBeGreaterThanOrEqual(atLeast);
  });
});
