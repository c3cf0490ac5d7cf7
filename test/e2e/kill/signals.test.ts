// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM for real processes while a server does not answer: the end says so, no output is half written, and the next attempt goes on.
import { dirname } from 'node:path';
import { formatImage } from '@pratique/core';
import type { LabService } from '@pratique/lab';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProcess, type ActionProcess, type Program } from '../../fixtures/action-process.ts';
import { openGateWorld, type GateWorld, type QuarantinedImage } from '../../fixtures/gate-world.ts';

let world: GateWorld;
let count = 0;
beforeAll(async () => {
  world = await openGateWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Starts the gate by one of its two hosts. */
function startGate({ image, release, run, version }: QuarantinedImage, as: 'action' | 'command', attempt: number): Promise<ActionProcess> {
  const inputs = { ...world.inputsOf('gate'), image: formatImage(image), release: `${release.registry}/${release.repository}` };
  const program: Program = as === 'action' ? { action: 'quarantine-gate', inputs } : { words: ['quarantine-gate', '--json', ...Object.entries(inputs).flatMap(([name, value]) => [`--${name}`, value ?? ''])] };
  return startProcess({ lab: world.lab, folder: dirname(world.lab.addresses.folder), program, job: { ...world.jobOf('gate', { run, version }), runAttempt: attempt } });
}

/** The first request that matches never gets an answer; resolves when it came. */
function hang(service: LabService, pattern: RegExp): Promise<void> {
  return new Promise((seen) => {
    world.lab.intercept(service, async ({ method, url, signal }) => {
      if (!pattern.test(`${method} ${decodeURIComponent(new URL(url).pathname)}`)) return undefined;
      seen();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('the client left'))));
    });
  });
}

const cases: readonly (readonly [string, LabService, RegExp, 'action' | 'command', NodeJS.Signals])[] = [
  ['GitHub does not give its token', 'github', /_oidc\/token/, 'action', 'SIGTERM'],
  ['the log does not answer', 'sigstore', /log\/entries/, 'command', 'SIGINT'],
  ['a tag is written', 'acr', /^PUT .*\/manifests\/1\.2$/, 'action', 'SIGINT'],
  ['the tag is locked', 'acr', /^PATCH .*_tags/, 'command', 'SIGTERM'],
];
test.each(cases)('while %s', async (_, service, pattern, as, signal) => {
  const pushed = await world.pushImage({ name: `app-${(count += 1)}` });
  await world.sign(pushed);
  const hanging = hang(service, pattern);
  const gate = await startGate(pushed, as, 1);
  await hanging;
  await gate.signal(signal);
  world.lab.intercept(service);
  const ended = await gate.ended;
  expect([ended.status, ended.outputs]).toEqual([4, {}]);
  expect(ended.log).toContain('CANCELLED');
  if (as === 'command') expect(JSON.parse(ended.stdout)).toMatchObject({ outputs: {}, failure: { code: 'CANCELLED' } });
  const healed = await (await startGate(pushed, as, 2)).ended;
  expect(healed.status).toBe(0);
  const releases = await world.repository('gate', pushed.release.repository);
  for (const tag of ['1.2.0', '1.2', '1', 'latest']) expect((await releases.resolve(tag))?.digest).toBe(pushed.image.digest);
});
