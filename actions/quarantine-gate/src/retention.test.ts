// SPDX-License-Identifier: Apache-2.0
// What the gate removes from a quarantine repository, and what it leaves there.
import { listManifests } from '@pratique/acr';
import { labClients } from '@pratique/lab';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openGateWorld, type GateWorld, type PushOptions, type QuarantinedImage } from '../../../test/fixtures/gate-world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: GateWorld;
let name = '';
let count = 0;
beforeAll(async () => {
  world = await openGateWorld();
});
beforeEach(() => {
  name = `kept-${(count += 1)}`;
  world.configure();
});
afterAll(() => world[Symbol.asyncDispose]());

async function signed(version: string, options: Partial<PushOptions> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name, version, platforms: ['linux/amd64', 'linux/arm64'], ...options });
  await withoutBareIndex(pushed);
  await world.sign(pushed);
  return pushed;
}

/** The fixture also writes an index without annotations, which shares the children: it would keep them, as any image that nobody judged. */
async function withoutBareIndex({ image, platforms }: QuarantinedImage): Promise<void> {
  const listed = await listManifests((await world.registry('gate')).oci, image.repository);
  const bare = listed.filter(({ digest, references }) => digest !== image.digest && references.some((child) => platforms.some(({ manifest }) => manifest.digest === child)));
  for (const { digest } of bare) await world.asAdministrator(image.repository).deleteManifest(digest);
}

const judge = (pushed: QuarantinedImage, days = 0) => world.judge(pushed, { given: { 'quarantine-retention-days': String(days) } });
const stands = async ({ image }: QuarantinedImage): Promise<boolean> => (await world.repository('gate', image.repository)).hasManifest(image.digest);

test('released and refused copies that are old leave quarantine, with their children; what nobody judged, what is young and the image at hand stay', async () => {
  const [released, refused, waiting] = [await signed('1.0.0'), await signed('1.1.0', { findings: ['CVE-2021-23337'] }), await signed('1.2.0', { findings: [], platforms: ['linux/amd64'] })];
  await judge(released);
  await judge(refused);
  world.advance(8 * 24);
  const [young, hand] = [await signed('1.3.0', { findings: ['CVE-2021-23337'] }), await signed('1.4.0')];
  await judge(young);
  expect((await judge(hand, 7)).outputs.verdict).toBe('passed');
  expect(await Promise.all([released, refused, waiting, young, hand].map(stands))).toEqual([false, false, true, true, true]);
  const quarantine = await world.repository('gate', released.image.repository);
  for (const [images, there] of [[[waiting, young, hand], true], [[released, refused], false]] as const) {
    for (const { manifest } of images.flatMap(({ platforms }) => platforms)) expect(await quarantine.hasManifest(manifest.digest)).toBe(there);
  }
  expect((await world.verdictOn(released)).verdict.result).toBe('PASSED');
});

test('children that an image shares which nobody judged stay', async () => {
  const pushed = await world.pushImage({ name, version: '1.0.0', platforms: ['linux/amd64'] });
  await world.sign(pushed);
  await judge(pushed);
  world.advance(48);
  await judge(await signed('1.1.0'), 1);
  expect(await stands(pushed)).toBe(false);
  const quarantine = await world.repository('gate', pushed.image.repository);
  for (const { manifest } of pushed.platforms) expect(await quarantine.hasManifest(manifest.digest)).toBe(true);
});

test('by default everything stays', async () => {
  const released = await signed('1.0.0');
  await judge(released);
  world.advance(400 * 24);
  await judge(await signed('1.1.0'));
  expect(await stands(released)).toBe(true);
});

test('the image at hand stays however old it is', async () => {
  const pushed = await signed('1.0.0');
  await judge(pushed);
  world.advance(48);
  await judge(pushed, 1);
  expect(await stands(pushed)).toBe(true);
});

test('a missing right to delete is a warning, and the release stands', async () => {
  const released = await signed('1.0.0');
  await judge(released);
  world.advance(48);
  const pushed = await signed('1.1.0');
  const { assignments } = world.lab.acr.settings;
  const index = assignments.findIndex(({ principal }) => principal === labClients.gate.objectId);
  const full = assignments.splice(index, 1, { principal: labClients.gate.objectId, role: 'Repository Writer' });
  try {
    const before = world.lines.length;
    expect((await judge(pushed, 1)).outputs).toMatchObject({ verdict: 'passed', tags: '1.1.0\n1.1\n1\nlatest' });
    expect(world.lines.slice(before).join('\n')).toMatch(/ACR_ROLE_MISSING[^]*was not cleaned/);
    expect(await stands(released)).toBe(true);
  } finally {
    assignments.splice(index, 1, ...full);
  }
});
