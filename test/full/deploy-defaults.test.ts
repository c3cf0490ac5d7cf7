// SPDX-License-Identifier: Apache-2.0
// Five deployments judged as a user's are who sets nothing: steps of a minute, latency, a dwell of two minutes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { firstRelease, settle, untouched } from '../fixtures/deploy-case.ts';
import { openDeployWorld, quick, type DeployWorld } from '../fixtures/deploy-world.ts';

let world: DeployWorld | undefined;
beforeAll(async () => {
  world = await openDeployWorld();
}, 3_600_000);
afterAll(() => world?.[Symbol.asyncDispose]());

const defaults = Object.fromEntries(Object.keys(quick).map((name) => [name, undefined]));

test.concurrent.for([
  { namespace: 'good', rate: 200, settings: {}, verdict: 'promoted', code: '' },
  { namespace: 'failing', rate: 60, settings: { FAIL_SHARE: '0.02' }, verdict: 'rolled-back', code: 'CANARY_REGRESSION' },
  { namespace: 'slow', rate: 60, settings: { SLOW_SHARE: '0.1', SLOW_MILLIS: '1500' }, verdict: 'rolled-back', code: 'CANARY_REGRESSION' },
  { namespace: 'dying', rate: 60, settings: { CRASH_AT_REQUEST: '300' }, verdict: 'rolled-back', code: 'CANARY_NOT_READY' },
  { namespace: 'silent', rate: 0, settings: {}, verdict: 'insufficient', code: 'CANARY_INSUFFICIENT' },
])('$namespace: $verdict', async ({ namespace, rate, settings, verdict, code }) => {
  if (world === undefined) throw new Error('the cluster has not started');
  const { end } = await firstRelease(world, namespace, rate);
  await settle(10);
  const { outputs } = await world.deploy(namespace, await world.release('1.1.0', settings), defaults);
  expect(outputs, outputs.reason).toMatchObject({ verdict, code });
  const { lost, ...rest } = await end();
  expect({ ...rest, lost: {} }).toEqual(untouched);
  expect(lost['1.0.0']).toBeUndefined();
  if (code !== 'CANARY_NOT_READY') expect(lost).toEqual({});
});
