// SPDX-License-Identifier: Apache-2.0
// A gate that trust.yaml does not name: its verdict counts nowhere, so nothing is promoted by it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateWorld, type GateWorld } from '../../../test/fixtures/gate-world.ts';

let world: GateWorld;
beforeAll(async () => {
  world = await openGateWorld();
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

test('releases nothing', async () => {
  const pushed = await world.pushImage({ name: 'unbelieved' });
  await world.sign(pushed);
  const judged = world.judge(pushed, { job: { jobWorkflowFile: '.github/workflows/other.yml' } });
  await expect(judged).rejects.toMatchObject({ code: 'VERDICT_UNTRUSTED', exitStatus: 3 });
  const releases = await world.repository('gate', pushed.release.repository);
  expect(await releases.hasManifest(pushed.image.digest)).toBe(false);
}, 120_000);
