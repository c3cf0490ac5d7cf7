// SPDX-License-Identifier: Apache-2.0
// The release workflow as a user would copy it, with its real programs: no credential of any job stands in a log, an output, a summary or an annotation.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openScene, type Scene } from '../demo/scene.ts';
import { collectTokens, leaksIn, type TokenCollector } from '../fixtures/token-collector.ts';

const planted = 'planted-query-77d1f0c2';

let scene: Scene;
let collector: TokenCollector;
beforeAll(async () => {
  scene = await openScene({ say: () => undefined, realDatabase: false });
  collector = collectTokens(scene.lab);
});
afterAll(() => scene.close());

test('a run that ends in a refusal tells everything but its credentials', async () => {
  // An address with a signature in its query, as storage services hand them out.
  Object.assign(scene.vars, { PRATIQUE_TRUSTED_ROOT: `${scene.vars['PRATIQUE_TRUSTED_ROOT']}?sig=${planted}` });
  const sha = scene.repository.release({ tag: 'v1.1.0', fixtures: ['app'], message: 'Begin' });
  const events: unknown[] = [];
  const record = await scene.release('v1.1.0', sha, (event) => events.push(event));
  const gate = record.jobs.find(({ id }) => id === 'gate')?.jobs?.[0]?.steps.find(({ name }) => name === 'Judge and promote');
  expect(gate?.exitCode).toBe(3);
  expect(gate?.outputs).toMatchObject({ verdict: 'refused', code: 'GATE_FINDING_DENIED' });
  expect(collector.tokens.size).toBeGreaterThan(10);
  const told = JSON.stringify([events, record], undefined, 1);
  expect(told).toContain('CVE-');
  expect(leaksIn(told, [...collector.tokens, planted])).toEqual([]);
});
